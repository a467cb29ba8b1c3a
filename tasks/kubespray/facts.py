"""The dev box's copy of kubespray: which Python could run it, and what it last finished."""

import re
from dataclasses import dataclass, field

from pyinfra.api import StringCommand

from cluster.kubernetes import PythonVersion
from tasks.reach import Fact, detached, probe_script

UNIT = f"{detached.PREFIX}kubespray.service"


@dataclass(frozen=True)
class KubesprayState:
    """Requirements of the copy, versions of Pythons by name, and notes of what was finished."""

    requirements: str = ""
    pythons: dict[str, PythonVersion] = field(default_factory=dict)
    installed: str = ""
    converged: str = ""
    collected: bool = False
    running: bool = False


class Kubespray(Fact[KubesprayState]):
    """Read the copy in `folder` (the guide's pai-deploy); `pythons` are names or paths."""

    default = KubesprayState

    def command(self, folder: str, pythons: list[str]) -> StringCommand:
        return probe_script("kubespray/state.sh", folder, UNIT, *pythons)

    def read(self, found: dict[str, str]) -> KubesprayState:
        pythons = re.findall(r"^(.+) (\d+) (\d+)$", found["pythons"], re.MULTILINE)
        return KubesprayState(
            requirements=found["requirements"],
            pythons={name: (int(major), int(minor)) for name, major, minor in pythons},
            installed=found["installed"],
            converged=found["converged"],
            collected=bool(found["collected"]),
            running=found["running"] in ("active", "activating"),
        )
