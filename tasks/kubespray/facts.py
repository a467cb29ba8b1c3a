"""The dev box's copy of kubespray: which commit, which Python could run it, and what it last finished.

pyinfra has facts for branches and none for the commit that is checked out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase

from cluster.kubernetes import PythonVersion
from tasks.reach import SECTION, detached, parse_sections

UNIT = f"{detached.PREFIX}kubespray.service"


@dataclass(frozen=True)
class KubesprayState:
    """Commit and requirements of the copy, versions of Pythons by name, and notes of what was finished."""

    commit: str = ""
    changed: bool = False
    requirements: str = ""
    pythons: dict[str, PythonVersion] = field(default_factory=dict)
    installed: str = ""
    converged: str = ""
    collected: bool = False
    running: bool = False


class Kubespray(FactBase[KubesprayState]):
    """Read the copy in `folder` (the guide's pai-deploy); `pythons` are names or paths."""

    default = KubesprayState

    def command(self, folder: str, pythons: list[str]) -> str:
        versions = "; ".join(
            f'echo "{python} $({python} -c "import sys, venv; print(*sys.version_info[:2])")"' for python in pythons
        )
        return (
            f"{SECTION}\n"
            f"cd {folder}/kubespray 2>/dev/null || cd /\n"
            "section commit git rev-parse HEAD\n"
            "section changed git status --porcelain --untracked-files=no\n"
            "section requirements cat requirements.txt\n"
            f"section pythons sh -c '{versions}'\n"
            f"section installed cat {folder}/kubespray-venv/installed\n"
            f"section converged cat {folder}/kubespray.converged\n"
            f"section collected ls {folder}/kube/config\n"
            f"section running systemctl is-active {UNIT}"
        )

    def process(self, output: list[str]) -> KubesprayState:
        found = parse_sections(output)
        lines = (line.split() for line in found["pythons"].splitlines())
        return KubesprayState(
            commit=found["commit"],
            changed=bool(found["changed"]),
            requirements=found["requirements"],
            pythons={words[0]: (int(words[1]), int(words[2])) for words in lines if len(words) == 3},
            installed=found["installed"],
            converged=found["converged"],
            collected=bool(found["collected"]),
            running=found["running"] in ("active", "activating"),
        )
