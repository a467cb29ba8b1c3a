"""The OpenPAI stage on lab hosts: running it, and asking what came of it."""

from __future__ import annotations

import json
from typing import Any

from lab import commands
from lab.api import Lab
from lab.commands import Run
from tests.lab.harness import out, pyinfra
from tests.lab.kubernetes_stage import KUBECTL, MASTER, MINUTES

STAGE = "tasks.openpai.install"
DEV_BOX = "dev-box"


def stage(lab: Lab, *arguments: str, file: str = STAGE) -> Run:
    """Run an OpenPAI task to its end, without questions."""
    return pyinfra(lab, "-y", *arguments, file=file, timeout=15 * MINUTES)


def running(lab: Lab, *arguments: str, file: str = STAGE) -> Run:
    """An OpenPAI task that must succeed."""
    run = stage(lab, *arguments, file=file)
    assert run.status == 0, run.output
    return run


def pods(lab: Lab) -> dict[str, str]:
    """When each pod of OpenPAI's services began, by name."""
    listed = out(lab, MASTER, f"{KUBECTL} get pods -l app -o json")
    items: list[dict[str, Any]] = json.loads(listed)["items"]
    return {item["metadata"]["name"]: item["status"].get("startTime", "") for item in items}


def images(lab: Lab) -> set[str]:
    """The images that OpenPAI's services run."""
    path = '{range .items[*]}{range .spec.containers[*]}{.image}{"\\n"}{end}{end}'
    return set(out(lab, MASTER, f"{KUBECTL} get pods -l app -o jsonpath='{path}'").split())


def paictl_at_work(lab: Lab, *words: str) -> bool:
    """Whether paictl runs on the dev box, with these words on its command line."""
    pattern = " ".join(("[p]ython paictl.py", *words))  # and not the shell that asks
    return lab.run(DEV_BOX, f"pgrep -f '{pattern}'").returncode == 0


def verification(lab: Lab, *arguments: str) -> Run:
    """The finished hosts' suite, as far as it is about OpenPAI."""
    return commands.run(commands.verification(lab, *arguments, suite="tests/hosts/test_openpai.py"))
