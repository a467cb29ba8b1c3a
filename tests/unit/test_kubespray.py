"""Which Python kubespray's requirements can be run by, and what its copy on the dev box says."""

import pytest

from cluster.kubernetes import kubespray_constraints, kubespray_python_fits, kubespray_pythons
from tasks.kubespray.facts import Kubespray
from tasks.kubespray.operations import _no_python
from tests.sections import sections

RELEASE_2_11 = "ansible==2.7.12\njinja2==2.10.1\nnetaddr==0.7.19\nruamel.yaml==0.15.96\n"
WITHOUT_RUAMEL = "ansible==2.9.7\n"
CURRENT = "ansible==10.7.0\ncryptography==44.0.2\n"


@pytest.mark.parametrize(
    ("requirements", "fitting", "unfit"),
    [
        (RELEASE_2_11, [(3, 6), (3, 8)], [(3, 5), (3, 9), (3, 11)]),
        (WITHOUT_RUAMEL, [(3, 8), (3, 9)], [(3, 10), (3, 13)]),
        (CURRENT, [(3, 10), (3, 13)], [(3, 5)]),
        ("ansible-core>=2.16,<2.20\n", [(3, 11)], []),
    ],
)
def test_old_ansible_needs_an_old_python(requirements, fitting, unfit):
    assert [kubespray_python_fits(version, requirements) for version in fitting] == [True] * len(fitting)
    assert [kubespray_python_fits(version, requirements) for version in unfit] == [False] * len(unfit)


def test_old_jinja_needs_an_old_markupsafe():
    assert kubespray_constraints(RELEASE_2_11) == "markupsafe<2.1\n"
    assert kubespray_constraints(CURRENT) == ""


def test_the_pythons_are_named():
    assert (kubespray_pythons(RELEASE_2_11), kubespray_pythons(WITHOUT_RUAMEL), kubespray_pythons(CURRENT)) == (
        "3.6 to 3.8",
        "3.6 to 3.9",
        "3.6 or newer",
    )


def test_the_copy_is_read_and_the_remedy_named():
    texts = {
        "commit": "6" * 40, "changed": " M cluster.yml", "requirements": RELEASE_2_11.strip(),
        "pythons": "python3.9 \npython3 3 11", "installed": "", "converged": "", "collected": "", "running": "inactive",
    }  # fmt: skip
    state = Kubespray().process(sections(**texts))
    assert (state.pythons, state.running) == ({"python3": (3, 11)}, False)
    said = _no_python(["python3.9", "python3"], state)
    assert "need Python 3.6 to 3.8" in said
    assert "python3 is 3.11" in said
    assert "kubespray_python" in said
