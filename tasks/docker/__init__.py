"""Docker: its packages, its one configuration file, and a daemon that runs with it."""

from tasks.docker.changes_due import due
from tasks.docker.deploy import MIRRORS, inside, install
from tasks.docker.facts import CLIENT_CONFIG, Docker, DockerDaemon
from tasks.docker.operations.daemon import CGROUP_DRIVER, settings, settled, suits_kubelet
from tasks.docker.operations.logins import logged_in
from tasks.docker.packages import PREDECESSORS, change_refusal, kept
