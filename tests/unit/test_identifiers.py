"""Every sentence that refuses, warns or tells has an identifier, and each identifier an explanation that is needed."""

from __future__ import annotations

import re

from cluster.explanations import AREAS, EXPLANATIONS
from tasks.preflight.verdict import IDS
from tests.unit.identifiers import calls, calls_of

ROOMS = ("cluster", "tasks")
# A requirement of preflight names what falls short of it.
NAMED_BY_REQUIREMENTS = frozenset({"tasks/preflight/model.py"})


def said() -> list:
    return list(calls(*ROOMS, but=NAMED_BY_REQUIREMENTS))


def test_every_sentence_has_an_identifier() -> None:
    assert [call.place for call in said() if call.needs_one and not call.given] == [], 'add cause="..."'
    assert [(call.place, call.unknown) for call in said() if call.unknown] == [], "write the identifier itself"


def test_every_identifier_is_explained() -> None:
    unknown = [(call.place, call.identifiers - set(EXPLANATIONS)) for call in said()]
    assert [(place, names) for place, names in unknown if names] == [], "explain it in cluster/explanations/"
    assert set(IDS) <= set(EXPLANATIONS)


def test_every_explanation_is_of_something() -> None:
    used = set().union(*(call.identifiers for call in said()))
    assert set(EXPLANATIONS) - used - set(IDS) == set(), "nothing has this identifier any more"


def test_each_explanation_is_in_one_area_and_in_one_form() -> None:
    names = [name for area in AREAS for name in area.entries]
    assert sorted(names) == sorted(set(names))
    for name, each in EXPLANATIONS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), name
        assert each.why.endswith(".") and each.remedy.endswith("."), name
        assert not each.seen.endswith(".") or each.seen.endswith("..."), name
        assert "\n" not in each.seen + each.why + each.remedy, name


def test_what_is_not_named_is_found() -> None:
    source = """
SECURE, HEADERS = "secure-boot", "kernel-headers"

def one(cause):
    yield stop("found; do")
    yield stop(problem, *problems, Problem("found", "do", cause="c"))
    yield stop(*(f"{name} is down" for name in names))
    yield stop("found; do", cause="a" if wrong else SECURE)
    yield Problem(found, fix)
    yield file.problem("key", found, fix, cause=cause)
    return complain(state, host, f"{name} is gone", cause=names[0])
"""
    found = list(calls_of(source, "x.py"))
    assert [call.place for call in found if call.needs_one and not call.given] == ["x.py:5", "x.py:7", "x.py:9"]
    assert [call.identifiers for call in found if call.given] == [{"c"}, {"a", "secure-boot"}, set(), set()]
    assert [call.unknown for call in found if call.unknown] == [["names[0]"]]
