"""kubespray on the dev box: one commit of it, a Python environment of its own, and cluster.yml run once for its inputs.

pyinfra's git.repo follows branches and tags and is never done with either; its pip operations know no pinned Python.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, StringCommand, operation

from cluster.kubernetes import kubespray_constraints, kubespray_python_fits, kubespray_pythons
from tasks.kubespray.facts import UNIT, Kubespray, KubesprayState
from tasks.reach import detached, planning, stop


@operation()
def copy(folder: str, repository: str, commit: str, environment: str) -> Generator[Any]:
    """Have `commit` of `repository` checked out in FOLDER/kubespray, unchanged; `environment` is shell text."""
    state = host.get_fact(Kubespray, folder=folder, pythons=[])
    if state.commit == commit and not state.changed:
        return
    path, source = f"{folder}/kubespray", shlex.quote(repository)
    yield StringCommand(
        f"{environment}mkdir -p {path} && cd {path} && git init -q && "
        # A server may refuse single commits; then everything is fetched.
        f"{{ git fetch -q --depth 1 {source} {commit} 2>/dev/null || "
        f"git fetch -q --tags {source} '+refs/heads/*:refs/copy/*'; }} && "
        f'git checkout -q --force --detach {commit} && [ "$(git rev-parse HEAD)" = {commit} ] && '
        # The sample's variables are kubespray's defaults.
        "mkdir -p inventory/pai && { [ ! -d inventory/sample ] || cp -r inventory/sample/. inventory/pai/; }"
    )


@operation()
def installed(folder: str, pythons: list[str], environment: str) -> Generator[Any]:
    """Have what kubespray requires in FOLDER/kubespray-venv, by the first of `pythons` that can run it."""
    state = host.get_fact(Kubespray, folder=folder, pythons=pythons)
    if planning() and not state.requirements:
        yield StringCommand("true")
        return
    python = next((name for name in pythons if _fits(name, state)), None)
    if python is None:
        yield stop(_no_python(pythons, state))
        return
    note = _sum(python, state.requirements)
    if state.installed == note:
        return
    venv, limits = f"{folder}/kubespray-venv", shlex.quote(kubespray_constraints(state.requirements))
    yield StringCommand(
        f"{environment}rm -rf {venv} && {python} -m venv {venv} && printf %s {limits} >{venv}/limits.txt && "
        f"{venv}/bin/pip install -q --disable-pip-version-check -r {folder}/kubespray/requirements.txt "
        f"-c {venv}/limits.txt && {venv}/bin/ansible-playbook --version >/dev/null && "
        f"printf %s {note} >{venv}/installed"
    )


def _fits(python: str, state: KubesprayState) -> bool:
    return python in state.pythons and kubespray_python_fits(state.pythons[python], state.requirements)


def _no_python(pythons: list[str], state: KubesprayState) -> str:
    found = ", ".join(f"{name} is {major}.{minor}" for name, (major, minor) in state.pythons.items())
    needed = f"Python {kubespray_pythons(state.requirements)} with its venv module"
    return (
        f"kubespray's requirements need {needed} on the dev box "
        f"({found or 'none of ' + ', '.join(pythons) + ' is there'}); install one beside the system's own "
        "(deadsnakes on Ubuntu, pyenv anywhere) and name it in kubespray_python, or set installer: kubeadm"
    )


@operation()
def converged(folder: str, user: str, home: str, commit: str, inputs: list[str]) -> Generator[Any]:
    """Run cluster.yml unless its last finished run had the same `commit` and `inputs` (the texts of its files).

    It runs in a unit of its own as `user`; its log is followed on the screen, also by a run that finds it under way.
    """
    state = host.get_fact(Kubespray, folder=folder, pythons=[])
    note = _sum(commit, *inputs)
    if state.running or state.converged != note or not state.collected:
        yield FunctionCommand(_run, (folder, user, home, note), {})


def _run(state: Any, host: Any, folder: str, user: str, home: str, note: str) -> bool:
    """Start cluster.yml, or find it running, and show its log until it ends."""
    copy, log, status = f"{folder}/kubespray", f"{folder}/kubespray.log", f"{folder}/kubespray.status"
    kept = f"{folder}/kube/config"
    play = (
        f"umask 077; cd {copy} && {{ "
        f"{folder}/kubespray-venv/bin/ansible-playbook -i inventory/pai/hosts.yml cluster.yml --become "
        f"-e @inventory/pai/openpai.yml && mkdir -p {folder}/kube && "
        f"install -m 600 inventory/pai/artifacts/admin.conf {kept}.new && mv -f {kept}.new {kept} && "
        f"printf %s {note} >{folder}/kubespray.converged; echo $? >{status}; }} >{log} 2>&1"
    )
    start = (
        f"systemctl is-active -q {UNIT} || {{ rm -f {status}; systemctl reset-failed {UNIT} 2>/dev/null; "
        f"install -m 600 -o {user} /dev/null {log}; "
        f"systemd-run --quiet --collect --unit={detached.PREFIX}kubespray --uid={user} --setenv=HOME={home} "
        f"--setenv=ANSIBLE_FORCE_COLOR=0 sh -c {shlex.quote(play)}; }}"
    )
    follow = (
        f"pid=$(systemctl show {UNIT} -p MainPID --value); "
        f'[ "${{pid:-0}}" = 0 ] || tail -n +1 --pid=$pid -f {log}; '
        f"while systemctl is-active -q {UNIT}; do sleep 1; done; "
        f"[ \"$(cat {status})\" = 0 ] || {{ echo 'kubespray failed; its log: {log}' >&2; exit 1; }}"
    )
    worked, _ = host.run_shell_command(StringCommand(f"{start} && {follow}"), print_output=True, _sudo=True)
    return worked


def _sum(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
