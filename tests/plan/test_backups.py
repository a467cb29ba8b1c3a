"""Backups: what a second run does, whose key it is, who may become the new master, and what is in no command."""

from __future__ import annotations

import json

import pytest
from pyinfra import logger

from tasks import kubernetes
from tasks.kubernetes.deploy import backups
from tasks.kubernetes.facts.backups import PLACING
from tasks.kubernetes.facts.node import CA, ETCD_DATA, KUBELET_CONF
from tests.plan.conftest import planned
from tests.plan.test_kubernetes import DEV_BOX, MASTER, NODE_FACT, node, titles
from tests.sections import sections

BACKUPS, OLDER, NEWEST = "openpai-backup-recipient", "20261126T000000Z.age", "20261126T060000Z.age"
PUBLIC, SECRET = "age1public", "AGE-SECRET-KEY-1HIDDEN"
KEY = f"# created: 2026-11-26T00:00:00Z\n# public key: {PUBLIC}\n{SECRET}\n"
FOCAL = sections(release='ID=ubuntu\nVERSION_ID="20.04"\nVERSION_CODENAME=focal\nPRETTY_NAME="Ubuntu 20.04.6 LTS"')
SCHEDULED = sections(
    unit="LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nActiveEnterTimestampMonotonic=5000000",
    clock="1795634101.0\n500.5",
    changed="",
)
OURS = {"Who can open backups", "There is a backup", "A backup is on the dev box", "Backups by a timer"}
RESTORE = {"backup": NEWEST, "confirm": "plan"}


def kept(*names: str, recipient: str = PUBLIC, current: str = NEWEST, age: str = "/usr/bin/age"):
    """A host's answer about its backups."""
    return sections(names="\n".join(names), recipient=recipient, current=current and f"./{current}", age=age)


def answers(master, dev_box, **more):
    """Those of a master and a dev box whose timers are at work."""
    common = {"NeedDaemonReload": SCHEDULED, **more}
    return {"openpai-master-01": {BACKUPS: master, **common}, "dev-box": {BACKUPS: dev_box, **common}}


@pytest.fixture
def key(folder):
    """The key that an earlier run has made."""
    path = folder / "backup.key"
    path.write_text(KEY)
    path.chmod(0o600)
    return path


def due(plan):
    """What of ours would change anything."""
    return OURS & {*titles(plan.operations(MASTER)), *titles(plan.operations(DEV_BOX))}


def test_a_second_run_changes_nothing(folder, key):
    with planned(folder, backups.kept, answers(kept(OLDER, NEWEST), kept(NEWEST))) as plan:
        assert due(plan) == set()
        assert "Program that encrypts backups" not in titles(plan.all_operations(MASTER))


@pytest.mark.parametrize(
    ("master", "dev_box", "expected"),
    [
        # A run that was killed before the first backup; another cluster's, or for another's key, counts for none.
        (kept(current=""), kept(), {"There is a backup"}),
        (kept(OLDER, current=""), kept(OLDER), {"There is a backup"}),
        (kept(OLDER, NEWEST), kept(OLDER), {"A backup is on the dev box"}),
        # One by the timer since the last hour is no reason for a deploy to change anything.
        (kept(OLDER, NEWEST, current=f"{NEWEST}\n./{OLDER}"), kept(OLDER), set()),
        (kept(NEWEST, recipient="age1other"), kept(NEWEST), {"Who can open backups"}),
    ],
)
def test_what_is_missing_is_made_up_for(folder, key, master, dev_box, expected):
    with planned(folder, backups.kept, answers(master, dev_box)) as plan:
        assert due(plan) == expected
        plan.run()
        assert key.read_text() == KEY


def test_a_key_is_made_once_for_the_operator_alone(folder, caplog):
    logger.propagate = True
    caplog.set_level("DEBUG", logger.name)
    with planned(
        folder, backups.kept, answers(kept(NEWEST, recipient=""), kept(NEWEST), **{"age-keygen": KEY.splitlines()})
    ) as plan:
        assert "Who can open backups" in due(plan) and not (folder / "backup.key").exists()
        plan.run()
        said = "\n".join(plan.texts())
    made = folder / "backup.key"
    assert made.read_text() == KEY and made.stat().st_mode & 0o777 == 0o600
    assert f"{made} opens the backups from now on; keep a copy of it elsewhere" in caplog.text
    assert SECRET not in said + caplog.text


def test_a_key_without_its_public_half_is_not_replaced(folder, key, caplog):
    logger.propagate = True
    key.write_text(SECRET)
    with planned(folder, backups.kept, answers(kept(NEWEST), kept(NEWEST))) as plan:
        plan.run()
        assert plan.state.failed_hosts
    assert key.read_text() == SECRET
    assert "has no line `# public key: age1...`; add it as its first line" in caplog.text and SECRET not in caplog.text


def test_backups_for_a_recipient_of_the_operators_need_no_key_here(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write(f"backup_recipient: {PUBLIC}\n")
    with planned(folder, backups.kept, answers(kept(NEWEST), kept(NEWEST))) as plan:
        assert due(plan) == set()
    assert not (folder / "backup.key").exists()


@pytest.mark.parametrize("task", ["snapshot", "kept"])
def test_without_age_nothing_leaves_the_master_and_one_of_the_operators_will_do(folder, key, task):
    what = backups.kept if task == "kept" else kubernetes.snapshot
    for age, made in (("", False), ("/usr/local/bin/age", True)):
        found = answers(kept(age=age), kept(), **{"os-release": FOCAL})
        with planned(folder, what, found) as plan:
            names = titles([*plan.all_operations(MASTER), *plan.all_operations(DEV_BOX)])
        assert any("ackup" in name and "come" not in name and "made before" not in name for name in names) is made
        assert ("A snapshot of etcd" in names) is (task == "snapshot")


def test_a_bare_master_of_workers_that_are_nodes_begins_no_new_cluster(folder, caplog):
    logger.propagate = True
    member = node(files=KUBELET_CONF, server="https://kubernetes-api.openpai.internal:6443", api="")
    with planned(folder, kubernetes.install, {"openpai-002": {NODE_FACT: member}}) as plan:
        plan.run()
        said = plan.commands(MASTER)
    assert "Kubernetes is not on this master, but openpai-002 are nodes of the cluster that it had" in caplog.text
    assert "tasks.kubernetes.restore_master" in caplog.text
    assert not [command for command in said if "kubeadm init" in command]


@pytest.mark.parametrize(
    ("given", "found", "said"),
    [
        ({"backup": OLDER}, node(), f"choose a backup with --data backup=FILE: {NEWEST}"),
        ({}, node(), f"the master of plan as of {NEWEST}; to go on: --data confirm=plan"),
        (RESTORE, node(files=f"{CA}\n{ETCD_DATA}\n{KUBELET_CONF}"), "Kubernetes is on this master already"),
        (RESTORE, node(files=f"{CA}\n{ETCD_DATA}"), "Kubernetes is on this master already; go on with deploy.py"),
        ({**RESTORE, "backup_key": "/none"}, node(), "/none is not there, which opens the backups"),
    ],
)
def test_no_master_is_made_of_a_host_by_mistake(folder, key, caplog, given, found, said):
    logger.propagate = True
    replies = answers(kept(), kept(NEWEST))
    replies["openpai-master-01"][NODE_FACT] = found
    with planned(folder, kubernetes.restore_master, replies, **given) as plan:
        plan.run()
        commands = plan.commands(MASTER)
    assert said in caplog.text
    assert not [command for command in commands if "apt-get" in command or "restore-master.sh" in command]


@pytest.mark.parametrize("killed", [False, True])
def test_a_new_master_gets_the_newest_backup_and_the_key_in_no_command(folder, key, caplog, monkeypatch, killed):
    logger.propagate = True
    caplog.set_level("DEBUG", logger.name)
    monkeypatch.setattr(backups.docker, "install", lambda: None)
    monkeypatch.setattr(backups.node, "make_ready", lambda: None)
    copies, inputs = [], []

    def copied(state, host, other, source, target, owner):
        copies.append((source, target, owner))
        return True

    def ask(other, command, stdin=None):
        inputs.append((other.name, str(command).rpartition("restore-master.sh ")[2], stdin))
        return ""

    monkeypatch.setattr("tasks.kubernetes.operations.backup.copied", copied)
    monkeypatch.setattr("tasks.kubernetes.operations.backup.ask", ask)
    replies = answers(kept(), kept(OLDER, NEWEST))
    left = node(files=ETCD_DATA)
    replies["openpai-master-01"] |= {NODE_FACT: left if killed else node(), PLACING: sections(placing=PLACING)}
    with planned(folder, kubernetes.restore_master, replies, confirm="plan") as plan:
        plan.run()
        assert not plan.state.failed_hosts
        said = "\n".join(plan.texts())
    there = f"/var/backups/openpai-deploy/backups/{NEWEST}"
    ((source, *target),) = copies
    assert source.endswith(f"/pai-deploy/backups/{NEWEST}") and target == [there, "root"]
    ((name, words, stdin),) = inputs
    assert name == MASTER and stdin == KEY
    assert words.startswith(f"{there} openpai-master-01 10.1.0.1 /etc/kubernetes/openpai-kubeadm.yaml")
    assert SECRET not in said + caplog.text + json.dumps(words)
