"""A cluster of nodes that are drained and changed, in place of its API server: what happened to it, in order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyinfra import host
from pyinfra.api import FunctionCommand, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError

from tasks.kubernetes.deploy import rolling as deploy
from tasks.kubernetes.marks import CORDONED
from tasks.kubernetes.operations import service
from tasks.reach import cluster_host, has_turn, stop
from tests.sections import sections

WORKERS = [f"openpai-{number:03d}" for number in range(1, 5)]
MASTER = "openpai-master-01"
NODE = {"section credentials": sections(credentials="/etc/kubernetes/kubelet.conf")}


@dataclass
class FakeCluster:
    """A cluster as its API server has it, and what happened to it, in order; `stuck` are nodes that no pod leaves."""

    pods: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, str | None] = field(default_factory=dict)
    cordoned: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    due: set[str] = field(default_factory=lambda: {*WORKERS, MASTER})
    broken: set[str] = field(default_factory=set)
    down: bool = False

    def ask(self, of: Any, command: str | StringCommand, stdin: Any = None) -> str:
        """In place of a kubectl on the master."""
        text = command.get_raw_value() if isinstance(command, StringCommand) else command
        if self.down:
            raise PyinfraError("the connection to the server was refused")
        if "get nodes -o json" in text:
            return json.dumps({"items": [self._node(name) for name in (*WORKERS, MASTER)]})
        if "get pods" in text:
            found = re.search(r"spec\.nodeName=(\S+?)'?$", text)
            names = [found[1]] if found else [*WORKERS, MASTER]
            return "".join(
                f"{pod.replace(' ', f'|{name}|Running|')}||\n" for name in names for pod in self.pods.get(name, [])
            )
        if " drain " in text:
            return self._drain(next(name for name in (*WORKERS, MASTER) if f" {name} " in text))
        if "patch node" in text:
            self._patch(text)
        return "boot\n"

    def _node(self, name: str) -> dict[str, Any]:
        mark = self.marks.get(name)
        return {
            "metadata": {"name": name, "annotations": {CORDONED: mark} if mark else {}},
            "spec": {"unschedulable": True} if name in self.cordoned else {},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {"kubeletVersion": "v1.20.15"},
            },
        }

    def _drain(self, name: str) -> str:
        if name in self.stuck:
            raise PyinfraError("global timeout reached")
        self.pods[name] = []
        self.events.append(f"drain {name}")
        return ""

    def _patch(self, text: str) -> None:
        name = re.search(r"patch node (\S+)", text)[1]  # type: ignore[index]
        patch = json.loads(re.search(r"-p '(.*?)' >", text)[1].replace("'\"'\"'", "'"))  # type: ignore[index]
        mark = patch["metadata"]["annotations"][CORDONED]
        self.marks[name] = mark
        (self.cordoned.add if patch["spec"]["unschedulable"] else self.cordoned.discard)(name)
        self.events.append(f"{json.loads(mark)['stage'] if mark else 'back'} {name}")

    def due_here(self) -> list[str]:
        """What is due on the host of the context."""
        return ["a change"] if cluster_host(host).name in self.due else []

    def change(self) -> None:
        """The change of the host of the context."""
        assert has_turn(host)
        _changed(name="Change", of=self)


@operation()
def _changed(of: FakeCluster):
    def apply(state: Any, host: Any) -> bool:
        name = cluster_host(host).name
        of.events.append(f"change {name}")
        of.due.discard(name)
        return True

    yield FunctionCommand(apply, (), {})
    if cluster_host(host).name in of.broken:
        yield stop("its GPUs are gone", cause="gpu-lost")


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> FakeCluster:
    """Four workers and a master that roll two at a time, without their pod network and GPUs, for a plan of `folder`."""
    made = FakeCluster()
    monkeypatch.setattr(service, "ask", made.ask)
    monkeypatch.setattr(deploy, "ask", made.ask)
    monkeypatch.setattr(service, "_LOOK", 0.01)
    configure(folder, rolling_batch='"2"', drain_wait=0, gpu_type="amd")
    return made


def configure(folder, **keys):
    """These keys in config.yaml, in place of what it says of them."""
    path = folder / "config.yaml"
    kept = [line for line in path.read_text().splitlines() if line.split(":")[0] not in keys]
    path.write_text("\n".join([*kept, *(f"{key}: {value}" for key, value in keys.items()), ""]))
    path.chmod(0o600)
