"""What pyinfra reads first in the directory it is started in; what holds from anywhere else, too, is in groups()."""

from pyinfra import config

from tasks import progress

config.REQUIRE_PYINFRA_VERSION = "~=3.10"
progress.watch()
