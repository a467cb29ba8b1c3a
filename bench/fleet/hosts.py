"""A fleet: sshd after sshd in one network namespace, each with an address and a name of its own and what it repeats."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench.fleet import recording
from bench.fleet.recording import Saying
from cluster import Cluster, Host, Role, load
from lab.api import Lab
from lab.settings import USER
from lab.shell import LabError
from lab.wait import wait_until
from tasks.apt.deploy import proxy_text
from tasks.docker import inside
from tasks.preflight.targets import peers

NAMESPACE = Path(__file__).with_name("namespace.sh")
FIRST = IPv4Address("10.78.0.10")
PER_NETWORK = 200
"""Hosts in each /24."""
PATIENCE = 120.0
"""Seconds until the last sshd greets."""
INVENTORY = "from tasks.reach import groups\n\ndev_box, master, worker = groups(__file__)\n"


@dataclass(frozen=True)
class Recorded:
    """One lab host of each role, with all that a fleet needs of the lab once it is gone."""

    sayings: dict[str, list[Saying]]
    names: dict[str, str]
    addresses: dict[str, str]
    machine_ids: dict[str, str]
    macs: dict[str, str]
    config: dict[str, object]
    proxy: str
    base: Path
    folder: Path
    """Keys: id_ed25519 of this side, and the ssh_host_* of one host."""


def recorded(lab: Lab, folder: Path) -> Recorded:
    """What the lab's hosts have said since recording.start(); `folder` takes the keys."""
    folder.mkdir(exist_ok=True)
    hosts = {host.role: host for host in lab.hosts}

    def told(command: str) -> dict[str, str]:
        return {role: lab.run(host.name, command, check=True).stdout.strip() for role, host in hosts.items()}

    for path in (lab.root(hosts["worker"].name) / "etc/ssh").glob("ssh_host_*"):
        shutil.copy2(path, folder)
    for name in ("id_ed25519", "id_ed25519.pub"):
        shutil.copy2(lab.folder / name, folder)
    return Recorded(
        sayings={role: recording.sayings(lab, host.name) for role, host in hosts.items()},
        names={role: host.name for role, host in hosts.items()},
        addresses={role: host.address for role, host in hosts.items()},
        machine_ids=told("cat /etc/machine-id"),
        macs=told("cat /sys/class/net/host0/address"),
        config=yaml.safe_load((lab.folder / "config.yaml").read_text()),
        proxy=_docker_proxy(load(lab.folder)),
        base=Path(hosts["worker"].base),
        folder=folder,
    )


def _docker_proxy(cluster: Cluster) -> str:
    """The SHA-1, by which pyinfra compares, of a file that names the hosts' networks."""
    text = proxy_text("docker/http-proxy.conf.j2", cluster.config, inside(cluster))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Fleet:
    """A running fleet: its inventory file, its cluster, and what a command begins with that shall reach it."""

    inventory: Path
    cluster: Cluster
    entered: list[str]

    @property
    def names(self) -> list[str]:
        """Dev box, master, workers."""
        return [host.name for host in self.cluster.hosts]


@contextmanager
def fleet(said: Recorded, workers: int) -> Iterator[Fleet]:
    """A dev box, a master and so many workers, for as long as the block runs."""
    with TemporaryDirectory(prefix="openpai-fleet-") as temporary:
        parent = Path(temporary)
        cluster = _cluster(said, parent / "fleet", workers)
        (parent / "fleet.py").write_text(INVENTORY)
        _disk(said, cluster, parent)
        with (parent / "log").open("w") as log:
            unshare = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
            holder = subprocess.Popen([*unshare, "sh", NAMESPACE, parent, said.base], stdout=log, stderr=log)
            try:
                entered = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
                _wait(holder, entered, cluster.workers[-1].address, parent / "log")
                yield Fleet(parent / "fleet.py", cluster, entered)
            finally:
                holder.kill()
                holder.wait()


def _wait(holder: subprocess.Popen[bytes], entered: list[str], address: str, log: Path) -> None:
    def greets() -> bool:
        if holder.poll() is not None:
            raise LabError(f"the fleet ended: {log.read_text()}")
        return subprocess.run([*entered, "ssh-keyscan", "-T", "2", address], capture_output=True).stdout != b""

    wait_until(greets, PATIENCE, "the last sshd of the fleet does not answer", 0.5)


def _cluster(said: Recorded, folder: Path, workers: int) -> Cluster:
    """The cluster folder, with every host's key pinned."""
    folder.mkdir(mode=0o700)
    addresses = [str(FIRST + 256 * (number // PER_NETWORK) + number % PER_NETWORK) for number in range(workers + 2)]
    config = folder / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(yaml.safe_dump({**said.config, "dev_box": addresses[0]}))
    (folder / "master.csv").write_text(f"{said.names['master']},{addresses[1]}\n")
    rows = (f"openpai-{number:03d},{address}\n" for number, address in enumerate(addresses[2:], 1))
    (folder / "worker.csv").write_text("".join(rows))
    for name in ("id_ed25519", "id_ed25519.pub"):
        shutil.copy2(said.folder / name, folder)
    kind, key = (said.folder / "ssh_host_ed25519_key.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text("".join(f"{address} {kind} {key}\n" for address in addresses))
    return load(folder)


def _disk(said: Recorded, cluster: Cluster, parent: Path) -> None:
    """What the namespace's program finds in its folder."""
    over = parent / "over"
    for name in ("etc/ssh", "etc/sudoers.d", "usr/local/bin", f"home/{USER}/.ssh"):
        (over / name).mkdir(parents=True)
    for path in said.folder.glob("ssh_host_*"):
        shutil.copy2(path, over / "etc/ssh")
    (over / "etc/hosts").write_text("".join(f"{host.address} {host.name}\n" for host in cluster.hosts))
    (over / "etc/sudoers.d/fleet").write_text(f"{USER} ALL=(ALL) NOPASSWD:ALL\n")
    (over / "usr/local/bin/sh").touch(mode=0o755)
    home = over / f"home/{USER}"
    shutil.copy(said.folder / "id_ed25519.pub", home / ".ssh/authorized_keys")
    for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
        shutil.chown(path, 1000, 1000)
        path.chmod(0o700)
    (parent / "disk").mkdir()
    (parent / "sh").mkdir()
    (parent / "hosts").write_text("".join(f"{host.name} {host.address}\n" for host in cluster.hosts))
    (parent / "addresses").write_text("".join(f"address add {host.address}/32 dev lo\n" for host in cluster.hosts))
    for number, host in enumerate(cluster.hosts):
        program = parent / "sh" / host.name
        program.write_text(_program(said, cluster, number, host))
        program.chmod(0o755)


def _program(said: Recorded, cluster: Cluster, number: int, host: Host) -> str:
    """What `host` says: the recorded host of its role, under its own name, address, machine id and MAC."""
    role = host.role.value
    first = {"dev_box": cluster.dev_box, "master": cluster.masters[0], "worker": cluster.workers[0]}
    words = {said.addresses[each]: first[each].address for each in first}
    words |= {
        said.names[role]: host.name,
        said.addresses[role]: host.address,
        said.machine_ids[role]: f"{number:032x}",
        said.macs[role]: f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
        said.proxy: _docker_proxy(cluster),
    }
    sayings = [one.replaced(words) for one in said.sayings[role]]
    if host.role is Role.DEV_BOX:
        known = cluster.known_hosts.read_text()
        sayings = [_knowing(one, known) for one in sayings]
    return recording.program(sayings, peers(cluster, host))


def _knowing(one: Saying, known: str) -> Saying:
    """The dev box knows every host of the fleet."""
    stdout = re.sub(r"(\n@@ known\n).*?(?=\n@@ )", lambda found: found[1] + known, one.stdout, flags=re.DOTALL)
    return Saying(one.command, stdout, one.stderr, one.status)
