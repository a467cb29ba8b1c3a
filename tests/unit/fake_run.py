"""A stand-in for a cluster: runs of the real `pyinfra` over hosts of its @fake connector."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYINFRA = Path(sys.executable).parent / "pyinfra"
PASSWORD = "never-shown"
_INVENTORY = """\
from tasks.reach import groups

ANSWERS = {answers!r}
COMMON = {common!r}


def _fake(group):
    for name, data in group:
        plain = name.removeprefix("@cluster/")
        answers = {{**ANSWERS.get(plain, {{}}), **COMMON}}
        more = {{"fake_delay": 0.0, "fake_delay_jitter": 0.0, "fake_responses": answers}}
        yield f"@fake/{{plain}}", {{**data, **more, **{data!r}}}


dev_box, master, worker = (list(_fake(group)) for group in groups(__file__))
"""
_DEPLOY = '''\
"""Two stages that change their hosts, with a difference to show."""

from pyinfra import host, logger
from pyinfra.api import FunctionCommand, StringCommand, deploy, operation
from pyinfra.operations import server

from tasks.reach import detached, show_diff


def said(state, host):
    host.log("portal: http://10.2.0.10")
    return True


@operation()
def settings():
    show_diff("/etc/settings", "old\\n", "new\\n" if host.data.role == "worker" else "other\\n")
    yield StringCommand("write settings")


@operation()
def access():
    yield FunctionCommand(said, (), {})


@deploy("Docker")
def docker():
    server.shell(name="Docker packages", commands=[detached.command("apt", "apt-get install")])
    settings(name="Options in daemon.json")


@deploy("OpenPAI")
def openpai():
    access(name="How to get in")


docker()
if host.data.role == "master":
    openpai()
'''


@dataclass(frozen=True)
class FakeRun:
    """A cluster folder with an inventory file beside it, and a small deploy."""

    inventory: Path
    deploy: Path

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.inventory.stem

    @property
    def reports(self) -> Path:
        """Where a run's reports go."""
        return ROOT / "reports" / self.name

    def command(self, *arguments: str, file: str = "") -> list[str]:
        """The command line of pyinfra with `arguments`."""
        return [str(PYINFRA), str(self.inventory), file or str(self.deploy), *arguments]

    def run(
        self, *arguments: str, file: str = "", cwd: Path = ROOT, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, `given` on standard input, which is no terminal."""
        return subprocess.run(
            self.command(*arguments, file=file), cwd=cwd, env=environment(), input=given, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip


def environment(**more: str) -> Mapping[str, str]:
    """The environment of a run: nothing says that the tests have a terminal."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **more}


def fake_run(
    folder: Path, workers: int = 18, answers: dict[str, dict[str, Any]] | None = None, prefix: str = "openpai-",
    common: dict[str, Any] | None = None, **data: Any,
) -> FakeRun:  # fmt: skip
    """Make one in `folder`; `answers` are those of the fake hosts by name, `data` is more of every host's data."""
    inside = folder / f"fake-{folder.name}"
    inside.mkdir()
    (inside / "master.csv").write_text(f"{prefix}master-01,10.2.0.10\n")
    (inside / "worker.csv").write_text(
        "".join(f"{prefix}{number:03},10.2.1.{number}\n" for number in range(1, workers + 1))
    )
    config = inside / "config.yaml"
    config.write_text(
        f"user: paiadmin\npassword: {PASSWORD}\nbranch_name: pai-1.0.y\ndocker_image_tag: v1.0.0\n"
        "dev_box: 10.2.0.1\nntp_servers: [10.2.0.9]\n"
    )
    config.chmod(0o600)
    (inside / "known_hosts").touch(mode=0o600)
    inventory = inside.with_suffix(".py")
    inventory.write_text(_INVENTORY.format(answers=answers or {}, common=common or {}, data=data))
    deploy = folder / "deploy.py"
    deploy.write_text(_DEPLOY)
    return FakeRun(inventory, deploy)
