"""Workers that leave: who is taken out of the cluster, in which order, and when it is asked first."""

import json

from tasks import kubernetes
from tests.plan.conftest import planned
from tests.plan.test_kubernetes import MASTER, deployed_before, titles
from tests.sections import sections


def test_remove_departed_touches_none_that_is_still_in_the_csv(host_gw):
    deployed_before(host_gw, "openpai-001", "openpai-004")
    with planned(host_gw, kubernetes.remove_departed) as plan:
        assert plan.operations(MASTER) == []


def test_a_departed_worker_is_drained_deleted_and_reset(host_gw):
    record = deployed_before(host_gw, "openpai-001", "openpai-009")
    item = {
        "metadata": {"name": "openpai-009"},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.21.14"}},
    }
    answers = {"openpai-master-01": {"get nodes -o json": sections(nodes=json.dumps({"items": [item]}))}}
    with planned(host_gw, kubernetes.remove_departed, answers) as plan:
        plan.run()
        said = plan.commands(MASTER)
    steps = ["snapshot save", "drain openpai-009", "delete node openpai-009"]
    assert [step for command in said for step in steps if step in command] == steps
    assert "openpai-009" not in record.read_text()


def test_a_worker_csv_that_was_cut_off_removes_nobody(host_gw, caplog):
    record = deployed_before(host_gw, "openpai-001", "openpai-008", "openpai-009")
    for confirmed in ("no", "1"):
        with planned(host_gw, kubernetes.remove_departed, confirm=confirmed) as plan:
            plan.run()
            assert not [said for said in plan.commands(MASTER) if "snapshot save" in said or "delete node" in said]
            assert plan.state.failed_hosts
    assert "of 6 workers 2 are in worker.csv no more: openpai-008, openpai-009" in caplog.text
    assert "--data confirm=2" in caplog.text
    assert "openpai-009" in record.read_text()
    with planned(host_gw, kubernetes.remove_departed, confirm="2") as plan:
        assert titles(plan.operations(MASTER)) == ["Departed workers are out of the cluster"]
