"""How many occupied hosts are down at a time, and what becomes of the rest when one stays down."""

from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from pyinfra.api import State

from tasks.systemd import operations


class FakeHost(SimpleNamespace):
    def log(self, message):
        self.said.append(message)

    def log_styled(self, message, **_):
        self.said.append(message)


@pytest.fixture
def down(monkeypatch):
    """Hosts that are rebooting, the most at a time so far, and the names of those that never come back."""
    seen = SimpleNamespace(now=0, most=0, lost=set())

    def reboot_and_wait(state, host, why, boot_id, patience):
        seen.now += 1
        seen.most = max(seen.most, seen.now)
        gevent.sleep(0.01)
        seen.now -= 1
        return host.name not in seen.lost

    monkeypatch.setattr(operations, "_reboot_and_wait", reboot_and_wait)
    return seen


def rebooted(batch, count=5):
    state = State()
    hosts: list[Any] = [FakeHost(name=f"openpai-{number:03d}", said=[]) for number in range(count)]
    greenlets = [gevent.spawn(operations._reboot, state, host, "nouveau is loaded", "id", batch, 9) for host in hosts]
    gevent.joinall(greenlets)
    return hosts, [greenlet.value for greenlet in greenlets]


@pytest.mark.parametrize(("batch", "most"), [(1, 1), (2, 2), (None, 5)])
def test_occupied_hosts_in_batches_and_empty_ones_all_at_once(down, batch, most):
    assert rebooted(batch)[1] == [True] * 5
    assert down.most == most


def test_after_one_that_stays_down_no_further_occupied_host_is_rebooted(down):
    down.lost = {"openpai-001"}
    hosts, results = rebooted(1)
    assert results == [True, False, False, False, False]
    assert hosts[2].said == [
        "not rebooted (nouveau is loaded), because openpai-001 did not come back from its own reboot [reboot-halted]"
    ]


def test_empty_hosts_do_not_wait_for_one_another(down):
    down.lost = {"openpai-000"}
    assert rebooted(None)[1] == [False, True, True, True, True]


class Rebooting(FakeHost):
    """A host whose boot ids, as seen at each attempt to connect, are scripted; None: it does not answer."""

    def disconnect(self):
        self.connected = False

    def connect(self, show_errors):
        self.connected = bool(self.boots) and self.boots[0] is not None

    def run_shell_command(self, command, **_):
        text = str(command)
        if operations.BOOT_ID in text:
            boot = self.boots.pop(0) if len(self.boots) > 1 else self.boots[0]
            return True, SimpleNamespace(stdout=boot)
        return True, SimpleNamespace(stdout="")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(operations, "_INTERVAL", 0.01)


def test_a_host_is_back_when_its_boot_id_differs(quick):
    host: Any = Rebooting(name="openpai-001", said=[], boots=["old", "old", "new"], connected=True)
    assert operations._reboot_and_wait(State(), host, "nouveau is loaded", "old", 5)
    assert host.said[0] == "rebooting: nouveau is loaded" and host.said[-1].startswith("rebooted in ")


@pytest.mark.parametrize(
    ("boots", "what"),
    [([None], "did not come back from its reboot"), (["old"], "was told to reboot but is still up as before")],
)
def test_the_time_limit_names_host_and_cause(quick, boots, what):
    host: Any = Rebooting(name="openpai-001", said=[], boots=boots, connected=True)
    assert not operations._reboot_and_wait(State(), host, "nouveau is loaded", "old", 0.1)
    assert f"openpai-001 {what} after 0.1 s (nouveau is loaded)" in host.said[-1]
