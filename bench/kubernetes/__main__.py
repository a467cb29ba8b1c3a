"""Seconds from hosts with Docker ready to a pod that sees its GPU, on a lab of one master and two workers.

Run from the repository root as root: .venv/bin/python -m bench.kubernetes. Needs the lab's Kubernetes built; the images
come from the lab's own registry. Prints the slowest operations and one line of JSON.
"""

from __future__ import annotations

import json
import re
import sys
import time

from lab import commands
from lab.api import Lab
from lab.settings import PREFIX
from lab.shell import LabError

BEFORE = {
    "tasks.ssh.establish_trust": "*",
    "tasks.apt.go_through_proxy": "*",
    "tasks.time.synchronise": "master",
    "tasks.docker.install": "*",
    "tasks.gpu.install_driver": "worker",
    "tasks.gpu.install_runtime": "worker",
}
"""The stages of deploy.py before Kubernetes, and the group of hosts that each is for."""


def timed(argv: list[str]) -> tuple[float, list[tuple[float, str]]]:
    """Run a command; its seconds, and those of each pyinfra operation that it announced."""
    start = last = time.monotonic()
    operation, operations = "start", []

    def heard(line: str) -> None:
        nonlocal operation, last
        if match := re.match(r"--> (Starting operation: (?P<name>.*)|Results)", line):
            now = time.monotonic()
            operations.append((now - last, operation))
            operation, last = (match["name"] or "end").strip(), now

    run = commands.run(argv, heard)
    if run.status:
        raise LabError(run.output)
    return time.monotonic() - start, operations


def main() -> None:
    """Measure once on a fresh lab."""
    lab = Lab(f"{PREFIX}bench", say=lambda text: print(text, file=sys.stderr))
    lab.down()
    try:
        lab.up(workers=2, kubernetes=True)
        for stage, group in BEFORE.items():
            timed(commands.pyinfra(lab, "-y", "--limit", group, file=stage))
        installing, operations = timed(commands.pyinfra(lab, "-y", file="tasks.kubernetes.install"))
        suite = "tests/hosts/test_kubernetes.py"
        pod, _ = timed(commands.verification(lab, "-k", "test_pod_sees_one_gpu", suite=suite))
        for seconds, name in sorted(operations, reverse=True)[:8]:
            print(f"{seconds:6.1f} s  {name}")
        print(json.dumps({"workers": 2, "installed_s": round(installing, 1), "gpu_pod_s": round(pod, 1)}))
    finally:
        lab.down()


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
