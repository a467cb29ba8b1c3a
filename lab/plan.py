"""Which hosts a lab shall have: from what is asked for and what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab import apt, base, past
from lab.settings import (
    DEFAULT_GPU,
    DEFAULT_SUITE,
    DEFAULT_WORKERS,
    DEV_BOX,
    DEV_BOX_BYTE,
    MASTER,
    MASTER_BYTE,
    MOST_WORKERS,
    WORKER_BYTE,
    host_names,
)
from lab.shell import LabError
from lab.state import LabHost, LabState


def wanted(
    state: LabState | None,
    workers: int | None,
    suite: str | None,
    suites: Mapping[str, str],
    gpu: str | None,
    gpus: Mapping[str, str],
    pasts: Mapping[str, str],
) -> list[LabHost]:
    """Every host of the lab as asked for; what was not asked for is as in `state`, or the default.

    LabError for hosts that do not exist, and for a change that a host cannot make while it lives.
    """
    there = {host.name: host for host in state.hosts} if state else {}
    count = workers if workers is not None else max(len(there) - 2, 0) or DEFAULT_WORKERS
    if not 1 <= count <= MOST_WORKERS:
        raise LabError(f"a lab has 1 to {MOST_WORKERS} workers, not {count}")
    names = host_names(count)
    for name in (*suites, *gpus, *pasts):
        if name not in names:
            raise LabError(f"there is no host {name} in this lab; it has {', '.join(names)}")
    for name in (DEV_BOX, MASTER):
        if name in gpus:
            raise LabError(f"{name} has no GPUs; workers have")
    if surplus := sorted(set(there) - set(names)):
        raise LabError(f"the lab has {', '.join(surplus)} as well; to have fewer hosts, take it down first")
    result = []
    for name in names:
        role = {DEV_BOX: "dev_box", MASTER: "master"}.get(name, "worker")
        asked_gpu = gpus.get(name, gpu) if role == "worker" else None
        asked_past = pasts.get(name)
        asked_suite = _suite(name, suites.get(name), asked_past) or suite
        host = there.get(name) or LabHost(
            name,
            role,
            "",
            asked_suite or DEFAULT_SUITE,
            "",
            _profile(asked_gpu or DEFAULT_GPU) if role == "worker" else None,
            asked_past,
        )
        asked = (asked_suite or host.suite, _profile(asked_gpu) if asked_gpu else host.gpu, asked_past or host.past)
        if asked != (host.suite, host.gpu, host.past):
            raise LabError(f"{name} is there already, with another suite, past or other GPUs; take the lab down first")
        result.append(host)
    return result


def new(state: LabState | None, hosts: list[LabHost]) -> list[LabHost]:
    """Those of the hosts that the lab does not have yet."""
    there = {host.name for host in state.hosts} if state else set()
    return [host for host in hosts if host.name not in there]


def place(lab: LabState, host: LabHost, say: Callable[[str], None]) -> None:
    """Give a new host its base, what its past adds to that, and its address."""
    host.base = str(base.ensure(host.suite, say))
    host.layer = past.layer(host, say)
    bytes_by_name = {DEV_BOX: DEV_BOX_BYTE, MASTER: MASTER_BYTE}
    host.address = lab.address(bytes_by_name.get(host.name) or WORKER_BYTE + int(host.name.rsplit("-", 1)[1]))


def _suite(name: str, asked: str | None, asked_past: str | None) -> str | None:
    """The suite that is asked for a host, or that its past stands on; LabError where the two are not the same."""
    needed = past.suite(asked_past)
    if needed and (apt.distribution() == "ubuntu" or asked not in (None, needed)):
        raise LabError(f"{name}: {asked_past} stands on Debian's {needed}; on Ubuntu, use its own --suite instead")
    return asked or needed


def _profile(asked: str) -> str | None:
    return None if asked == "none" else asked
