"""Whose turn it is: what disturbs the pods of a node waits until a rolling change has taken the node out of service."""

from weakref import WeakKeyDictionary

from pyinfra import host as this_host
from pyinfra import logger
from pyinfra.api import Host, State, StringCommand, operation

from tasks.reach.context import config_of, disruption_allowed
from tasks.reach.facts import Fact
from tasks.reach.script import Commands
from tasks.reach.sections import probes

# By name: what operations know as `host` stands for another host in each of them.
_turns: WeakKeyDictionary[State, set[str]] = WeakKeyDictionary()


class IsNode(Fact[bool]):
    """Whether the host is a node of a cluster, be its API server up or not: its kubelet's credentials are there."""

    default = bool

    def command(self) -> StringCommand:
        return probes(credentials=["ls", "/etc/kubernetes/kubelet.conf"])

    def read(self, found: dict[str, str]) -> bool:
        return bool(found["credentials"])


def take_turn(host: Host) -> None:
    """Say that all that this run does to `host` comes after its node was drained."""
    _turns.setdefault(host.state, set()).add(host.name)


def has_turn(host: Host) -> bool:
    """True where nothing runs on `host` that could be disturbed."""
    return host.name in _turns.get(host.state, ())


def may_disturb(host: Host) -> bool:
    """True where what runs on `host` may be stopped: by the operator's word, or as the pods have left."""
    return has_turn(host) or disruption_allowed(host)


def must_wait(host: Host) -> bool:
    """True where a change that disturbs pods is for tasks.rolling.change: a node in service.

    Where the cluster is another installer's, its nodes are drained by its operator, who says so (allow_disruption).
    """
    return not has_turn(host) and config_of(host).installer != "none" and host.get_fact(IsNode)


@operation()
def waiting(due: list[str], task: str = "tasks.rolling.change") -> Commands:
    """Say what of this host waits for its turn, and the `task` that gives it one; it changes nothing."""
    said = f"waits for its turn: {'; '.join(due)}; to have it changed: pyinfra INVENTORY {task}"
    this_host.log(said, logger.warning)
    yield from ()
