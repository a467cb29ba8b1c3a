"""Docker: its packages, its one configuration file, and a daemon that runs with it."""

from tasks.docker.deploy import MIRRORS, install
from tasks.docker.facts import Docker, DockerDaemon
from tasks.docker.operations import CGROUP_DRIVER, settings, settled, suits_kubelet
