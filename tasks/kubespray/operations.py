"""kubespray on the dev box: a Python environment of its own, and cluster.yml run once for its inputs.

pyinfra's pip operations know no pinned Python.
"""

import hashlib
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, StringCommand, operation

from cluster.kubernetes import kubespray_constraints, kubespray_python_fits, kubespray_pythons
from tasks.kubespray.facts import UNIT, Kubespray, KubesprayState
from tasks.reach import Commands, detached, planning, script, stop


@operation()
def installed(folder: str, pythons: list[str]) -> Commands:
    """Have what kubespray requires in FOLDER/kubespray-venv, by the first of `pythons` that can run it."""
    state = host.get_fact(Kubespray, folder=folder, pythons=pythons)
    if planning() and not state.requirements:
        yield StringCommand("true")
        return
    there = state.pythons.items()
    python = next((name for name, version in there if kubespray_python_fits(version, state.requirements)), None)
    if python is None:
        yield stop(_no_python(pythons, state), cause="kubespray-python")
        return
    note = _sum(python, state.requirements)
    if state.installed == note:
        return
    yield script("kubespray/install.sh", folder, python, kubespray_constraints(state.requirements), note)


def _no_python(pythons: list[str], state: KubesprayState) -> str:
    found = ", ".join(f"{name} is {major}.{minor}" for name, (major, minor) in state.pythons.items())
    needed = f"Python {kubespray_pythons(state.requirements)} with its venv module"
    return (
        f"kubespray's requirements need {needed} on the dev box "
        f"({found or 'none of ' + ', '.join(pythons) + ' is there'}); install one beside the system's own "
        "(deadsnakes on Ubuntu, pyenv anywhere) and name it in kubespray_python, or set installer: kubeadm"
    )


@operation()
def converged(folder: str, user: str, home: str, commit: str, inputs: list[str]) -> Commands:
    """Run cluster.yml unless its last finished run had the same `commit` and `inputs` (the texts of its files).

    It runs in a unit of its own as `user`; its log is followed on the screen, also by a run that finds it under way.
    """
    state = host.get_fact(Kubespray, folder=folder, pythons=[])
    note = _sum(commit, *inputs)
    if state.running or state.converged != note or not state.collected:
        yield FunctionCommand(_run, (folder, user, home, note), {})


def _run(state: Any, host: Any, folder: str, user: str, home: str, note: str) -> bool:
    """Start cluster.yml, or find it running, and show its log until it ends."""
    play = detached.literal(script("kubespray/play.sh", folder, note))
    command = StringCommand(script("kubespray/run.sh", UNIT, user, home, folder), play)
    worked, _ = host.run_shell_command(command, print_output=True, _sudo=True)
    return worked


def _sum(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
