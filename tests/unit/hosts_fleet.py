"""A fleet of hosts that exist only as canned answers: what a healthy host says, and an `ssh` that says it.

The verification runs against it as against any cluster; each worker can say one thing differently. On a worker that
does, only the modules that ask for that thing are run (by this file as a plugin): the others would hear, and say, what
they say of a healthy one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cluster import Host, Role
from tests.hosts import test_docker, test_gpu, test_security, test_ssh, test_time, test_upkeep
from tests.hosts.targets import Target, read
from tests.unit.hosts_gpus import GPUS_WELL, Said
from tests.unit.hosts_recorder import Recorder

PROJECT = Path(__file__).resolve().parents[2]
MODULES = (test_docker, test_gpu, test_security, test_ssh, test_time, test_upkeep)
PASSWORD, TOKEN = "fleet-Passw0rd", "fleet-t0ken"
CONFIG = f"""\
user: paiadmin
password: {PASSWORD}
docker_registry_username: openpai
docker_registry_password: {TOKEN}
branch_name: pai-1.0.y
docker_image_tag: v1.0.0
dev_box: 10.0.0.10
docker_version: "20.10"
docker_iptables_enabled: false
docker_live_restore: true
openpai_docker_insecure_registries: [10.0.0.1:5000]
openpai_docker_registry_mirrors: [http://10.0.0.1:5000]
http_proxy: http://10.0.0.1:3128
no_proxy: [.example.com]
ntp_servers: [ntp.example.com]
nvidia_driver_version: "535.183.01"
"""
INVENTORY = "from tasks.reach import groups\n\ndev_box, master, worker = groups(__file__)\n"

# Looks an answer up by host and command: `status`, `out` and `err` are files beside each other.
SSH = """\
#!/bin/sh
for word; do host=$command; command=$word; done
[ -d "$FLEET/$host" ] || exit 0 # -O exit
key=$(printf %s "$command" | sha256sum)
key=${key%% *}
[ -e "$FLEET/$host/refused" ] && { cat "$FLEET/$host/refused" >&2; exit 255; }
[ -e "$FLEET/$host/$key.err" ] && { cat "$FLEET/$host/$key.err" >&2; exit 1; }
exec cat "$FLEET/$host/$key"
"""

# The modules to run by host, as JSON; all of them for a host that is not named.
CONCERNED = "FLEET_CONCERNED"

DAEMON_JSON = {
    "data-root": "/mnt/docker",
    "live-restore": True,
    "iptables": False,
    "log-driver": "json-file",
    "log-opts": {"max-size": "50m", "max-file": "5"},
    "insecure-registries": ["10.0.0.1:5000"],
    "registry-mirrors": ["http://10.0.0.1:5000"],
    "default-runtime": "nvidia",
    "runtimes": {"nvidia": {"path": "nvidia-container-runtime"}},
}
INFO: dict[str, Any] = {
    "ServerVersion": "20.10.24",
    "DockerRootDir": "/mnt/docker",
    "LiveRestoreEnabled": True,
    "LoggingDriver": "json-file",
    "DefaultRuntime": "nvidia",
    "Runtimes": {"nvidia": {}, "runc": {}},
    "RegistryConfig": {
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "IndexConfigs": {"10.0.0.1:5000": {"Secure": False}, "docker.io": {"Secure": True}},
        "Mirrors": ["http://10.0.0.1:5000/"],
    },
    "HttpProxy": "http://10.0.0.1:3128",
    "HttpsProxy": "http://10.0.0.1:3128",
    "NoProxy": "localhost,127.0.0.1,.example.com,10.0.0.0/24,10.200.0.0/13,10.192.0.0/13",
}
PACKAGES = {
    "docker-ce": "5:20.10.24~3-0~debian-bookworm",
    "docker-ce-cli": "5:20.10.24~3",
    "containerd.io": "1.6.20-1",
    "nvidia-container-toolkit": "1.17.8-1",
}


def docker_info(**changes: object) -> Said:
    """What `docker info` says, of a healthy daemon but for `changes`."""
    return 0, json.dumps({**INFO, **changes}), ""


def docker_service(active: str = "active", enabled: str = "enabled", reload: str = "no") -> Said:
    """systemd's properties of docker.service."""
    return 0, f"ActiveState={active}\nUnitFileState={enabled}\nNeedDaemonReload={reload}", ""


def ntpq(peer: str = "10.0.0.1", mark: str = "*", offset: float = 0.2) -> Said:
    """The variables and peers of an ntpd that follows `peer`, `offset` in ms."""
    leap, stratum = ("00", 9) if mark == "*" else ("11", 16)
    peers = f"     remote  refid  st\n=====\n{mark}{peer}  127.127.1.1  8 u 1 64 17 0.07 {offset} 0.02"
    return 0, f"associd=0 leap={leap}, stratum={stratum},\noffset={offset}, refid={peer}\n\n{peers}\n", ""


def packages(changes: dict[str, str] | None = None) -> Said:
    """dpkg-query's lines, of a healthy host but for `changes`; a package of version "" is not installed."""
    versions = {**PACKAGES, **(changes or {})}
    lines = [f"{name} {version} {'installed' if version else 'not-installed'}" for name, version in versions.items()]
    return 0, "\n".join(lines), ""


def healthy(cluster_hosts: Sequence[Host]) -> dict[str, Said]:
    """What every probe hears of a host without a fault."""
    return {
        "packages": packages(),
        "holds": (0, "\n".join(PACKAGES), ""),
        "service": docker_service(),
        "info": docker_info(),
        "daemon.json": (0, json.dumps(DAEMON_JSON), ""),
        "changed daemon.json": (0, "", ""),
        "changed units": (0, "", ""),
        "registry login": (0, "", ""),
        "validate": (0, "configuration OK", ""),
        "container": (0, "GPU 0: NVIDIA A100-SXM4-80GB\nGPU 1: NVIDIA A100-SXM4-80GB", ""),
        "log options": (0, '{"Type":"json-file","Config":{"max-file":"5","max-size":"50m"}}', ""),
        "groups": (0, "paiadmin sudo docker", ""),
        "docker as user": (0, "Server: 20.10.24", ""),
        "default runtime": (0, "nvidia", ""),
        **GPUS_WELL,
        "gpu watch": (0, "enabled\nactive\nsuccess", ""),
        "gpu condition": (0, "True|all 2 GPUs answer", ""),
        "backup timer": (0, "enabled\nactive\nsuccess", ""),
        "newest backup": (0, "1795694400\n20261126T060000Z.age", ""),
        "age": (0, "/usr/bin/age", ""),
        "private files": (0, "600 paiadmin /home/paiadmin/.ssh/id_ed25519", ""),
        "ssh files": (0, "755 paiadmin /home/paiadmin\n700 paiadmin /home/paiadmin/.ssh", ""),
        "sudoers file": (0, "440 root /etc/sudoers.d/90-openpai-deploy", ""),
        "sudoers syntax": (0, "/etc/sudoers: parsed OK", ""),
        "user": (0, "paiadmin", ""),
        "sudo": (0, "", ""),
        "sshd now": (0, "active\ninactive", ""),
        "sshd at boot": (0, "enabled\ndisabled", ""),
        "running": (3, "inactive\nactive\nactive", ""),
        "chronyc": (1, "", "506 Cannot talk to daemon"),
        "timesyncd": (1, "", "Failed to query server: Unit dbus-org.freedesktop.timesync1.service not found."),
        "ntpq": ntpq(),
        "at boot": (0, "chrony\nntpsec enabled\nntp alias", ""),
        "followed by name": (0, "10.0.0.1  127.127.1.1  8 u", ""),
        "address of ntp.example.com": (0, "10.0.0.1  STREAM ntp.example.com", ""),
        **{
            f"login to {host.name}": (0, "Welcome\npaiadmin", "")
            for host in cluster_hosts
            if host.role is not Role.DEV_BOX
        },
    }


@dataclass(frozen=True)
class Fault:
    """A worker that says one thing differently: the tests that must fail for it, and the words that they must use."""

    host: str
    said: dict[str, Said]
    fails: frozenset[str]
    words: str
    refused: str = ""  # what ssh says instead of logging in
    mute: str = ""  # what sudo says instead of running anything


def fault(host: str, words: str, *fails: str, **said: Said) -> Fault:
    """A fault by the probes that it changes, their names' spaces written as underscores."""
    return Fault(host, {name.replace("_", " "): value for name, value in said.items()}, frozenset(fails), words)


@dataclass
class Fleet:
    """A cluster folder with its inventory file, and the verification's verdict on it."""

    folder: Path
    result: subprocess.CompletedProcess[str]
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    """Failed tests by host (empty name: tests of the cluster), with their messages."""
    ran: dict[str, set[str]] = field(default_factory=dict)
    """All tests by host."""
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    """Those that were not run, by host, with the reasons."""

    @property
    def reports(self) -> Path:
        """Where the reports are."""
        return self.folder / "reports"


def verify(folder: Path, faults: Sequence[Fault], *options: str) -> Fleet:
    """Make a cluster of a dev box, a master and a worker for each fault, and run the verification on it."""
    inventory = make_cluster(folder, [fault.host for fault in faults if fault.host != "dev-box"])
    targets = read(str(inventory), None)
    by_host = {fault.host: fault for fault in faults}
    concerned: dict[str, list[str]] = {}
    answers = folder / "answers"
    answers.mkdir()
    for target in targets:
        fault = by_host.get(target.name)
        said = {"name": (0, target.name, ""), **healthy(target.cluster.hosts), **(fault.said if fault else {})}
        recorder = Recorder(answers, said)
        for module in MODULES:
            questions = list(module.probes(target.cluster, target.host))
            recorder.ask(target, questions)
            if fault and fault.said and any(probe.name in fault.said for probe in questions):
                concerned.setdefault(target.name, []).append(module.__name__)
        if fault and fault.refused:
            (answers / fault.host / "refused").write_text(fault.refused)
        if fault and fault.mute:
            for answer in (answers / fault.host).iterdir():
                answer.rename(answer.with_suffix(".err"))
                answer.with_suffix(".err").write_text(fault.mute)
    programs = folder / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(SSH)
    (programs / "ssh").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "FLEET": str(answers),
        CONCERNED: json.dumps(concerned),
    }
    files = [str(module.__file__) for module in MODULES]
    command = [sys.executable, "-m", "pytest", *files, "-p", "no:cacheprovider", "--inventory", str(inventory)]
    command += ["--report-dir", str(folder / "reports"), *options]
    command += ["-p", __name__, "-p", "no:hypothesispytest"]  # which imports all of Hypothesis for its summary
    result = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    fleet = Fleet(folder, result)
    for case in ElementTree.parse(fleet.reports / "verify.xml").iter("testcase"):
        test, _, parameters = case.attrib["name"].partition("[")
        names = [target.name for target in targets if parameters.startswith((f"{target.name}]", f"{target.name}-"))]
        host = max(names, key=len, default="")
        fleet.ran.setdefault(host, set()).add(test)
        for failure in (*case.findall("failure"), *case.findall("error")):
            fleet.failures.setdefault(host, {})[test] = failure.attrib["message"] + (failure.text or "")
        for skipped in case.findall("skipped"):
            fleet.left_out.setdefault(host, {})[test] = skipped.attrib["message"]
    return fleet


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the verification's run: leave out what is not concerned."""
    concerned = json.loads(os.environ[CONCERNED])

    def is_concerned(item: pytest.Item) -> bool:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            return True
        target = item.callspec.params.get("target")
        modules = concerned.get(target.name) if isinstance(target, Target) else None
        return modules is None or item.module.__name__ in modules

    items[:] = filter(is_concerned, items)


def make_cluster(folder: Path, workers: Sequence[str], config: str = CONFIG) -> Path:
    """The guide's three files, a key and known_hosts as the deploy leaves them; returns the inventory file."""
    cluster = folder / "fleet"
    cluster.mkdir()
    (cluster / "master.csv").write_text("openpai-master-01,10.0.0.11\n")
    (cluster / "worker.csv").write_text("".join(f"{name},10.0.1.{n}\n" for n, name in enumerate(workers, 1)))
    for name, text in (("config.yaml", config), ("id_ed25519", "a key"), ("known_hosts", "")):
        (cluster / name).write_text(text)
        (cluster / name).chmod(0o600)
    inventory = folder / "fleet.py"
    inventory.write_text(INVENTORY)
    return inventory
