"""pyinfra's own settings, read from the directory it is started in."""

from pyinfra import config

config.REQUIRE_PYINFRA_VERSION = "~=3.10"
# Everything on a host is done as root; the connectors hand the password to sudo by standard input.
config.SUDO = True
