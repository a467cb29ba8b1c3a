"""Docker's packages, and the one owner of its options: /etc/docker/daemon.json, merged and taken by the running daemon.

pyinfra has no operation for them: apt.packages does not ask what runs, files.put would overwrite the operator's keys,
and systemd.service restarts on the word of the present run, which a killed run never gets to say. Its server.user
replaces groups by default, reads every account with lastlog, and never settles where the group is the primary one.
"""

import io
import json
from typing import Any

from pyinfra import host, logger
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand, operation

from cluster import Problem
from cluster.kubernetes import docker_api_fits
from cluster.versions import matches
from tasks import apt
from tasks.apt import AptPackages, AptRemovals
from tasks.docker import daemon_json
from tasks.docker.daemon_json import Take
from tasks.docker.facts import APPLIED, DAEMON_JSON, Docker, DockerApi, DockerDaemon, GroupsOf, Unowned
from tasks.docker.packages import (
    PACKAGES,
    PREDECESSORS,
    PROGRAMS,
    aside,
    change_refusal,
    fits_kubelet,
    patches,
    running,
)
from tasks.progress import DOCKER_RESTART, foresee
from tasks.reach import Commands, config_of, may_disturb, must_wait, planning, script, show_diff, stop, waiting
from tasks.systemd import Boot, systemctl

# Seconds dockerd has to answer after a reload or restart; loading many containers takes it a while.
PATIENCE = 90


@operation()
def settings(settings: dict[str, Any], defaults: dict[str, Any] | None = None) -> Commands:
    """Merge `settings` into daemon.json, and `defaults` where the file says nothing.

    An invalid file stops the host and is left as it is. The merged file is validated by dockerd where dockerd can
    (from 23.0), the old one kept beside it as .previous, and the new one renamed into place.
    """
    daemon = host.get_fact(Docker)
    try:
        current = daemon_json.parse(daemon.file)
    except ValueError as error:
        yield stop(
            f"{DAEMON_JSON} is not valid: {error}; mend it or move it away (it was left untouched)",
            cause="docker-config",
        )
        return
    defaults = dict(defaults or {})
    if daemon.answers or daemon.stored:
        # A daemon at work keeps its images and containers where they are, unless the config says otherwise; and so does
        # one that comes after a predecessor, whose containers it starts again.
        defaults.pop("data-root", None)
    wanted = daemon_json.merge(current, settings, defaults)
    if wanted == current:
        return
    clashes = daemon_json.clashes(daemon.exec_start, wanted)
    if clashes:
        yield stop(
            f"docker.service sets {', '.join(clashes)} on dockerd's command line, which keeps it from starting with "
            f"the same key in {DAEMON_JSON}; remove the flag from the unit's drop-in (systemctl cat docker)",
            cause="docker-flags",
        )
        return
    _foresee(daemon, wanted)
    text = json.dumps(wanted, indent=4) + "\n"
    show_diff(DAEMON_JSON, daemon.file or "", text)
    yield StringCommand("mkdir -p /etc/docker")
    yield FileUploadCommand(io.StringIO(text), f"{DAEMON_JSON}.new")
    in_force = daemon.in_force if daemon.active else None
    if in_force is not None:
        # Once the file is newer than the daemon, this note alone tells what the daemon runs with.
        yield from _record(daemon, in_force)
    # Only what the daemon has really run with is worth going back to.
    keep = daemon.file and in_force is not None
    yield script("docker/replace-config.sh", DAEMON_JSON, "keep" if keep else "")


@operation()
def settled() -> Commands:
    """Make the running daemon take daemon.json and its unit files: nothing, a reload, or one safe restart.

    A restart under running containers needs live-restore in force or the operator's word (allow_disruption); on a node
    in service it waits for its turn in a rolling change. A daemon that does not come back gets the previous file back,
    and the host fails saying so.
    """
    daemon = host.get_fact(Docker)
    try:
        wanted = daemon_json.parse(daemon.file)
    except ValueError as error:
        yield stop(
            f"{DAEMON_JSON} is not valid: {error}; mend it or move it away (it was left untouched)",
            cause="docker-config",
        )
        return
    if not daemon.installed:
        yield from systemctl("enable", "--now", "docker.service")
        return
    _foresee(daemon, wanted)
    if not daemon.enabled:
        yield from systemctl("enable", "docker.service")
    take = daemon_json.needed(daemon.in_force, wanted) if daemon.active else Take.RESTART
    if take is Take.RELOAD or (take is Take.RESTART and _reload_would_save(daemon, wanted)):
        yield from _reload(daemon, wanted)
        daemon = host.get_fact(Docker)
        if take is Take.RELOAD and not daemon_json.confirmed(daemon.info, wanted):
            take = Take.RESTART
    if take is Take.RESTART or not daemon.units_in_force:
        if daemon.active and must_wait(host):
            yield from waiting._inner(["Docker must be restarted to take its configuration"])
        else:
            yield from _restart(daemon, wanted)


def _foresee(daemon: DockerDaemon, wanted: dict[str, Any]) -> None:
    """Note for the plan that a daemon at work will be restarted, to run with `wanted` or with its unit files."""
    restart = daemon.active and daemon_json.needed(daemon.in_force, wanted) is Take.RESTART
    if planning() and (restart or (daemon.active and not daemon.units_in_force)):
        foresee(host, DOCKER_RESTART)


def _reload_would_save(daemon: DockerDaemon, wanted: dict[str, Any]) -> bool:
    """True when a reload first would turn live-restore on, so that the restart spares the containers."""
    return bool(daemon.active and daemon.containers and not daemon.live_restore and wanted.get("live-restore"))


def _reload(daemon: DockerDaemon, wanted: dict[str, Any]) -> Commands:
    yield StringCommand(f"systemctl reload docker.service && sleep 1 && timeout {PATIENCE} docker info >/dev/null")
    if daemon.in_force is not None:
        yield from _record(daemon, daemon_json.reloaded(daemon.in_force, wanted))


def _restart(daemon: DockerDaemon, wanted: dict[str, Any]) -> Commands:
    moves = daemon.answers and wanted.get("data-root", daemon.info["DockerRootDir"]) != daemon.info["DockerRootDir"]
    if daemon.active and daemon.containers and (moves or not daemon.live_restore) and not may_disturb(host):
        yield stop(
            f"Docker must be restarted to take its configuration, but {running(daemon)} and "
            f"{'data-root moves' if moves else 'live-restore is off'}; "
            "stop them, or allow it with --data allow_disruption=yes",
            cause="docker-restart",
        )
        return
    if daemon.needs_daemon_reload:
        yield from systemctl("daemon-reload")
    yield script("docker/restart.sh", DAEMON_JSON, PATIENCE)
    yield from _record(daemon, wanted, host.get_fact(Docker).invocation)


def _record(daemon: DockerDaemon, config: dict[str, Any], invocation: str | None = None) -> Commands:
    """Note that `daemon` runs with `config`: a reload leaves no other trace.

    `invocation` is that of a restart of ours, which has taken the unit files that were there before it.
    """
    units = daemon.units_digest if invocation or daemon.units_in_force else ""
    note = {"invocation": invocation or daemon.invocation, "config": config, "units": units}
    yield StringCommand(f"mkdir -p -m 700 {APPLIED.rpartition('/')[0]}")
    yield FileUploadCommand(io.StringIO(json.dumps(note)), APPLIED)


@operation()
def predecessors_removed() -> Commands:
    """Remove the engines, clients and plugins that docker-ce comes in place of, but not from under running containers.

    Their configuration and data stay, and so do packages that depend on them: these stop the host. What stands beside a
    docker-ce that is installed does it no harm.
    """
    installed = _installed()
    present = [name for name in PREDECESSORS if name in installed and "docker-ce" not in installed]
    if not present:
        return
    # Before the engine is gone: afterwards nothing tells its version.
    problem = _change_refusal(installed)
    if problem:
        yield stop(problem)
        return
    others = [name for name in host.get_fact(AptRemovals, names=present) if name not in present]
    if others:
        yield stop(
            f"apt would remove {', '.join(others)} with {', '.join(present)}, on which they depend; "
            "remove them by hand if nothing needs them, or use another host",
            cause="docker-removals",
        )
        return
    if planning():
        host.log(f"{', '.join(present)} give way to Docker's own packages", logger.warning)
    yield from apt.in_unit("--allow-change-held-packages", "remove", *present)


@operation()
def packages() -> Commands:
    """Have Docker's packages at the config's version, or any that fits the kubelet, and hold them.

    Under running containers they change by a patch release, live-restore in force first, or by the operator's word.
    Files that no package owns are not written over: they are kept aside.
    """
    version, found = config_of(host).docker_version, _installed()
    problem = _change_refusal(found)
    if problem:
        yield stop(problem)
        return
    daemon, engine = host.get_fact(Docker), found.get("docker-ce")
    try:
        wanted = daemon_json.parse(daemon.file)
    except ValueError:
        return  # settings() has stopped this host
    if planning() and engine and version and not matches(engine, version):
        foresee(host, DOCKER_RESTART)
    patch = bool(engine and version and patches(engine, version) and not matches(engine, version))
    if patch and _reload_would_save(daemon, wanted):
        yield from _reload(daemon, wanted)
    for path in host.get_fact(Unowned, paths=PROGRAMS) if engine is None else []:
        kept = QuoteString(aside(path))
        yield StringCommand('mkdir -p -- "$(dirname', kept, ')" && mv --backup=numbered --', QuoteString(path), kept)
    yield from apt.packages._inner(PACKAGES, version, fits_kubelet)


def _installed() -> dict[str, str]:
    """Docker's packages and their predecessors that are installed, with their versions."""
    state = host.get_fact(AptPackages, names=[*PACKAGES, *PREDECESSORS])
    return {name: package.installed for name, package in state.items() if package.installed}


def _change_refusal(installed: dict[str, str]) -> Problem | None:
    daemon, config, allowed = host.get_fact(Docker), config_of(host), may_disturb(host)
    # What is at work is dear to ask, and tells nothing where Docker may stay whatever runs.
    if change_refusal(installed, daemon, 1, config, allowed) is None:
        return None
    return change_refusal(installed, daemon, host.get_fact(Boot).containers, config, allowed)


CGROUP_DRIVER = "native.cgroupdriver=systemd"


@operation()
def suits_kubelet(version: str) -> Commands:
    """Stop a host whose Docker the kubelet of `version` (v1.20.2) could not drive."""
    served = host.get_fact(DockerApi)
    if not served:
        if not planning():
            yield stop("Docker does not answer; see: systemctl status docker", cause="docker-silent")
        return
    if not docker_api_fits(version, *served):
        yield stop(
            f"Docker serves API {served[0]} to {served[1]}, which the kubelet of {version} does not speak; "
            "set docker_version to 20.10 or newer and below 29, as 28",
            cause="docker-api",
        )
    try:
        options = daemon_json.parse(host.get_fact(Docker).file).get("exec-opts", [])
    except ValueError:
        return
    others = [one for one in options if one.startswith("native.cgroupdriver=") and one != CGROUP_DRIVER]
    if others:
        yield stop(
            f"daemon.json sets {others[0]}, the kubelet needs {CGROUP_DRIVER}; remove it from exec-opts",
            cause="docker-cgroup-driver",
        )


@operation()
def member(user: str, group: str) -> Commands:
    """Add `user` to `group`, keeping the user's other groups; the group is made if a package has not."""
    if group not in host.get_fact(GroupsOf, user=user):
        yield StringCommand("groupadd", "-f", QuoteString(group))
        yield StringCommand("usermod", "-aG", QuoteString(group), QuoteString(user))
