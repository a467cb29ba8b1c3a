"""Who is the canary, who comes with whom, who is left out, when the rest is left alone, and what is taken up again."""

from __future__ import annotations

import pytest

from tasks.kubernetes.facts.cluster import Member
from tasks.kubernetes.facts.work import UNDISTURBED, Kind, Pod, read_pods
from tasks.kubernetes.marks import Mark, Stage, now, read_mark
from tasks.kubernetes.rolling_policy import Candidate, Roll, batch_size, halted, in_words, planned

MARK = Mark("Docker", "2026-01-02T03:04:05Z", Stage.CHANGING)


def candidate(name: str, due: str = "Docker 1 must become 2", jobs: int = 0, master: bool = False, **member: object):
    """A host whose node is as these fields of a Member say, Ready by default."""
    there = Member(**{"ready": True, "version": "v1.20.15", **member})  # type: ignore[arg-type]
    return Candidate(name, (due,) if due else (), there, master, jobs)


def batches(*candidates: Candidate, size: int = 2) -> list[str]:
    """The batches as words."""
    return [" ".join(names) for names in planned(candidates, size).batches]


def test_one_canary_then_batches_then_masters_one_by_one():
    workers = [candidate(f"w{number}") for number in range(1, 7)]
    masters = [candidate("m1", master=True), candidate("m2", master=True)]
    assert batches(*masters, *workers) == ["w1", "w2 w3", "w4 w5", "w6", "m1", "m2"]


def test_the_hosts_with_the_fewest_jobs_come_first():
    assert batches(candidate("w1", jobs=3), candidate("w2"), candidate("w3", jobs=1)) == ["w2", "w3 w1"]


def test_a_host_on_which_nothing_is_due_is_no_part_of_it():
    assert batches(candidate("w1", due=""), candidate("w2")) == ["w2"]
    assert planned([candidate("w1", due="")], 2) == Roll()


def test_a_master_alone_is_the_canary():
    assert batches(candidate("w1", due=""), candidate("m1", master=True)) == ["m1"]


def test_what_an_earlier_run_left_out_of_service_goes_first_whatever_is_due_there():
    draining = Mark("Docker", "", Stage.DRAINING)
    taken = [
        candidate("w1"),
        candidate("w2", due="", cordoned=True, mark=draining),
        candidate("w3", due="", ready=False, cordoned=True, mark=MARK, jobs=9),
    ]
    roll = planned(taken, 2)
    assert roll.batches == (("w3",), ("w2", "w1"))
    assert roll.due["w3"] == "what an earlier run began"


@pytest.mark.parametrize(
    ("left", "why"),
    [
        (candidate("w1", cordoned=True), "somebody else has cordoned it"),
        (candidate("w1", ready=False, fault="no network"), "it is not Ready: no network"),
        (Candidate("w1", ("Docker",), None), "it is no member of the cluster"),
    ],
    ids=["cordoned", "not ready", "no member"],
)
def test_a_node_that_is_not_in_service_is_left_out_by_name(left, why):
    roll = planned([left, candidate("w2")], 2)
    assert roll.batches == (("w2",),)
    assert roll.left_out["w1"].startswith(why)


def test_a_node_of_somebody_else_on_which_nothing_is_due_is_not_even_named():
    assert planned([candidate("w1", due="", cordoned=True)], 2).left_out == {}


@pytest.mark.parametrize(("wanted", "nodes", "size"), [("1", 9, 1), ("3", 100, 3), ("10%", 25, 2), ("100%", 7, 7)])
def test_a_batch_is_a_count_or_a_share_of_all_workers(wanted, nodes, size):
    assert batch_size(wanted, nodes) == size


ROLL = planned([candidate(f"w{number}") for number in range(1, 6)], 2)


def test_the_canary_stops_the_rest_whatever_may_fail():
    said = halted(ROLL, {"w1": "its GPUs are gone"}, {"w1"}, most=9)
    assert said == "the canary w1 failed: its GPUs are gone"


def test_a_canary_that_was_not_drained_has_proved_nothing():
    assert halted(ROLL, {"w1": "a job runs"}, set(), 9) == "the canary w1 could not be begun with: a job runs"


def test_the_rest_is_left_alone_once_more_failed_than_may():
    failed = {"w2": "no Docker"}
    assert halted(ROLL, failed, {"w1", "w2"}, most=1) is None
    said = halted(ROLL, {**failed, "w3": "no GPU"}, {"w1", "w2", "w3"}, most=1)
    assert said == "2 hosts failed, 1 may (rolling_max_failures): w2: no Docker; w3: no GPU"


def test_hosts_whose_pods_did_not_leave_are_no_failures():
    assert halted(ROLL, {"w2": "a job runs", "w3": "a job runs"}, {"w1"}, most=0) is None


def test_a_mark_is_read_as_it_was_written():
    mark = now("driver 1 must become 2", Stage.DRAINING)
    assert read_mark(mark.text()) == mark
    assert mark.since.endswith("Z")
    assert read_mark(None) is None


@pytest.mark.parametrize("text", ["for a reboot", "[]", '{"why": "x"}', '{"why": "x", "since": "y", "stage": "z"}'])
def test_a_mark_of_another_form_is_an_earlier_releases(text):
    assert read_mark(text) == Mark(text, "", Stage.DRAINING)


@pytest.mark.parametrize(
    ("owners", "mirror", "safe", "kind"),
    [
        ("ReplicaSet", "", "", Kind.MOVES),
        ("StatefulSet", "", "true", Kind.MOVES),
        ("ReplicaSet", "", "false", Kind.JOB),
        ("Job", "", "", Kind.JOB),
        ("ConfigMap", "", "", Kind.JOB),
        ("", "", "", Kind.JOB),
        ("DaemonSet", "", "false", Kind.STAYS),
        ("Node", "hash", "", Kind.STAYS),
    ],
)
def test_what_becomes_of_a_pod_is_told_by_its_owner_and_its_annotation(owners, mirror, safe, kind):
    listed = f"ns/pod|w1|Running|{owners}|{mirror}|{safe}\n"
    assert read_pods(listed) == [Pod("ns/pod", "w1", kind)]


def test_pods_that_have_ended_or_have_no_node_are_nobodys_work():
    assert read_pods("a/b|w1|Succeeded|Job||\na/c|w1|Failed|||\na/d||Pending|||\n") == []
    assert UNDISTURBED == "cluster-autoscaler.kubernetes.io/safe-to-evict"


def test_the_order_is_told_before_it_begins():
    roll = planned([candidate("w1"), candidate("w2", cordoned=True), candidate("w3", due="driver 1")], 2)
    assert in_words(roll) == [
        "batch 1 of 2, the canary: w1 (Docker 1 must become 2)",
        "batch 2 of 2: w3 (driver 1)",
        "left out: w2, somebody else has cordoned it; kubectl uncordon it, then run again",
    ]
    assert in_words(Roll()) == ["nothing is due"]
