"""kubectl on the dev box, as the guide has it: ~/pai-deploy/kube/config, run by the config's user."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hosts import report
from tests.hosts.connections import Connections, Unreachable
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.targets import Target

KUBECTL = "kubectl --request-timeout=20s --kubeconfig ~/pai-deploy/kube/config"
REMEDY = "see docs/kubernetes.md, When something is wrong"


class Kubectl:
    """The cluster as kubectl on the dev box shows it."""

    def __init__(self, connections: Connections, dev_box: Target):
        self.dev_box = dev_box
        self._connections = connections

    def try_(self, arguments: str, stdin: str = "", seconds: int = 60) -> Answer:
        """What `kubectl ARGUMENTS` answers, whether it works or not."""
        fed = f"<<'END-OF-INPUT'\n{stdin}\nEND-OF-INPUT\n" if stdin else ""
        probe = Probe("kubectl", f"{KUBECTL} {arguments} {fed}", seconds, RunAs.USER)
        try:
            return self._connections.ask(self.dev_box, [probe])["kubectl"]
        except Unreachable as error:
            pytest.fail(report.hide_secrets(str(error), self.dev_box.cluster), pytrace=False)

    def __call__(self, arguments: str, stdin: str = "", seconds: int = 60) -> str:
        """The output of `kubectl ARGUMENTS`, which has to work."""
        answer = self.try_(arguments, stdin, seconds)
        needed = "an answer of the API server; run the deploy if ~/pai-deploy/kube/config is missing"
        return report.expect_answer(answer, self.dev_box, needed=needed, remedy=REMEDY)

    def json(self, arguments: str) -> list[dict[str, Any]]:
        """The objects that `kubectl get ARGUMENTS` lists."""
        return json.loads(self(f"get {arguments} -o json"))["items"]
