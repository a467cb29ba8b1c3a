"""What a service of OpenPAI is made of: its pods, the objects beside them, the labels of nodes."""

from dataclasses import dataclass

from cluster.words import StrEnum


class Nodes(StrEnum):
    """The machines that a pod runs on, by upstream's node labels."""

    MASTER = "master"  # pai-master=true
    WORKERS = "workers"  # pai-worker=true
    ALL = "all"  # every node, unless it is labelled out (no-nodeexporter and its kin)
    STORAGE = "storage"  # pai-storage=true, which only an operator's layout.yaml gives


@dataclass(frozen=True, kw_only=True)
class Versioned:
    """What some versions of OpenPAI have: the first and the last of them, in the words of cluster.versions."""

    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Workload(Versioned):
    """Pods that a service runs.

    An image without a tag is OpenPAI's own: it follows the registry and the tag of the config. `ports` are taken on
    the hosts. `memory` (MiB) and `cpu` (thousandths of a core) are what one pod requests where qos-switch is on (a
    limit counts where no request is given, as Kubernetes has it); without the switch pods request nothing. `{vc}` in a
    name stands for each of HiveD's virtual clusters.
    """

    kind: str
    name: str
    images: tuple[str, ...]
    nodes: Nodes = Nodes.MASTER
    namespace: str = "default"
    ports: tuple[int, ...] = ()
    memory: int = 0
    cpu: int = 0


@dataclass(frozen=True)
class Object(Versioned):
    """A Kubernetes object that a start leaves behind beside its pods; without a namespace where its kind has none."""

    kind: str
    name: str
    namespace: str = "default"


@dataclass(frozen=True)
class Label(Versioned):
    """A label that nodes get."""

    name: str
    value: str = "true"
    nodes: Nodes = Nodes.MASTER


@dataclass(frozen=True)
class Service(Versioned):
    """A service, by the name that paictl knows.

    `requires` are its prerequisites; what a version does not have does not count, as for paictl. `node_ports` are
    taken on every node, by kube-proxy. `job_images` are pulled by every job. `by_paictl` is false where paictl cannot
    start it today.
    """

    name: str
    requires: tuple[str, ...] = ()
    workloads: tuple[Workload, ...] = ()
    objects: tuple[Object, ...] = ()
    labels: tuple[Label, ...] = ()
    node_ports: tuple[int, ...] = ()
    job_images: tuple[str, ...] = ()
    by_paictl: bool = True
