"""Nodes that a reboot of ours has left out of service."""

import json

from pyinfra import host

from tasks import kubernetes
from tests.plan.conftest import planned
from tests.plan.test_kubernetes import MASTER, titles
from tests.sections import sections


def test_cordons_that_a_killed_run_left_are_ended_and_no_others(folder):
    def item(name, annotations, ready="True"):
        return {
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"unschedulable": True},
            "status": {"conditions": [{"type": "Ready", "status": ready}], "nodeInfo": {"kubeletVersion": "v1.20.15"}},
        }

    ours = {"openpai-deploy/cordoned": "for a reboot"}
    items = [item("openpai-001", ours), item("openpai-002", {}), item("openpai-003", ours, ready="Unknown")]
    answers = {"openpai-master-01": {"get nodes -o json": sections(nodes=json.dumps({"items": items}))}}

    def equip():
        if host.data.role == "master":
            kubernetes.equip()

    with planned(folder, equip, answers) as plan:
        assert "No node is left out of service by a reboot of ours" in titles(plan.operations(MASTER))
        plan.run()
        said = [command for command in plan.commands(MASTER) if "unschedulable" in command]
    assert len(said) == 1 and "patch node openpai-001" in said[0] and '"unschedulable": null' in said[0]
