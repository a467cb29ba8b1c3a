"""Whether OpenPAI's services are as they should be, and whether a pod can still start. Pure: facts in, verdicts out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cluster.openpai import Nodes, Service, Workload

# What the kubelet says of a container that will not start by being waited for.
_STUCK = frozenset(
    (
        "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
        "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
        "PreCreateHookError", "PostStartHookError",
    )
)  # fmt: skip
# Restarts after which a container that comes up and dies again counts as crashing, whichever state a look finds it in.
_RESTARTS = 2


@dataclass(frozen=True)
class Running:
    """A workload as the cluster has it; times are RFC 3339, which sort as text.

    `oldest_pod` is when the oldest of its present pods was made; `configmaps` those that its pods mount.
    """

    wanted: int
    ready: int
    updated: int
    settled: bool
    images: tuple[str, ...]
    configmaps: tuple[str, ...] = ()
    oldest_pod: str = ""

    @property
    def complete(self) -> bool:
        """True when every pod runs as the workload now says, and is ready."""
        return self.settled and self.ready >= self.wanted and self.updated >= self.wanted


@dataclass(frozen=True)
class ClusterState:
    """OpenPAI as a cluster has it.

    `workloads` and `objects` are named kind/namespace/name; `configmaps` maps those of namespace default to their last
    change; `labels` are those of nodes; `pushed` and `files` the sums of the configuration in the cluster and on the
    dev box, by file name; `started` the sum of the configuration that each service was last started with.
    """

    answers: bool = False
    workloads: Mapping[str, Running] = field(default_factory=dict)
    objects: frozenset[str] = frozenset()
    configmaps: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pushed: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    started: Mapping[str, str] = field(default_factory=dict)
    cluster_id: str = ""


@dataclass(frozen=True)
class Wanted:
    """What the services are judged against: the sum of their configuration, and the nodes by role."""

    configuration: str
    masters: tuple[str, ...]
    workers: tuple[str, ...]


def lacking(service: Service, state: ClusterState, wanted: Wanted) -> str | None:
    """What keeps `service` from being as it should be, in a few words; None when nothing does."""
    for workload in service.workloads:
        fault = _workload(workload, state)
        if fault:
            return fault
    for one in service.objects:
        if f"{one.kind}/{one.namespace}/{one.name}" not in state.objects:
            return f"no {one.kind.lower()} {one.name}"
    return _unlabelled(service, state, wanted)


def outdated(service: Service, state: ClusterState, wanted: Wanted) -> bool:
    """True when `service` was last started with another configuration than the present one."""
    return state.started.get(service.name) != wanted.configuration


def key(workload: Workload) -> str:
    """How ClusterState calls `workload`."""
    return f"{workload.kind}/{workload.namespace}/{workload.name}"


def present(service: Service, state: ClusterState) -> list[str]:
    """The workloads of `service` that the cluster has, as ClusterState calls them."""
    return [key(one) for one in service.workloads if key(one) in state.workloads]


def there(service: Service, state: ClusterState) -> bool:
    """True of what runs, and of what was started and has nothing to run, as cluster-configuration."""
    return bool(present(service, state)) or service.name in state.started


def _workload(workload: Workload, state: ClusterState) -> str | None:
    running = state.workloads.get(key(workload))
    if running is None:
        return f"no {workload.kind.lower()} {workload.name}"
    other = [image for image in workload.images if image not in running.images]
    if other:
        return f"{workload.name} does not run {other[0]}"
    if not running.complete:
        return f"{workload.name} {running.ready}/{running.wanted} ready"
    return None


def stale(service: Service, state: ClusterState) -> list[Workload]:
    """Workloads with a pod older than a configmap that it reads: upstream's start does not restart it."""
    found = []
    for workload in service.workloads:
        running = state.workloads.get(key(workload))
        if running and running.oldest_pod:
            changed = (state.configmaps.get(name, "") for name in running.configmaps)
            if any(at > running.oldest_pod for at in changed):
                found.append(workload)
    return found


def _unlabelled(service: Service, state: ClusterState, wanted: Wanted) -> str | None:
    hosts = {Nodes.MASTER: wanted.masters, Nodes.WORKERS: wanted.workers}
    for label in service.labels:
        for name in hosts.get(label.nodes, ()):
            if state.labels.get(name, {}).get(label.name) != label.value:
                return f"node {name} lacks the label {label.name}={label.value}"
    return None


def other_version(services: Iterable[Service], state: ClusterState) -> str | None:
    """An image of another tag that a running service has where the config asks for its own; None when there is none."""
    for service in services:
        for workload in service.workloads:
            running = state.workloads.get(key(workload))
            present = running.images if running else ()
            for image in workload.images:
                name = image.rpartition(":")[0]
                other = next((one for one in present if one.rpartition(":")[0] == name and one != image), None)
                if other:
                    return other
    return None


@dataclass(frozen=True)
class Trouble:
    """A pod that does not come up: which, and why in the kubelet's or the scheduler's word."""

    pod: str
    namespace: str
    reason: str
    message: str = ""


def troubles(pods: Iterable[Mapping]) -> list[Trouble]:
    """The pods among `pods` (items of `kubectl get pods -o json`) that will not start by being waited for."""
    found = []
    for pod in pods:
        reason = _trouble(pod)
        if reason:
            meta = pod["metadata"]
            found.append(Trouble(meta["name"], meta["namespace"], *reason))
    return found


def held_back(pods: Iterable[Mapping]) -> list[Trouble]:
    """Those of which nothing runs, and which are tried again after a growing delay only.

    The kubelet waits up to five minutes; a failed pod, as after an eviction, is replaced by its DaemonSet after up to
    fifteen. Made anew they are tried at once, and what kept them from starting may be mended by now.
    """
    idle = [pod for pod in pods if not any("running" in one.get("state", {}) for one in _containers(pod))]
    ended = {pod["metadata"]["name"] for pod in idle if pod.get("status", {}).get("phase") == "Failed"}
    return [one for one in troubles(idle) if one.reason in _STUCK or one.pod in ended]


def _containers(pod: Mapping) -> Iterable[Mapping]:
    status = pod.get("status", {})
    return (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))


def _trouble(pod: Mapping) -> tuple[str, str] | None:
    status = pod.get("status", {})
    if status.get("phase") == "Failed":
        return status.get("reason", "Failed"), status.get("message", "")
    for condition in status.get("conditions", ()):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return "Unschedulable", condition.get("message", "")
    for container in _containers(pod):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in _STUCK:
            return waiting["reason"], waiting.get("message", "")
        if container.get("restartCount", 0) >= _RESTARTS and not container.get("ready"):
            last = container.get("lastState", {}).get("terminated", {})
            return "CrashLoop", f"exit status {last.get('exitCode', 'unknown')}, {container['restartCount']} restarts"
    return None


def _state(container: Mapping) -> str | None:
    """Why a container waits; `running: NAME` of one that runs, as an init container does while the others wait."""
    state = container.get("state", {})
    if "running" in state:
        return f"running: {container['name']}"
    return state.get("waiting", {}).get("reason")


def shown(pods: Iterable[Mapping]) -> str:
    """The pods in a few words: how many are ready, and the state of those that are not."""
    ready, waiting = 0, []
    for pod in pods:
        status = pod.get("status", {})
        if any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions", ())):
            ready += 1
            continue
        states = (
            _state(one) for name in ("initContainerStatuses", "containerStatuses") for one in status.get(name, ())
        )
        known = [state for state in states if state]
        telling = [state for state in known if state != "PodInitializing"]
        waiting.append(next(iter(telling or known), status.get("phase", "unknown")))
    words = [f"{ready} ready", *(f"{waiting.count(state)} {state}" for state in dict.fromkeys(waiting))]
    return ", ".join(words)


class Patience:
    """How long each trouble has lasted, over looks at a service's pods; a pod made anew inherits its predecessor's.

    A trouble that comes and goes within `forgets` seconds lasts: a container that crashes is ready in between.
    """

    def __init__(self, seconds: float, forgets: float = 10):
        self.seconds, self.forgets = seconds, forgets
        self._lasting: dict[str, tuple[float, float]] = {}

    def over(self, seen: Iterable[Trouble], now: float) -> Trouble | None:
        """A trouble that has lasted too long at `now` (seconds of any clock), if there is one."""
        for trouble in seen:
            owner = _owner(trouble.pod)
            first, last = self._lasting.get(owner, (now, now))
            self._lasting[owner] = (first if now - last <= self.forgets else now, now)
            if now - self._lasting[owner][0] >= self.seconds:
                return trouble
        return None


class Steadiness:
    """Since when a service's pods have been as they are, over looks at them.

    Most of OpenPAI's containers have no readiness probe: one that ends as soon as it has begun is ready for a moment.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._seen: dict[tuple[str, str], int] | None = None
        self._since = 0.0

    def holds(self, pods: Iterable[Mapping], now: float) -> bool:
        """True where nothing of `pods` has started anew for long enough at `now`; at once where probes tell."""
        untold = [(pod, one["name"]) for pod in pods for one in _unprobed(pod)]
        seen = {(pod["metadata"]["name"], name): _restarts(pod, name) for pod, name in untold}
        if seen != self._seen:
            self._seen, self._since = seen, now
        return not seen or now - self._since >= self.seconds


def _unprobed(pod: Mapping) -> list[Mapping]:
    return [one for one in pod.get("spec", {}).get("containers", ()) if "readinessProbe" not in one]


def _restarts(pod: Mapping, container: str) -> int:
    counts = (one["restartCount"] for one in _containers(pod) if one.get("name") == container)
    return next(counts, 0)


def _owner(pod: str) -> str:
    """What a pod and its successor have in common: a daemon set's pods differ in the five letters at their end."""
    return pod.rpartition("-")[0]
