"""Whole deploys planned and run against pyinfra's @fake connector: no host, milliseconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyinfra
import pytest
from pyinfra.api import Config, Inventory, State, StringCommand
from pyinfra.api.connect import connect_all
from pyinfra.api.operations import run_ops
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_inventory, ctx_state
from pyinfra_cli.util import load_deploy_file, load_func

import cluster
from tests.plan import gpu_answers
from tests.sections import sections
from tests.shell_text import refused

ROOT = Path(__file__).parent.parent.parent
os.environ["PYINFRA_PROGRESS"] = "off"
# As on the command line: operations are told apart by their place in the code, not by their number.
pyinfra.is_cli = True

# What every fake host answers: a bare Debian 12 machine. Facts not named here come out empty.
BARE: dict[Any, Any] = {
    "modinfo -F": gpu_answers.BARE,
    "nvidia-smi --query-gpu": sections(smi="127"),
    "os-release": sections(release='ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm'),
    "getent passwd": sections(home="/home/paiadmin", public="", authorized="", known="", sudoers="", mode=""),
}


@pytest.fixture(scope="session", autouse=True)
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the reports of planned runs go, instead of the checkout's reports/."""
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cluster.report.files.HERE", folder)
        (folder / "pyproject.toml").touch()
        yield folder / "reports"


@dataclass
class Plan:
    """A planned deploy: what each host would do, and the means to do it."""

    state: State

    def operations(self, host: str) -> list[str]:
        """Names of the operations that would change `host`, in order."""
        target = self.state.inventory.get_host(host)
        return [
            sorted(self.state.get_op_meta(op).names)[0]
            for op in self.state.get_op_order()
            if op in self.state.ops[target] and self.state.ops[target][op].operation_meta.will_change
        ]

    def all_operations(self, host: str) -> list[str]:
        """Names of all operations that concern `host`, in order."""
        target = self.state.inventory.get_host(host)
        order = self.state.get_op_order()
        return [sorted(self.state.get_op_meta(op).names)[0] for op in order if op in self.state.ops[target]]

    def commands(self, host: str) -> list[str]:
        """Every command that `host` was given so far, facts included."""
        connector: Any = self.state.inventory.get_host(host).connector
        return connector.executed_commands

    def texts(self) -> Iterator[str]:
        """Every command that the hosts were given; of a plan that was not run, also those that it would give them."""
        for target in self.state.inventory:
            yield from getattr(target.connector, "executed_commands", ())
            if self.state.is_executing or target in self.state.failed_hosts:
                continue
            with ctx_host.use(target):
                for operation in self.state.ops[target].values():
                    commands = operation.command_generator()
                    yield from (one.get_raw_value() for one in commands if isinstance(one, StringCommand))

    def run(self) -> None:
        """Execute the plan on the fake hosts."""
        self.state.current_stage = StateStage.Execute
        run_ops(self.state)


def _answers(own: dict[Any, Any]) -> dict[Any, Any]:
    """A host's own answers, before the common ones: the first that matches is given."""
    return {**own, **{matcher: answer for matcher, answer in BARE.items() if matcher not in own}}


@contextmanager
def planned(
    folder: Path,
    what: str | Callable[[], Any],
    responses: dict[str, dict[Any, Any]] | None = None,
    connector: str = "fake",
    **given: str,
):
    """Plan `what` (a deploy file or a @deploy function) for `folder`, `given` as --data; yield the Plan."""
    described = cluster.load(folder)
    groups: dict[str, Any] = {"dev_box": ([], {}), "master": ([], {}), "worker": ([], {})}
    for host in described.hosts:
        data = {
            "address": host.address,
            "role": host.role.value,
            "cluster_folder": str(folder),
            # A fake host has no snapshot to give, which would stop the deploy.
            "skip_requirements": "answers",
            "fake_delay": 0.0,
            "fake_delay_jitter": 0.0,
            "fake_responses": _answers((responses or {}).get(host.name, {})),
            **given,
        }
        groups[host.role.value][0].append((f"@{connector}/{host.name}", data))
    every = [entry for hosts, _ in groups.values() for entry in hosts]
    inventory = Inventory((every, {}), **groups)
    config = Config()
    state = State(inventory, config)
    state.cwd = str(ROOT)
    state.check_for_changes = True
    with ctx_state.use(state), ctx_inventory.use(inventory), ctx_config.use(config):
        state.current_stage = StateStage.Connect
        connect_all(state)
        state.current_stage = StateStage.Prepare
        if callable(what):
            load_func(state, what)
        else:
            load_deploy_file(state, str(ROOT / what))
        plan = Plan(state)
        yield plan
        assert refused(*plan.texts()) == ""


@pytest.fixture
def folder(tmp_path):
    """A cluster folder like the guide's: one master, four workers, a remote dev box."""
    return make_folder(tmp_path)


def make_folder(parent: Path) -> Path:
    """A folder as of the fixture `folder`, in `parent`."""
    target = parent / "plan"
    target.mkdir()
    for name in ("master.csv", "worker.csv"):
        (target / name).write_text((ROOT / "tests/data/golden/inputs-1.0" / name).read_text())
    config = target / "config.yaml"
    config.write_text(
        "user: paiadmin\npassword: never-shown\nbranch_name: pai-1.0.y\ndocker_image_tag: v1.0.0\n"
        "dev_box: 10.2.0.1\nntp_servers: [10.2.0.9]\nhttp_proxy: http://10.2.0.8:3128\n"
    )
    config.chmod(0o600)
    (target / "known_hosts").touch()
    return target


@pytest.fixture
def host_gw(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write("openpai_kube_network_plugin: host-gw\n")
    return folder
