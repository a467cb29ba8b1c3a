"""One host's turn in a rolling change: whether it may begin, and what must hold when it is over.

pyinfra changes all hosts side by side, or each alone; it knows neither canaries nor a change that stops by itself.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from pyinfra import host, state
from pyinfra.api import FunctionCommand, Host, State, operation

from tasks.docker import Docker
from tasks.kubernetes.rolling_policy import Roll, halted, in_short
from tasks.reach import Commands, cluster_host, config_of, disruption_allowed, planning, stop, why

# What is due on the host of the context, in words; nothing where all is as the config says.
Due = Callable[[], list[str]]

# What the kubelet calls the containers of pods begins so.
_POD = "k8s_"
# The hosts, by name, that this run has begun to change.
_begun: WeakKeyDictionary[State, set[str]] = WeakKeyDictionary()


@operation()
def may_begin(roll: Roll) -> Commands:
    """Leave this host alone where the roll has stopped, or containers run that nobody drains; it changes nothing."""
    names = {cluster_host(other).name: other for other in state.failed_hosts}
    failed = {name: why(state, other) for name, other in names.items() if name in roll.due}
    reason = halted(roll, failed, _begun.get(state, ()), config_of(host).rolling_max_failures)
    strangers = [line.split()[-1] for line in host.get_fact(Docker).containers if not line.split()[-1].startswith(_POD)]
    if reason:
        yield stop(f"left alone: {reason}", cause="roll-halted")
    elif strangers and not disruption_allowed(host):
        yield stop(
            f"left alone: containers run that are no pods: {in_short(strangers)}; stop them, or allow it with "
            "--data allow_disruption=yes",
            cause="containers-no-pods",
        )


@operation()
def begun() -> Commands:
    """Note that this host is changed from here on: if it fails, its change has."""
    yield FunctionCommand(_note, (), {})


def _note(state: State, host: Host) -> bool:
    _begun.setdefault(state, set()).add(cluster_host(host).name)
    return True


@operation()
def nothing_due(due: Due) -> Commands:
    """Fail this host where something is due on it still."""
    if planning():
        return
    left = due()
    if left:
        yield stop(f"after its change still: {'; '.join(left)}", cause="change-fruitless")
