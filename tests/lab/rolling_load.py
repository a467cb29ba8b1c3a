"""What runs in the cluster while it is changed: a service with a budget, counted all the while, and a job."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lab.api import INSIDE, Lab
from lab.kubernetes import images
from lab.shell import LabError
from tests.lab.docker_host import image, write
from tests.lab.harness import out
from tests.lab.kubernetes_stage import KUBECTL, MASTER

REPLICAS, BUDGET = 4, 3
FOLDER = "/var/tmp/lab-job"
DIARY = f"{FOLDER}/diary"
"""On the job's host: `begin` at each start of it, and `end` where it ended by itself."""
_SERVICE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: IMAGE}]
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: BUDGET, selector: {matchLabels: {app: web}}}
"""
_JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: training}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: "false"}
    spec:
      restartPolicy: Never
      nodeSelector: {kubernetes.io/hostname: HOST}
      containers:
      - name: training
        image: IMAGE
        command:
        - sh
        - -c
        - cd /diary; echo begin >>diary; until [ -e enough ]; do sleep 1; done; echo end >>diary
        volumeMounts: [{name: diary, mountPath: /diary}]
      volumes: [{name: diary, hostPath: {path: /var/tmp/lab-job, type: DirectoryOrCreate}}]
"""


_QUIET: Any = {
    "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": INSIDE, "text": True, "start_new_session": True,
}  # fmt: skip


class Counter:
    """Counts the service's pods: those that the API calls ready, told of each change, and its containers on all hosts.

    `least` is the fewest at a time so far, `looks` how often it was told or looked.
    """

    def __init__(self, lab: Lab):
        self.least = REPLICAS
        self.looks = 0
        self._lab, self._over = lab, threading.Event()
        self._names = [host.name for host in lab.hosts if host.role != "dev_box"]
        self._watch: subprocess.Popen[str] | None = None
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._listen, self._look)]

    @contextmanager
    def counting(self) -> Iterator[Counter]:
        """Count until the end of the block."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            if self._watch:
                with suppress(ProcessLookupError):  # nsenter has a child, which would listen on
                    os.killpg(self._watch.pid, signal.SIGKILL)
            for thread in self._threads:
                thread.join()

    def _listen(self) -> None:
        shown = r'jsonpath={.status.readyReplicas}{"\n"}'
        while not self._over.wait(1):
            watch = [*self._lab.enter(MASTER), *KUBECTL.split(), "get", "deployment", "web", "-w", "-o", shown]
            with subprocess.Popen(watch, **_QUIET) as it:
                self._watch = it
                for line in it.stdout or ():
                    self._saw(int(line or 0))

    def _look(self) -> None:
        while not self._over.wait(1):
            self._saw(sum(map(self._on, self._names)))

    def _saw(self, pods: int) -> None:
        self.least = min(self.least, pods)
        self.looks += 1

    def _on(self, host: str) -> int:
        try:
            return len(self._lab.run(host, "docker ps -q --filter name=^k8s_web_").stdout.split())
        except LabError:
            return 0  # the host is down


def serve(lab: Lab) -> None:
    """Have the service up, wherever its pods are put."""
    text = _SERVICE.replace("IMAGE", f"{lab.gateway}:5000/{images.REPOSITORY}/pause:{images.PAUSE_VERSION}")
    write(lab, MASTER, "/root/web.yaml", text.replace("REPLICAS", str(REPLICAS)).replace("BUDGET", str(BUDGET)))
    out(lab, MASTER, f"{KUBECTL} apply -f /root/web.yaml && {KUBECTL} rollout status --timeout=120s deployment/web")


def train(lab: Lab, host: str) -> None:
    """Have a job on `host` that has begun, and ends when enough() is said."""
    out(lab, host, f"rm -rf {FOLDER}")
    text = _JOB.replace("IMAGE", image(lab)).replace("HOST", host)
    write(lab, MASTER, "/root/job.yaml", text)
    out(lab, MASTER, f"{KUBECTL} delete job training --ignore-not-found && {KUBECTL} apply -f /root/job.yaml")
    running = f"{KUBECTL} wait --for=condition=Ready --timeout=60s pod -l job-name=training"
    out(
        lab, MASTER, f"until {KUBECTL} get pods -l job-name=training -o name | grep -q .; do sleep 0.2; done; {running}"
    )


def enough(lab: Lab, host: str) -> None:
    """Let the job end by itself."""
    out(lab, host, f"touch {FOLDER}/enough")
