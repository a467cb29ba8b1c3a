"""Who holds apt's locks, and what an interrupted dpkg left: what is done before apt and dpkg are given work."""

import fcntl
import os
import subprocess

import pytest

from tasks.reach import script
from tests.unit.stand_ins import StandIns


@pytest.fixture
def programs(tmp_path):
    """A host on which nothing holds a lock and dpkg has nothing to finish."""
    (tmp_path / "bin").mkdir()
    made = StandIns(tmp_path / "bin")
    made.add("find", "dpkg", "dpkg-query", "apt-get")
    return made


@pytest.fixture
def lock(tmp_path):
    """This process with a lock, as apt locks."""
    with (tmp_path / "lock").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield f"/proc/{os.getpid()}/fd/{file.fileno()}"


def run(programs, *words, seconds=0):
    return programs.run(script("apt/run.sh", seconds, *words, library="apt/locks.sh"))


NAME = f"(process {os.getpid()})"


def test_what_dpkg_left_half_done_is_finished_first(programs):
    assert run(programs, "apt-get", "install", "it's").returncode == 0
    assert [call for call in programs.calls if call[0] != "find"] == [
        ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"], ["apt-get", "install", "it's"],
    ]  # fmt: skip


def test_a_package_that_cannot_be_finished_is_named_and_nothing_is_installed(programs):
    programs.add("dpkg", does="echo 'dpkg: error processing package grub-pc' >&2; exit 1")
    programs.add(
        "dpkg-query", does="printf '%s\\n' 'installed dpkg' 'half-configured grub-pc' 'triggers-pending man-db'"
    )
    done = run(programs, "apt-get", "install")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "dpkg: error processing package grub-pc",
        "dpkg cannot finish what was left half done (grub-pc man-db): see above; mend or remove it, then run again",
    ]
    assert "apt-get" not in [call[0] for call in programs.calls]


def test_the_holder_of_a_lock_is_named_and_waited_for(programs, lock):
    programs.add("find", does=f"[ -e FREE ] || echo {lock}")
    done = run(programs, "apt-get", "install")
    assert done.returncode == 1
    assert f"{NAME} holds a lock of apt or dpkg, still after 0 s; wait until it ends, then run again" in done.stderr
    assert {call[0] for call in programs.calls} == {"find"}
    programs.add("sleep", does=": >FREE")
    done = run(programs, "apt-get", "install", seconds=9)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"waiting for {done.stdout.split()[2]} {NAME}, which holds a lock" in done.stdout
    assert programs.calls[-1] == ["apt-get", "install"]


def test_a_file_that_is_open_is_no_lock_that_is_held(programs, tmp_path):
    holder = subprocess.Popen(["sleep", "60"])
    try:
        programs.add("find", does=f"echo /proc/{holder.pid}/fd/1")
        assert run(programs, "apt-get", "install").returncode == 0
    finally:
        holder.kill()
        holder.wait()


def test_who_was_faster_is_waited_for_too(programs, lock):
    """As apt of Ubuntu 18.04, which knows no DPkg::Lock::Timeout and fails at once."""
    programs.add("find", does=f"[ ! -e TAKEN ] || echo {lock}")
    programs.add("sleep", does="rm -f TAKEN")
    programs.add("apt-get", does="[ -e SECOND ] && exit; : >SECOND; : >TAKEN; exit 100")
    assert run(programs, "apt-get", "install", seconds=9).returncode == 0
    assert [call[0] for call in programs.calls].count("apt-get") == 2


def test_a_failure_of_apt_itself_is_its_own(programs):
    programs.add("apt-get", does="exit 100")
    assert run(programs, "apt-get", "install").returncode == 100
    assert [call[0] for call in programs.calls].count("apt-get") == 1
