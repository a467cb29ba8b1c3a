"""Every operation, whatever its caller gives: its commands are shell, and each text stays a part of one word."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from pyinfra.api import FunctionCommand, Host, StringCommand
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host
from pyinfra.facts.files import File

import cluster
import tasks
from tasks.apt.facts import AptOffers
from tasks.docker.facts import Logins
from tasks.gpu import Vendor
from tasks.gpu.facts import NvidiaBus
from tasks.gpu.facts.toolkit import NvidiaToolkit, Toolkit
from tasks.gpu.vendors import NVIDIA
from tasks.kubernetes.facts.cluster import ManifestDiffers, Member, Members, Snapshots
from tasks.kubernetes.facts.hosts_file import Hosts, HostsFile
from tasks.kubernetes.facts.pod_network import PodNetworkFaults
from tasks.kubernetes.operations.kernel import PROVIDES
from tasks.kubespray.facts import Kubespray, KubesprayState
from tasks.openpai.facts import Hardware, OpenPai, PaictlRun
from tasks.openpai.judge import ClusterState
from tasks.openpai.operations.paictl import Paictl
from tasks.reach import cluster_of
from tasks.ssh.facts import Account, Ssh, SshFiles
from tasks.systemd.facts import Service, ServiceState
from tests.plan.conftest import ROOT, Plan, make_folder, planned
from tests.plan.test_openpai import MEASURED
from tests.shell_text import refused, words_in

MARK = "PWNED"
TAIL = f"""'; touch {MARK}; echo "$(touch {MARK}) `touch {MARK}`" ${{HOME}} *|&\n end"""


def hostile(name: str) -> str:
    """A text that is told from others; a shell that took it for its own would run a part of it or find no end."""
    return f"{name}{TAIL}"


class Everything(dict[str, Any]):
    """Says of every name that it is there."""

    def __contains__(self, name: object) -> bool:
        return True


@dataclass
class Sample:
    """What brings an operation to its commands: what facts give, and `arguments` that are not hostile ones.

    The texts `silent` are in none of its commands: they are compared, shown, or written into files. Functions that it
    yields are called where `called`: others wait for OpenPAI's services, or act on this machine.
    """

    operation: str
    silent: tuple[str, ...] = ()
    facts: dict[Any, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    called: bool = True

    def __str__(self) -> str:
        return self.operation


_PAICTL = ("user", "folder")  # the texts of a Paictl
SAMPLES = [
    # A fingerprint's spaces are taken out.
    Sample("apt.key", arguments={"fingerprint": "0" * 40}),
    Sample("apt.source", silent=("uri", "suite", "components", "signed_by")),
    Sample("apt.aside", facts={File: {"mode": 644}}),
    Sample(
        "apt.packages",
        facts={AptOffers: {hostile("names"): (hostile("offered"),)}},
        arguments={"version": None, "acceptable": lambda _: True},
    ),
    Sample("apt.downloaded"),
    Sample(
        "apt.program", ("version",), arguments={"url": lambda _: hostile("url"), "sha256": lambda _: hostile("sum")}
    ),
    Sample("apt.program", arguments={"url": lambda _: hostile("url"), "sha256": lambda _: None}),
    Sample("docker.daemon.settings", silent=("settings", "defaults")),
    Sample("docker.daemon.suits_kubelet", silent=("version",)),
    Sample("docker.logins.logged_in", silent=("like",), facts={Logins: ["absent", "other"]}),
    Sample("docker.daemon.member"),
    Sample("git.checked_out", silent=("bundle",)),
    Sample("gpu.driver.linked", facts={NvidiaToolkit: Toolkit("1.17.8", "", ("195:0",))}),
    Sample("gpu.driver.persistent"),
    Sample("gpu.kernels.unattended"),
    Sample("kubernetes.api_name.known", ("api", "address"), {Hosts: HostsFile("127.0.0.1 localhost")}),
    Sample("kubernetes.control_plane.begun", silent=("node_name", "servers")),
    Sample("kubernetes.control_plane.up", silent=("node_name", "servers")),
    # The plan's folder has no record of hosts that left.
    Sample("kubernetes.departure.departed", silent=("confirmed",)),
    Sample("kubernetes.departure.reset", silent=("confirmed",)),
    Sample("kubernetes.device_plugin.advertised", facts={NvidiaBus: ("0000:1b:00.0",)}),
    Sample("kubernetes.etcd.saved"),
    # Its recipient is written into a file.
    Sample("kubernetes.backup.recipient_known", silent=("recipient",)),
    Sample("kubernetes.backup.now", facts={ServiceState: Service(loaded=True)}),
    Sample("kubernetes.backup.collected", silent=("folder",)),
    Sample("kubernetes.backup.restorable", silent=("folder", "backup", "confirmed")),
    # Whose folder is the dev box's, and read from it by the connector.
    Sample("kubernetes.backup.put_back", silent=("folder",)),
    # Others than these have no way to tell that they are there.
    Sample("kubernetes.kernel.modules", arguments={"names": list(PROVIDES)}),
    Sample("kubernetes.kernel.sysctls"),
    Sample("kubernetes.images.pulled_meanwhile", silent=("node_name",)),
    Sample("kubernetes.images.pulled_before", silent=("kubeconfig",)),
    Sample("kubernetes.kubeconfig.handed_over"),
    Sample("kubernetes.kubelet.version_kept", silent=("version",)),
    Sample("kubernetes.membership.touchable", silent=("node_name", "servers")),
    Sample("kubernetes.membership.joined"),
    Sample(
        "kubernetes.nodes.labelled",
        facts={Members: {hostile(name): Member(ready=True, version="v1.20.15") for name in ("labels", "tainted")}},
    ),
    Sample("kubernetes.nodes.ready"),
    Sample("kubernetes.nodes.reported"),
    Sample("kubernetes.nodes.applied", ("kept",), {ManifestDiffers: True}),
    Sample("kubernetes.own_name.called"),
    Sample("kubernetes.upgrade.control_plane", silent=("node_name",)),
    Sample("kubernetes.upgrade.node", silent=("node_name", "version")),
    Sample("kubernetes.upgrade.possible", silent=("version",)),
    Sample("kubernetes.pod_network.calico_manifest"),
    Sample("kubernetes.pod_network.converged", facts={PodNetworkFaults: ["no route"]}),
    Sample("kubernetes.restore.restored", facts={Snapshots: {hostile("snapshot"): "2"}}),
    # A mark holds it as JSON, which test_node_service reads back.
    Sample("kubernetes.service.drained", silent=("why",), called=False),
    Sample(
        "kubespray.installed",
        facts={Kubespray: KubesprayState(requirements="ansible==2.9.7", pythons={hostile("pythons"): (3, 8)})},
    ),
    Sample("kubespray.converged", silent=("commit", "inputs")),
    Sample("openpai.configuration.written", ("user",), {Hardware: MEASURED}),
    Sample("openpai.configuration.pushed", facts={PaictlRun: "0"}),
    Sample("openpai.credentials.admin_password_changed", _PAICTL, called=False),
    Sample("openpai.environment.by_python2"),
    Sample("openpai.first_job.succeeds", _PAICTL, called=False),
    Sample("openpai.services.of_this_version", _PAICTL),
    Sample("openpai.services.running", ("only", *_PAICTL), called=False),
    Sample(
        "openpai.services.stopped",
        facts={OpenPai: ClusterState(workloads=Everything()), PaictlRun: "0"},
        arguments={"only": None},
    ),
    Sample("openpai.services.of_another_version_stopped", _PAICTL),
    Sample(
        "openpai.services.removed",
        facts={OpenPai: ClusterState(workloads=Everything()), PaictlRun: "0"},
        arguments={"confirmed": "plan"},
    ),
    Sample("openpai.told.how_to_get_in", _PAICTL, called=False),
    Sample("openpai.told.state_of_services", _PAICTL),
    Sample("reach.stop.refused", silent=("message", "cause")),
    Sample("reach.turn.waiting", silent=("due", "task")),
    Sample("ssh.operator_key", silent=("path",), called=False),
    Sample("ssh.key_pair"),
    Sample("ssh.authorized", ("identity",), {Ssh: SshFiles(home=hostile("home"), public_key=hostile("key"))}),
    Sample("ssh.known", arguments={"pinned": str(ROOT / "tests/data/golden/inputs-1.0/worker.csv")}),
    Sample("ssh.sudo_without_password"),
    Sample("systemd.fresh", silent=("files",)),
    Sample("systemd.scheduled", silent=("service", "files")),
    Sample("systemd.unscheduled", facts={ServiceState: Service(enabled=True, changed=1.0)}),
    Sample("time.synchronised"),
]


@cache
def every_operation() -> dict[str, Callable[..., Any]]:
    """The operations (and deploys, which take no texts) that tasks/ defines, by their rooms' names and their own."""
    found = {}
    for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
        for name, value in vars(importlib.import_module(module.name)).items():
            inner = getattr(value, "_inner", None)
            if inner and inner.__module__ == module.name:
                found[f"{module.name}.{name}".removeprefix("tasks.").replace(".operations.", ".")] = inner
    return found


def texts_in(hint: Any) -> bool:
    """True when a value of the type `hint` holds texts of the caller's; what a function gives is its own affair."""
    return hint in (str, Paictl) or (get_origin(hint) is not Callable and any(map(texts_in, get_args(hint))))


def given(name: str, hint: Any, described: cluster.Cluster) -> Any:
    """A value of the type `hint` for the parameter `name`, its texts hostile."""
    worker = replace(described.workers[0], name=hostile("worker"))
    known = {
        str: hostile(name), Any: hostile(name), int: 7, bool: True, cluster.Cluster: described, cluster.Host: worker,
        Vendor: NVIDIA, Paictl: Paictl(described, hostile("user"), hostile("folder")),
    }  # fmt: skip
    args = get_args(hint)
    if get_origin(hint) in (list, dict):
        values = [given(name, each, described) for each in args]
        return values if len(args) == 1 else {values[0]: values[1]}
    return given(name, args[0], described) if args else known[hint]


def hints_of(operation: Callable[..., Any]) -> dict[str, Any]:
    """The types of the operation's parameters, by name."""
    return {name: hint for name, hint in get_type_hints(operation).items() if name != "return"}


def test_every_operation_that_takes_texts_has_a_sample():
    taking = {name for name, each in every_operation().items() if any(map(texts_in, hints_of(each).values()))}
    assert {sample.operation for sample in SAMPLES} == taking, "each operation that takes texts needs a sample here"


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """An empty plan of a cluster that has everything, whose hosts are at work."""
    folder = make_folder(tmp_path_factory.mktemp("operations"))
    with (folder / "config.yaml").open("a") as config:
        config.write("openpai_services: essential\npaictl: python2\n")
        config.write("docker_registry_username: me\ndocker_registry_password: hunter2\n")
    with planned(folder, lambda: None) as made:
        made.state.current_stage = StateStage.Execute
        yield made


def commands_of(sample: Sample, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The shell texts that hosts are given by the operation and by the functions that it yields."""

    def known(_: Host, fact: Any, _sudo: bool = False, **arguments: Any) -> Any:
        value = {Account: ("paiadmin", "/home/paiadmin"), **sample.facts}.get(fact, fact.default())
        return value(*arguments.values()) if inspect.isfunction(value) else value

    monkeypatch.setattr(Host, "get_fact", known)
    monkeypatch.setattr("tasks.ssh.operations._public", lambda path: "ssh-ed25519 AAAA me")
    monkeypatch.setattr("tasks.kubernetes.operations.membership.ca_hash", lambda certificate: "f" * 64)
    master = plan.state.inventory.get_host("@fake/openpai-master-01")
    master.data.confirm = "plan"
    for host in plan.state.inventory:
        plan.commands(host.name).clear()
    operation, described, found = every_operation()[sample.operation], cluster_of(master), []
    missing = {name: hint for name, hint in hints_of(operation).items() if name not in sample.arguments}
    filled = {name: given(name, hint, described) for name, hint in missing.items()}
    with ctx_host.use(master):
        for command in operation(**filled, **sample.arguments):
            if isinstance(command, StringCommand):
                found.append(command.get_raw_value())
            elif isinstance(command, FunctionCommand) and sample.called:
                command.function(plan.state, master, *command.args, **command.kwargs)
    return [*found, *(text for host in plan.state.inventory for text in plan.commands(host.name))]


# A command of the cluster's own programs that neither DIRECT nor its script keeps from the proxies of /etc/environment.
PROXIED = re.compile(r"(?<!NO_PROXY )(?<!see: )\bkube(?:ctl|adm) (?:-|init|join|reset|certs|token)")


@pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.operation.startswith(("kubernetes", "openpai"))], ids=str
)
def test_the_clusters_own_api_is_asked_past_the_proxies(sample, plan, monkeypatch):
    texts = commands_of(sample, plan, monkeypatch)
    assert not [text for text in texts if PROXIED.search(text) and "unset http_proxy https_proxy" not in text]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_no_text_of_a_caller_is_taken_for_shell(sample, plan, monkeypatch):
    texts = commands_of(sample, plan, monkeypatch)
    assert refused(*texts) == ""
    # A backslash is sed's, in a script made for it.
    words = {word.replace("\\", "") for text in texts for word in words_in(text)}
    assert not [word for word in words if MARK in word.replace(TAIL, "")]
    hints = hints_of(every_operation()[sample.operation])
    names = {name for name, hint in hints.items() if name not in sample.arguments and texts_in(hint)}
    names |= set(_PAICTL) if "paictl" in hints else set()
    seen = {name for name in names if any(hostile(name) in word for word in words)}
    assert seen == names - {"paictl", *sample.silent}, texts
