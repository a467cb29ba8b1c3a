"""A cluster put together from snapshots captured from real hosts, and ways to break it."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from cluster import Cluster, Config, Host, Role
from cluster.openpai import Layout
from tasks.docker.facts import DockerDaemon
from tasks.preflight import images
from tasks.preflight.model import Clock, Survey
from tasks.preflight.snapshot import Reply, parse_snapshot
from tasks.preflight.verdict import judge

DATA = Path(__file__).parent / "data/snapshots"
CAPTURES = sorted(path.stem.removeprefix("worker-") for path in DATA.glob("worker-*.txt"))
# The configuration that the hosts were captured under.
CAPTURED_UNDER = MappingProxyType(
    {
        "user": "paiadmin",
        "http_proxy": "http://10.77.3.1:3128",
        "https_proxy": "http://10.77.3.1:3128",
        "no_proxy": ["10.77.3.0/24"],
        "docker_apt_mirror": "http://10.77.3.1:8080/docker",
        "nvidia_toolkit_apt_mirror": "http://10.77.3.1:8080/nvidia/stable/deb",
        "kubernetes_mirror": "http://10.77.3.1:8080/kubernetes",
        "openpai_docker_insecure_registries": ["10.77.3.1:5000"],
        "openpai_docker_registry_mirrors": ["http://10.77.3.1:5000"],
        "docker_registry_domain": "10.77.3.1:5000",
        "kube_image_repo": "10.77.3.1:5000",
        "openpai_kube_network_plugin": "host-gw",
        "master_min_memory_mb": 16000,
        "clock_max_offset_ms": 1000,
        "openpai": False,
    }
)
DEV_BOX, MASTER, WORKER, OTHER = "dev-box", "openpai-master-01", "openpai-worker", "openpai-other"


def read(name):
    return parse_snapshot((DATA / f"{name}.txt").read_text().splitlines())


def surveyed(capture, **keys):
    """A cluster of the captured dev box and master, the worker under test, and another one of bookworm."""
    seen = {DEV_BOX: read("dev-box"), MASTER: read("master"), WORKER: read(f"worker-{capture}")}
    other = read("worker-bookworm")
    fourth = replace(other.addresses[-1], address="10.77.3.99")
    seen[OTHER] = replace(other, hostname=OTHER, machine_id="9" * 32, macs={"host0": "02:00:00:00:00:99"},
                          addresses=(fourth,))  # fmt: skip
    seen[WORKER] = replace(seen[WORKER], hostname=WORKER)
    # The captures are older than OpenPAI's part of the snapshot, and have fewer processors than GPUs.
    space = {"/mnt/paiInternal": 10**11}
    for name, one in seen.items():
        seen[name] = replace(one, cpus=8, space=one.space | space, storage=frozenset({"loop"}), account=True)
    roles = {DEV_BOX: Role.DEV_BOX, MASTER: Role.MASTER, WORKER: Role.WORKER, OTHER: Role.WORKER}
    hosts = {name: Host(name, snapshot.addresses[-1].address, roles[name]) for name, snapshot in seen.items()}
    # The captures met other hosts than these.
    reached = {f"{host.address}:22": "ok" for host in hosts.values()} | {"10.77.3.1:3128": "ok"}
    config = Config.model_validate({**CAPTURED_UNDER, **keys})
    cluster = Cluster(Path("/cluster"), hosts[DEV_BOX], (hosts[MASTER],), (hosts[WORKER], hosts[OTHER]), config)
    # They were not asked for images, whose registry answered.
    there = {name: {one.id: Reply(200, "") for one in images.targets(cluster, host)} for name, host in hosts.items()}
    return Survey(
        cluster=cluster,
        snapshots={
            name: replace(snapshot, peers=reached, replies=snapshot.replies | there[name])
            for name, snapshot in seen.items()
        },
        clocks={name: Clock(20.0, 15.0) for name in hosts},
    )


def changed(survey, name=WORKER, **fields):
    return replace(survey, snapshots={**survey.snapshots, name: replace(survey.snapshots[name], **fields)})


def driver(survey, **fields):
    return {"driver": replace(survey.snapshots[WORKER].driver, **fields)}


def reply(survey, id, status=0, said="Could not connect"):
    return {"replies": {**survey.snapshots[WORKER].replies, id: Reply(status, said)}}


def unreached(survey, place, name=WORKER):
    """No image of `place`, the beginning of a URL, has an answer on the host."""
    replies = survey.snapshots[name].replies
    lost = {id: Reply(0, "Could not connect") for id in replies if id.startswith(f"image:{place}")}
    return {"replies": replies | lost}


def missed(survey, address):
    return {"peers": {**survey.snapshots[WORKER].peers, address: "Connection refused"}}


def planned(survey, gpus):
    """A layout.yaml in which the worker has so many GPUs."""
    device = {"type": "nvidia.com/gpu", "model": "H100", "count": gpus}
    sku = {"mem": "16Gi", "cpu": {"vcore": 2}, "computing-device": device}
    machine = {"hostname": WORKER, "hostip": "10.77.3.21", "machine-type": "gpu", "pai-worker": "true"}
    return Layout.model_validate({"machine-sku": {"gpu": sku}, "machine-list": [machine]})


def rows(survey, id):
    return [row for row in judge(survey).rows if row.requirement == id]


def whole(survey):
    """The survey with Docker and the time set up on every host, as after a deploy."""
    for name, seen in survey.snapshots.items():
        survey = changed(
            survey,
            name,
            cgroup="hybrid",
            nvidia_runtime=True,
            time=replace(seen.time, unit="ntpsec", synchronised=True),
            docker=DockerDaemon(installed=True, version="20.10.24", info={"DefaultRuntime": "nvidia"}),
        )
    return replace(survey, layout=planned(survey, 4))
