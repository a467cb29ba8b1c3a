# shellcheck shell=sh
# needrestart, which looks at every service after each installation.
install needrestart
