"""Seconds from hosts with Docker ready to a pod that sees its GPU, on a lab of one master and two workers.

Run from the repository root as root: .venv/bin/python -m bench.kubernetes. Needs the lab's Kubernetes built; the images
come from the lab's own registry. Prints the slowest operations and one line of JSON.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

from lab.api import Lab
from lab.settings import PREFIX
from tests.lab.harness import ENVIRONMENT, ROOT, command


def timed(argv: list[str]) -> tuple[float, list[tuple[float, str]]]:
    """Run a command; its seconds, and those of each pyinfra operation that it announced."""
    start = last = time.monotonic()
    operation, operations = "start", []
    process = subprocess.Popen(
        argv,
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if match := re.match(r"--> (Starting operation: (?P<name>.*)|Results)", line):
            now = time.monotonic()
            operations.append((now - last, operation))
            operation, last = (match["name"] or "end").strip(), now
    if process.wait() != 0:
        sys.exit("".join(said))
    return time.monotonic() - start, operations


def main() -> None:
    """Measure once on a fresh lab."""
    lab = Lab(f"{PREFIX}bench", say=lambda text: print(text, file=sys.stderr))
    lab.down()
    try:
        lab.up(workers=2, kubernetes=True)
        before = lab.folder / "before_kubernetes.py"
        before.write_text((ROOT / "deploy.py").read_text().replace("kubernetes.install()", ""))
        timed(command(lab, "-y", file=str(before)))
        installing, operations = timed(command(lab, "-y", file="tasks.kubernetes.install"))
        suite = [sys.executable, "-m", "pytest", "-q", "tests/hosts/test_kubernetes.py", "-k", "test_pod_sees_one_gpu"]
        pod, _ = timed([*suite, "--inventory", str(lab.inventory)])
        for seconds, name in sorted(operations, reverse=True)[:8]:
            print(f"{seconds:6.1f} s  {name}")
        print(json.dumps({"workers": 2, "installed_s": round(installing, 1), "gpu_pod_s": round(pod, 1)}))
    finally:
        lab.down()


if __name__ == "__main__":
    main()
