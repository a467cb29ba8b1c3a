"""What is due on a host that disturbs its containers: other packages of Docker, or a restart of its daemon."""

from pyinfra import host

from cluster import Config
from cluster.versions import matches, numbers
from tasks.apt import AptPackages, Package
from tasks.docker import daemon_json
from tasks.docker.daemon_json import Take
from tasks.docker.facts import Docker, DockerDaemon
from tasks.docker.packages import PACKAGES
from tasks.reach import config_of

# Those of PACKAGES that bear the engine's version.
_ENGINE = ("docker-ce", "docker-ce-cli")


def due() -> list[str]:
    """What is due on this host, in words."""
    return [*packages_due(), *of_daemon(host.get_fact(Docker))]


def packages_due() -> list[str]:
    """What is due of Docker's packages on this host."""
    return of_packages(host.get_fact(AptPackages, names=PACKAGES), config_of(host))


def of_packages(packages: dict[str, Package], config: Config) -> list[str]:
    """What is due of the packages in that state; any version will do where the config names none."""
    wanted = config.docker_version
    for name in PACKAGES:
        installed = packages.get(name, Package()).installed
        if not installed:
            return [f"{name} is not installed"]
        if wanted and name in _ENGINE and not matches(installed, wanted):
            return [f"{name} {'.'.join(map(str, numbers(installed))) or installed} must become {wanted}"]
    return []


def of_daemon(daemon: DockerDaemon) -> list[str]:
    """What is due of a daemon in that state. One that is down is no matter of turns: it is started at once."""
    if not daemon.active:
        return []
    try:
        wanted = daemon_json.parse(daemon.file)
    except ValueError:
        return []  # the deploy says so
    if daemon_json.needed(daemon.in_force, wanted) is Take.RESTART or not daemon.units_in_force:
        return ["Docker must be restarted to take its configuration"]
    return []
