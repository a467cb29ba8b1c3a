"""The mark on a node that is out of service: one command sets it with the cordon, one takes both back."""

from __future__ import annotations

import json

import pytest

from tasks.kubernetes.facts.cluster import read_members
from tasks.kubernetes.marks import CORDONED, Mark, Stage
from tasks.kubernetes.operations import service
from tests.shell_text import words_of

MARK = Mark("""driver 1's "must" become $(2)""", "2026-01-02T03:04:05Z", Stage.DRAINING)


def patch(mark: Mark | None) -> dict:
    """What the API server is given."""
    words = words_of(service.marked("openpai-001", mark).get_raw_value())
    assert words[words.index("node") + 1] == "openpai-001"
    return json.loads(words[words.index("-p") + 1])


def test_cordon_and_mark_are_one_change():
    given = patch(MARK)
    assert given["spec"] == {"unschedulable": True}
    node = {
        "metadata": {"name": "openpai-001", **given["metadata"]},
        "spec": given["spec"],
        "status": {"conditions": [], "nodeInfo": {"kubeletVersion": "v1.20.15"}},
    }
    member = read_members(json.dumps({"items": [node]}))["openpai-001"]
    assert (member.cordoned, member.mark) == (True, MARK)


def test_both_are_taken_back_at_once():
    assert patch(None) == {"metadata": {"annotations": {CORDONED: None}}, "spec": {"unschedulable": None}}


@pytest.mark.parametrize("option", ["--ignore-daemonsets", "--timeout=7s"])
def test_a_drain_is_limited_and_leaves_daemonsets(option):
    assert option in words_of(service.drain("openpai-001", 7).get_raw_value())
