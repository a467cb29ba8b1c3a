# shellcheck shell=sh
# Debian's timesyncd in step with a server of the company's.
timesyncd
