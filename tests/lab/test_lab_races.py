"""One look decides nothing: what the machine shows for a moment only, and how the lab judges it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab import api, cgroups, hosts, limits, network, process, services, state, supervisor
from lab.api import Lab
from lab.settings import PREFIX
from lab.shell import LabError, run
from lab.state import LabHost, LabState
from lab.wait import wait_until

NAME = f"{PREFIX}ltr"
CABLE = f"{NAME}cable"
MARKED = {"PATH": process.PATH, **process.marks(NAME, "part")}
LOOKS = 300
"""So many looks at a process that does nothing but exec: 1 in 15 fell between two programs here."""
# The main thread ends and leaves the other one: such a process has the state of a zombie.
WITHOUT_ITS_FIRST_THREAD = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.fixture
def execing():
    """A process that replaces its program again and again."""
    again = 'exec sh -c "$0" "$0"'
    with subprocess.Popen(["sh", "-c", again, again], env=MARKED) as running:
        yield running.pid
        running.kill()


def zombie(pid: int) -> bool:
    """Whether the process, or its first thread, has ended and nobody has asked for its exit status."""
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_a_process_between_two_programs_is_found(execing):
    """Seen at 1 in 80 starts of a host on a busy machine: "ended instead of booting"."""
    missed = [look for look in range(LOOKS) if execing not in process.find(NAME, "part")]
    assert not missed, f"{len(missed)} of {LOOKS} looks"


def test_a_process_between_two_programs_has_a_command_line(execing):
    assert all(process.command_line(execing) for _ in range(LOOKS))


@pytest.mark.parametrize("end", [True, False], ids=["a zombie", "an empty environment"])
def test_what_has_no_environment_is_not_waited_for(end):
    with subprocess.Popen(["sleep", "60"], env={}) as running:
        try:
            if end:
                running.kill()
                wait_until(lambda: zombie(running.pid), 10)
            start = time.monotonic()
            assert process._memory(running.pid, "environ") == b""
            assert time.monotonic() - start < process.EXEC_TIMEOUT / 2
        finally:
            running.kill()


def test_a_process_has_ended_only_with_its_last_thread():
    """The port of such a program is still taken, and its files are still open."""
    with subprocess.Popen([sys.executable, "-c", WITHOUT_ITS_FIRST_THREAD], env=MARKED) as running:
        try:
            wait_until(lambda: zombie(running.pid), 10)
            assert not process.ended(running.pid)
        finally:
            running.kill()
        wait_until(lambda: process.ended(running.pid), 10)


def test_a_condition_is_asked_again_however_late():
    asked = iter([False, True])
    wait_until(lambda: next(asked), timeout=0.05, step=0.2)
    with pytest.raises(LabError, match=r"no luck \(waited 0 s\)"):
        wait_until(lambda: False, 0, lambda: "no luck")


def test_a_host_that_ends_while_it_is_wired_may_boot_again(monkeypatch):
    """Its init is a zombie for as long as systemd-nspawn, which says how it ended, takes to see that."""
    lab, host = LabState(NAME, 0, ""), LabHost("dev-box", "dev_box", "10.77.0.10", "bookworm", "")
    monkeypatch.setattr(supervisor, "END_TIMEOUT", 2)

    def fails(*_: object) -> None:
        raise LabError("no such process")

    with subprocess.Popen(["true"]) as init:
        wait_until(lambda: zombie(init.pid), 10)
        monkeypatch.setattr(hosts, "leader", lambda *_: init.pid)
        monkeypatch.setattr(network, "plug", fails)
        with subprocess.Popen(["sleep", "0.5"]) as nspawn:
            supervisor._wire(lab, host, nspawn)
            assert nspawn.poll() == 0
        with subprocess.Popen(["sleep", "60"]) as nspawn:
            with pytest.raises(LabError, match="no such process"):
                supervisor._wire(lab, host, nspawn)
            nspawn.kill()


def test_a_lab_that_goes_down_while_the_labs_are_listed_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(state, "STATE", tmp_path)
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    assert state.load(NAME) is None


def test_a_lab_is_made_while_the_last_other_one_goes_down(monkeypatch, tmp_path):
    for module in (state, api):
        monkeypatch.setattr(module, "STATE", tmp_path / "labs")
    monkeypatch.setattr(Lab, "_clear", lambda _: None)
    monkeypatch.setattr(limits, "restore", lambda: None)
    lab = LabState(NAME, 0, "")
    over = threading.Event()

    def others_go_down() -> None:
        while not over.is_set():
            Lab(f"{NAME}-o").down()

    with ThreadPoolExecutor(1) as pool:
        down = pool.submit(others_go_down)
        try:
            for _ in range(LOOKS):
                lab.save()
                shutil.rmtree(lab.directory)
        finally:
            over.set()
        down.result()


def test_what_another_lab_has_is_left_alone_though_its_name_begins_alike():
    left = Path(f"/run/systemd/nspawn/propagate/{NAME}-b-dev-box")
    left.mkdir(parents=True)
    try:
        Lab(NAME).down()
        assert left.is_dir()
        Lab(f"{NAME}-b").down()
        assert not left.exists()
    finally:
        shutil.rmtree(left, ignore_errors=True)


def test_a_cable_is_waited_for_by_its_long_name():
    """The kernel takes a dead host's interface away some time after the host."""
    remove = ("ip", "link", "delete", CABLE)
    run("ip", "link", "add", CABLE, "type", "bridge")
    try:
        run("ip", "link", "property", "add", "dev", CABLE, "altname", f"vb-{NAME}-openpai-001")
        assert network._plugged(f"vb-{NAME}-openpai-001") and not network._plugged(f"vb-{NAME}-openpai-002")
        threading.Timer(0.3, run, remove).start()
        network.wait_until_unplugged(f"{NAME}-openpai-001")
        assert not Path("/sys/class/net", CABLE).exists()
    finally:
        run(*remove, check=False)


def test_a_hosts_cgroups_are_gone_only_with_its_last_process():
    groups, others = cgroups.renew(NAME, "dev-box"), cgroups.renew(NAME, "openpai-001")
    try:
        with subprocess.Popen(["sleep", "0.5"]) as running:
            for group in groups:
                (group / "cgroup.procs").write_text(str(running.pid))
            cgroups.remove(NAME, "dev-box")
            assert process.ended(running.pid)
        assert not any(group.exists() for group in groups)
        assert all(group.is_dir() for group in others)
    finally:
        cgroups.remove(NAME)


def test_a_service_that_has_just_been_started_is_waited_for(monkeypatch, tmp_path):
    """By whoever started it: it runs before it answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        service = services.Service("web", server.getsockname()[1], lambda _: [], lambda _: "")
        monkeypatch.setattr(services, "SERVICES", (service,))
        monkeypatch.setattr(services, "running", lambda *_: True)
        listen = threading.Timer(0.3, server.listen)
        listen.start()
        lab: Any = SimpleNamespace(name=NAME, gateway="127.0.0.1", directory=tmp_path)
        services.start(lab)
        assert listen.finished.is_set()
        listen.join()


def test_a_port_of_a_program_that_is_ending_is_waited_for():
    lab: Any = SimpleNamespace(gateway="127.0.0.1")
    with socket.create_server((lab.gateway, 0)) as server:
        service = services.Service("web", server.getsockname()[1], lambda lab: [], lambda lab: "")
        with pytest.raises(LabError, match=r"port \d+ of 127.0.0.1 is taken"):
            services._check_port(lab, service, patience=0.2)
        threading.Timer(0.3, server.close).start()
        services._check_port(lab, service)
