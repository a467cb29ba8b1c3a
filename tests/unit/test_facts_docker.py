"""The Docker fact: what is in force is told from times and notes, never from the present run."""

import json

from tasks.docker.facts import Docker, DockerDaemon
from tasks.reach import probe_script
from tests.sections import sections
from tests.unit.stand_ins import StandIns

CLOCK = "1000.500000000\n500.50"
UNIT = """LoadState=loaded
ActiveState=active
UnitFileState=enabled
InvocationID=abc
NeedDaemonReload=no
ExecMainStartTimestampMonotonic={started}
ExecStart={{ path=/usr/bin/dockerd ; argv[]=/usr/bin/dockerd -H fd:// }}"""


def daemon(file='{"live-restore": true}', file_changed="900.25", unit_changed="800.0", started=450, applied=""):
    """A daemon started at 1000.5 - 500.5 + `started` s."""
    texts = {
        "version": "Docker version 20.10.24, build 297e128",
        "unit": UNIT.format(started=int(started * 1e6)),
        "clock": CLOCK,
        "file": file,
        "ctimes": f"/etc/docker/daemon.json {file_changed}\n/lib/systemd/system/docker.service {unit_changed}",
        "units": "[Service]",
        "applied": applied,
        "info": json.dumps({"ServerVersion": "20.10.24", "LiveRestoreEnabled": True}),
        "containers": "c0ffee web",
    }
    return Docker().process(sections(**texts))


def test_reads_everything():
    found = daemon()
    assert (found.installed, found.version, found.active, found.enabled) == (True, "20.10.24", True, True)
    assert (found.started, found.answers, found.live_restore) == (950.0, True, True)
    assert found.containers == ("c0ffee web",)


def test_a_file_older_than_the_daemon_is_in_force():
    assert daemon().in_force == {"live-restore": True}
    assert daemon().units_in_force


def test_a_file_written_after_the_start_is_not():
    assert daemon(file_changed="951.0").in_force is None
    assert not daemon(unit_changed="951.0").units_in_force


def test_a_note_of_this_very_process_tells_what_it_runs_with():
    noted = json.dumps({"invocation": "abc", "config": {"debug": True}, "units": "other"})
    found = daemon(file_changed="951.0", applied=noted)
    assert found.in_force == {"debug": True}
    assert not found.units_in_force


def test_a_note_of_an_earlier_process_tells_nothing():
    noted = json.dumps({"invocation": "before", "config": {"debug": True}, "units": ""})
    assert daemon(file_changed="951.0", applied=noted).in_force is None
    assert daemon(applied=noted).in_force == {"live-restore": True}


def test_no_docker_at_all():
    names = ("version", "unit", "file", "ctimes", "units", "applied", "info", "containers")
    found = Docker().process(sections(**dict.fromkeys(names, ""), clock=CLOCK))
    assert not found.installed
    assert not found.active
    assert found.file is None
    assert DockerDaemon().in_force is None


def test_a_drop_in_that_systemd_has_not_read_counts(tmp_path):
    """A Docker that was there first never took the proxy: its drop-in is none that systemd names before it reads it."""
    folder = tmp_path / "docker.service.d"
    folder.mkdir()
    for name in ("a-theirs", "http-proxy", "z-theirs"):
        (folder / f"{name}.conf").write_text(f"{name}\n")
    (tmp_path / "docker.service").write_text("unit\n")
    (tmp_path / "bin").mkdir()
    programs = StandIns(tmp_path / "bin")
    programs.real("find", "sort")
    known = f"{folder}/a-theirs.conf {folder}/z-theirs.conf"
    does = f"case $* in *DropInPaths*) echo '{known}';; *FragmentPath*) echo {tmp_path}/docker.service;; esac"
    programs.add("systemctl", does=does)
    asked = probe_script("docker/daemon.sh", f"{tmp_path}/daemon.json", f"{tmp_path}/applied", str(folder))
    answer = programs.run(asked).stdout
    assert f"@@ unread\n{folder}/http-proxy.conf\n" in answer
    found = Docker().process(answer.splitlines())
    assert found.needs_daemon_reload and not found.units_in_force
    assert "@@ units\nunit\na-theirs\nhttp-proxy\nz-theirs\n" in answer
    assert f"{folder}/http-proxy.conf " in answer.partition("@@ ctimes")[2]
