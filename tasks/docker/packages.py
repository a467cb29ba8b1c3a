"""Which Docker a host gets, and which change of it is not made for the sake of what runs there. Pure."""

from contextlib import suppress

from cluster import Config, Problem, Role
from cluster.versions import matches, numbers
from tasks.docker import daemon_json
from tasks.docker.facts import DockerDaemon

PACKAGES = ["docker-ce", "docker-ce-cli", "containerd.io"]
# What Docker's documentation has removed first ("Uninstall old versions"), the guide's docker and docker-engine, and
# Debian's client and plugin, whose files are those of docker-ce-cli and docker-buildx-plugin.
PREDECESSORS = [
    "docker", "docker-engine", "docker.io", "docker-cli", "docker-buildx", "docker-compose", "docker-compose-v2",
    "docker-doc", "podman-docker", "containerd", "runc",
]  # fmt: skip
# Those of them that containers run by.
ENGINES = {"docker", "docker-engine", "docker.io", "containerd", "runc"}
# The kubelet that OpenPAI 1.x needs speaks Docker's API 1.40; Docker 29.0 to 29.2 refuse it (moby#51186).
FIRST_UNFIT_MAJOR = 29
# What docker-ce's packages bring, and the plugins that come with them. Where no package owns such a file, as of Docker
# by hand ("Install from binaries"), dpkg would write over it.
PROGRAMS = [
    *(f"/usr/bin/{name}" for name in ("docker", "dockerd", "docker-init", "docker-proxy")),
    *(f"/usr/bin/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr", "runc")),
    *(f"/usr/libexec/docker/cli-plugins/docker-{name}" for name in ("buildx", "compose")),
]
ALLOW = "stop them, or allow it with --data allow_disruption=yes"


def fits_kubelet(version: str) -> bool:
    """True for a Debian version of Docker whose API range still holds what the kubelet speaks.

    >>> fits_kubelet("5:28.5.2-1~debian.12~bookworm"), fits_kubelet("5:29.1.0-1~debian.12~bookworm")
    (True, False)
    """
    return numbers(version) < (FIRST_UNFIT_MAJOR,)


def kept(role: Role, config: Config, daemon: DockerDaemon) -> bool:
    """True where the packages are not ours to change: a dev box, often its operator's own, that has a Docker.

    `docker_version` in the config is the operator's word for another one.
    """
    return role is Role.DEV_BOX and config.docker_version is None and daemon.installed


def spares(daemon: DockerDaemon, config: Config) -> bool:
    """True when live-restore is in force, or will be by a reload of the file that the config makes of daemon.json."""
    chosen = config.docker_live_restore
    if "docker_live_restore" not in config.model_fields_set:
        with suppress(ValueError):  # a file that is not valid stops the host by itself
            chosen = daemon_json.parse(daemon.file).get("live-restore", chosen)
    return daemon.live_restore or bool(chosen)


def change_refusal(
    installed: dict[str, str], daemon: DockerDaemon, shims: int, config: Config, allowed: bool
) -> Problem | None:
    """Why the Docker that is here does not become the config's; None where it may, or need not.

    `installed` has versions by package, `shims` counts running containers (of a daemon that does not answer, too), and
    `allowed` is the operator's word.
    """
    work = "" if allowed else at_work(daemon, shims)
    version, found = config.docker_version, installed.get("docker-ce")
    engines = [name for name in PREDECESSORS if name in ENGINES & installed.keys()]
    if work and not found and (engines or daemon.installed):
        what = ", ".join(engines) or f"Docker {daemon.version}, of no package,"
        return Problem(f"{what} must give way to docker-ce, but {work}", ALLOW, cause="docker-change")
    found = found or (daemon.version if daemon.installed else None)
    if not found or (matches(found, version) if version else fits_kubelet(found)):
        return None
    shown = ".".join(map(str, numbers(found))) or found
    if version is None:
        return Problem(
            f"Docker {shown} is installed, which the kubelet that OpenPAI needs may not drive; it is not taken down by "
            "a major version unasked, as its images and containers may be lost",
            f'set docker_version in config.yaml: "{shown}" keeps this one, "{FIRST_UNFIT_MAJOR - 1}" replaces it',
            cause="docker-change",
        )
    patch = patches(found, version)
    if not work or (patch and spares(daemon, config)):
        return None
    why = "live-restore is off" if patch else "live-restore keeps containers over patch releases alone"
    return Problem(
        f"Docker {shown} must become {version}, but {work} and {why}",
        f'{ALLOW}; docker_version: "{shown}" keeps this one',
        cause="docker-change",
    )


def patches(found: str, version: str) -> bool:
    """True when `version` is a patch release of `found`: over others live-restore promises nothing (Docker's docs).

    >>> patches("5:28.5.1-1~debian.12~bookworm", "28.5.2"), patches("5:28.5.1-1~debian.12~bookworm", "28.6")
    (True, False)
    """
    return len(numbers(version)) > 2 and numbers(version)[:2] == numbers(found)[:2]


def aside(path: str) -> str:
    """Where a file of PROGRAMS is kept."""
    folder, _, name = path.rpartition("/")
    # Docker's client takes every docker-* in the folder of its plugins for one.
    return f"{folder}.openpai.disabled/{name}" if folder.endswith("/cli-plugins") else f"{path}.openpai.disabled"


def at_work(daemon: DockerDaemon, shims: int) -> str:
    """The running containers in words, nothing where none runs; `shims` counts also those of a silent daemon."""
    return running(daemon) if daemon.containers else f"{shims} containers run" if shims else ""


def running(daemon: DockerDaemon) -> str:
    """The running containers in words."""
    names = ", ".join(line.split()[-1] for line in daemon.containers[:5])
    return f"{len(daemon.containers)} containers run ({names})"
