"""The Docker fact: what is in force is told from times and notes, never from the present run."""

import json

import pytest
from pyinfra.api import StringCommand

from tasks import systemd
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
    programs.add("systemctl", does=f"printf '%s\\n' FragmentPath={tmp_path}/docker.service 'DropInPaths={known}'")
    asked = probe_script(
        "docker/daemon.sh", f"{tmp_path}/daemon.json", f"{tmp_path}/applied", str(folder), systemd.CLOCK
    )
    answer = programs.run(asked).stdout
    assert f"@@ unread\n{folder}/http-proxy.conf\n" in answer
    found = Docker().process(answer.splitlines())
    assert found.needs_daemon_reload and not found.units_in_force
    assert "@@ units\nunit\na-theirs\nhttp-proxy\nz-theirs\n" in answer
    assert f"{folder}/http-proxy.conf " in answer.partition("@@ ctimes")[2]


@pytest.fixture
def host(tmp_path):
    """Programs of a host whose dockerd, a shell, runs as this process does; what the fact makes of `info`."""
    programs = StandIns(tmp_path)
    programs.real("timeout")
    programs.add("dockerd", does="echo 'Docker version 20.10.24+dfsg1, build 297e128'")

    def ask(info: str, main: str) -> DockerDaemon:
        programs.add("systemctl", does=f"printf '%s\\n' LoadState=loaded MainPID={main}")
        programs.add("docker", does=f"case $1 in info) echo '{info}' ;; ps) echo 'c0ffee web' ;; esac")
        program = Docker().command().get_raw_value()
        there = program.replace("/proc/$main/exe", f"{tmp_path}/of-$main").replace("/var/lib/docker/", f"{tmp_path}/")
        return Docker().process(programs.run(StringCommand(there)).stdout.splitlines())

    return programs, ask


INFO = '{"Containers":%s,"Labels":["\\"Containers\\":0,"],"ServerVersion":"%s"}'


@pytest.mark.parametrize(
    ("main", "running", "version"),
    [
        ("7", "23.0.1", "23.0.1"),  # the program on the disk is the one that answered
        ("8", "23.0.1", "20.10.24+dfsg1"),  # it was replaced since the daemon started
        ("0", "23.0.1", "20.10.24+dfsg1"),  # another daemon answers
        ("7", "", "20.10.24+dfsg1"),  # no daemon answers
    ],
)
def test_a_dockerd_that_runs_is_as_old_as_its_answer_says(host, tmp_path, main, running, version):
    programs, ask = host
    (tmp_path / "of-7").symlink_to("dockerd")
    (tmp_path / "of-8").write_text("replaced")
    assert ask(INFO % (0, running), main).version == version
    assert (["dockerd", "--version"] in programs.calls) is (version != running)


@pytest.mark.parametrize(("containers", "names"), [(0, ()), (10, ("c0ffee web",))])
def test_containers_are_asked_for_where_there_are_some(host, containers, names):
    programs, ask = host
    assert ask(INFO % (containers, "23.0.1"), "0").containers == names
    assert any(call[:2] == ["docker", "ps"] for call in programs.calls) is bool(containers)


def test_a_daemon_that_tells_nothing_of_itself_may_still_name_its_containers(host):
    assert host[1]("", "0").containers == ("c0ffee web",)


def test_containers_that_are_stored_are_seen_without_a_daemon(host, tmp_path):
    assert not host[1]("", "0").stored
    (tmp_path / "containers/c0ffee").mkdir(parents=True)
    assert host[1]("", "0").stored
