"""docs/pictures/roles.svg is what deploy.py plans: its stages, in their order, on the roles that they concern."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from cluster import Role
from tests import roles
from tests.plan.conftest import ROOT, make_folder, planned

# What a reader of the guide does not look for: how apt reaches its sources, what a stage waits for or begins before its
# turn, and what looks after the cluster later.
LEFT_OUT = {"Apt goes through the proxy", "Synchronised clocks", "Control plane", "Drift"}
HOSTS = dict(zip(roles.ROLES, ("@fake/dev-box", "@fake/openpai-master-01", "@fake/openpai-001"), strict=True))


def test_the_stages_are_those_of_a_deploy(tmp_path: Path) -> None:
    shown = {stage: set(cells) for stage, cells in roles.STAGES.items()}
    assert next(iter(shown.items())) == ("Preflight", set(roles.ROLES)), "before the plan: it looks at every host"
    with planned(make_folder(tmp_path), "deploy.py") as plan:
        order = [sorted(plan.state.get_op_meta(op).names)[0].split(" | ")[0] for op in plan.state.get_op_order()]
        found: dict[str, set[Role]] = {stage: set() for stage in dict.fromkeys(order) if stage not in LEFT_OUT}
        for role, host in HOSTS.items():
            for name in plan.all_operations(host):
                found.get(name.split(" | ")[0], set()).add(role)
    assert list(found) == list(shown)[1:]
    assert found == {stage: on for stage, on in shown.items() if stage != "Preflight"}


def test_the_picture_is_current() -> None:
    path = ROOT / "docs/pictures/roles.svg"
    assert path.read_text() == roles.svg(), "out of date: run python -m tests.pictures"
    ElementTree.parse(path)


def test_no_text_is_wider_than_its_box() -> None:
    """By some seven pixels a letter."""
    boxes = re.findall(r'width="(\d+)" height="36" rx="5"/>\n<text[^>]*>([^<]*)<', roles.svg())
    assert len(boxes) > len(roles.STAGES) and all(len(text) * 7 < int(width) for width, text in boxes), boxes
