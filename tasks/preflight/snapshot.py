"""A host as preflight sees it, and the pure parser of the answer of files/preflight/snapshot.sh."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.apt import OsRelease, parse_release
from tasks.docker import Docker, DockerDaemon
from tasks.gpu import TIMED_OUT, DriverState, GpuHealth, NvidiaDriver, NvidiaHealth, NvidiaSmi, SmiReport
from tasks.reach import Fact, parse_sections
from tasks.systemd import LosingGpus
from tasks.time import TimeDaemon, TimeSync

# Facts whose own commands run as probes of the snapshot.
BUNDLED: dict[str, type[Fact[Any]]] = {
    "docker": Docker,
    "nvidia_driver": NvidiaDriver,
    "nvidia_smi": NvidiaSmi,
    "nvidia_health": NvidiaHealth,
    "time_sync": TimeSync,
    "losing_gpus": LosingGpus,
}


@dataclass(frozen=True)
class Address:
    """An IPv4 address on an interface; `dynamic` where DHCP lent it for a time."""

    interface: str
    address: str
    prefix: int
    dynamic: bool


@dataclass(frozen=True)
class Listener:
    """A listening TCP port and its owner: the process (empty: unseen), and docker or kubernetes if it is theirs."""

    port: int
    process: str
    container: str


@dataclass(frozen=True)
class Reply:
    """What asking a URL brought: the HTTP status (0: none) and the client's words."""

    status: int
    said: str


@dataclass(frozen=True)
class Snapshot:
    """One host at one moment. Times are milliseconds since 1970 by the host's own clock; memory and initramfs: bytes.

    `space` are the bytes free on the file system that holds a folder, or will;
    `storage` is what OpenPAI's internal storage finds: `loop` devices, its file (`made`), and that in use (`ready`);
    `sources` the package sources, by place and URL; `unfinished` the packages that dpkg is not done with, after
    their states; `node` says whether it is a Kubernetes node, `account` whether the config's user is known
    here, `age` whether that program is; `firewall` is what ufw says of itself.
    """

    started: int
    ended: int
    sudo_error: str | None
    os: OsRelease
    kernel: str
    architecture: str
    hostname: str
    resolves: bool
    machine_id: str
    cpus: int
    memory: int
    swaps: tuple[str, ...]
    systemd: bool
    cgroup: str
    controllers: frozenset[str]
    initramfs: int
    addresses: tuple[Address, ...]
    macs: dict[str, str]
    space: dict[str, int]
    storage: frozenset[str]
    ports: tuple[Listener, ...]
    lock_waited: int
    lock_holder: str | None
    packages: dict[str, str]
    kubelet: bool
    nvidia_runtime: bool
    rivals: tuple[str, ...]
    peers: dict[str, str]
    replies: dict[str, Reply]
    sources: dict[str, Reply] = field(default_factory=dict)
    unfinished: tuple[str, ...] = ()
    late: frozenset[str] = frozenset()
    node: bool = False
    account: bool = False
    age: bool = False
    firewall: tuple[str, ...] = ()
    docker: DockerDaemon = field(default_factory=DockerDaemon)
    driver: DriverState = field(default_factory=DriverState)
    smi: SmiReport = field(default_factory=SmiReport)
    health: GpuHealth = field(default_factory=GpuHealth)
    time: TimeDaemon = field(default_factory=TimeDaemon)
    losing_gpus: list[str] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)
    """What BUNDLED's commands have said, where root ran them and they came to their end."""

    def interface_of(self, address: str) -> str:
        """The interface that carries `address`; empty where none does."""
        return next((each.interface for each in self.addresses if each.address == address), "")

    def mac_of(self, address: str) -> str | None:
        """The MAC of the interface that carries `address`."""
        return self.macs.get(self.interface_of(address))


def sections(output: Sequence[str]) -> dict[str, list[str]]:
    """The lines of each probe by its name, without the blank one that follows them."""
    found: dict[str, list[str]] = {}
    for line in output:
        if line.startswith("@@@ "):
            current = found.setdefault(line[4:].strip(), [])
        elif found:
            current.append(line)
    return {name: lines[:-1] if lines and not lines[-1] else lines for name, lines in found.items()}


def parse_snapshot(output: Sequence[str]) -> Snapshot:
    """Make a Snapshot of the answer; some exception or other where it is not one, or was cut off."""
    said = sections(output)
    found = {name: [line for line in lines if line.strip()] for name, lines in said.items()}
    if not found.get("end"):
        raise ValueError("it was cut off")
    late = frozenset(found.get("late", ()))

    def lines(probe: str) -> list[str]:
        return found.get(probe, [])

    bundled = {name: fact().parse(found[name]) if lines(name) else fact().default() for name, fact in BUNDLED.items()}
    waited, _, holder = (lines("package_lock") or ["0 "])[0].partition(" ")
    return Snapshot(
        started=int(found["start"][0]),
        ended=int(found["end"][0]),
        sudo_error=" ".join(line.strip() for line in found["sudo"]) if "sudo" in found else None,
        os=parse_release(lines("os")),
        kernel=found["kernel"][0],
        architecture=found["kernel"][1],
        hostname=found["name"][0],
        resolves=bool(lines("resolves")),
        machine_id=(lines("machine_id") or [""])[0],
        cpus=int(found["cpus"][0]),
        memory=int(found["memory"][0].split()[1]) * 1024,
        swaps=tuple(line.split()[0] for line in lines("swaps")),
        systemd="running" in lines("systemd"),
        cgroup=_cgroup(lines("cgroup")),
        controllers=frozenset(" ".join(lines("controllers")).split()),
        initramfs=int((lines("initramfs") or ["0"])[0]),
        addresses=tuple(_addresses(lines("addresses"))),
        macs=dict(line.split() for line in lines("links") if len(line.split()) == 2),
        space={name: int(free) * 1024 for name, free, _total in map(str.split, lines("space"))},
        storage=frozenset(lines("storage")),
        ports=tuple(sorted((_listener(line) for line in lines("ports")), key=lambda found: found.port)),
        lock_waited=int(waited),
        lock_holder=holder or None,
        packages={name: version for name, _, version in (line.partition(" ") for line in lines("packages"))},
        kubelet=bool(lines("kubelet")),
        age=bool(lines("age")),
        nvidia_runtime=bool(lines("runtime")),
        rivals=tuple(lines("rivals")),
        peers=_peers(lines("peers")),
        replies=dict(_reply(line) for line in lines("urls")),
        unfinished=tuple(lines("unfinished")),
        sources=dict(_source(line) for line in lines("sources")),
        late=late,
        node=bool(lines("node")),
        account=bool(lines("account")),
        firewall=tuple(lines("firewall")),
        docker=bundled["docker"],
        driver=bundled["nvidia_driver"],
        smi=bundled["nvidia_smi"] if "nvidia_smi" not in late else SmiReport(TIMED_OUT),
        health=bundled["nvidia_health"],
        time=bundled["time_sync"],
        losing_gpus=bundled["losing_gpus"],
        said={
            name: said[name] for name in BUNDLED if "sudo" not in said and "end" in parse_sections(said.get(name, ()))
        },
    )


def _cgroup(types: list[str]) -> str:
    if types[:1] == ["cgroup2fs"]:
        return "v2"
    return "hybrid" if "cgroup2fs" in types else "v1"


def _addresses(lines: list[str]) -> list[Address]:
    """Lines of `ip -o -4 address`; `dynamic` is its own word for an address with a limited lifetime."""
    found = []
    for line in lines:
        match = re.match(r"\d+: (\S+)\s+inet ([\d.]+)/(\d+) (.*)", line)
        if match:
            interface, address, prefix, rest = match.groups()
            found.append(Address(interface, address, int(prefix), "dynamic" in rest.split("\\")[0].split()))
    return found


def _listener(line: str) -> Listener:
    port, _pid, container, process = (*line.split(" ", 3), "", "")[:4]
    return Listener(int(port), process.strip(), "" if container == "-" else container)


def _peers(lines: list[str]) -> dict[str, str]:
    """A name's addresses answer one by one; one that does is enough."""
    answers = [line.split(" ", 1) for line in lines]
    return dict(sorted(answers, key=lambda answer: answer[1] == "ok"))


def _reply(line: str) -> tuple[str, Reply]:
    name, status, said = (*line.split(" ", 2), "")[:3]
    # apt repeats a proxy's whole answer; the first sentence tells.
    return name, Reply(int(status), re.split(r"\s{2,}| \[IP:", said.strip())[0])


def _source(line: str) -> tuple[str, Reply]:
    place, url, rest = line.split(" ", 2)
    return f"{place}: {url}", _reply(f"- {rest}")[1]
