"""Time daemons, from their own mouths."""

import pytest

from tasks.systemd.facts import Service
from tasks.time.facts import TimeDaemon, TimeSync
from tests.sections import sections
from tests.unit.stand_ins import StandIns

NTPQ = """@@ chrony
inactive
@@ ntpsec
active
@@ ntp
inactive
@@ tracking
@@ ntpq
associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd ntpsec-1.2.2", leap=00, stratum={stratum}, precision=-24, refid=10.7.0.1, offset=-0.25, frequency=1
     remote           refid      st t when poll reach   delay   offset   jitter
{mark}10.7.0.1        .LOCL.           8 u    3   64    1   0.05   0.01   0.02
@@ end"""


def test_ntpd_in_step_with_its_server():
    found = TimeSync().process(NTPQ.format(stratum=9, mark="*").splitlines())
    assert found == TimeDaemon("ntpsec", True, "10.7.0.1", 0.00025)


def test_ntpd_that_marks_its_server_plus_is_not_synchronised():
    assert not TimeSync().process(NTPQ.format(stratum=16, mark="+").splitlines()).synchronised


def test_chrony():
    line = "0A070001,10.7.0.1,9,1700000000.1,0.000001,0.0,0.0,0.0,0.0,0.0,0.1,0.2,64.5,Normal"
    found = TimeSync().process(sections(chrony="active", tracking=line))
    assert (found.unit, found.synchronised, found.peer, found.offset) == ("chrony", True, "10.7.0.1", 0.000001)
    lost = line.replace("Normal", "Not synchronised").replace("10.7.0.1", "")
    assert not TimeSync().process(sections(chrony="active", tracking=lost)).synchronised


TIMESYNC = """LinkNTPServers=10.7.0.2
SystemNTPServers=ntp.example.com
FallbackNTPServers=0.debian.pool.ntp.org 1.debian.pool.ntp.org
ServerName=ntp.example.com
ServerAddress=10.7.0.1
NTPMessage={ Leap=0, Version=4, Mode=4, Stratum=2, Precision=-25, Ignored=no PacketCount=3, Jitter=1.2ms }
"""
DONE = "/run/systemd/timesync/synchronized"


def test_timesyncd_in_step_is_a_time_daemon():
    answer = sections(**{"timesyncd": "active", "timesync": TIMESYNC, "timesync_done": DONE})
    found = TimeSync().process(answer)
    servers = ("ntp.example.com", "10.7.0.2")
    assert found == TimeDaemon("systemd-timesyncd", True, "ntp.example.com", servers=servers)
    lost = sections(**{"timesyncd": "active", "timesync": "LinkNTPServers=10.7.0.2\n", "timesync_done": ""})
    assert TimeSync().process(lost) == TimeDaemon("systemd-timesyncd", servers=("10.7.0.2",))


def test_nothing_runs():
    assert TimeSync().process(sections(chrony="inactive", ntpsec="inactive", ntp="inactive")) == TimeDaemon()


def test_a_service_older_than_its_file_is_stale():
    assert Service(started=100.0, changed=100.2).stale
    assert not Service(started=100.0, changed=99.0).stale


@pytest.mark.parametrize(
    ("active", "asked"),
    [
        (("chrony",), ["chronyc"]),
        (("ntpsec", "ntp"), ["ntpq"]),
        (("ntp",), ["ntpq"]),
        (("ntp", "systemd-timesyncd"), ["ntpq"]),
        (("systemd-timesyncd",), ["timedatectl"]),
        ((), ["ntpq"]),  # an ntpd that is no unit's
    ],
)
def test_the_daemon_at_work_is_asked_and_no_other(tmp_path, active, asked):
    """ntpsec's ntpq is a program of Python's: where chrony or timesyncd is at work it is not started."""
    programs = StandIns(tmp_path)
    programs.real("ls", "timeout")
    programs.add("chronyc", "ntpq", "timedatectl")
    states = "".join(f"{name}.service) echo active ;; " for name in active)
    programs.add("systemctl", does=f"shift; for unit; do case $unit in {states} *) echo inactive ;; esac; done")
    found = TimeSync().process(programs.run(TimeSync().command()).stdout.splitlines())
    assert [call[0] for call in programs.calls if call[0] != "systemctl"] == asked
    assert found.unit == (active[0] if active else "")


def test_a_host_whose_systemd_does_not_answer_has_no_daemon_that_is_known(tmp_path):
    programs = StandIns(tmp_path)
    programs.real("timeout")
    assert TimeSync().process(programs.run(TimeSync().command()).stdout.splitlines()) == TimeDaemon()
