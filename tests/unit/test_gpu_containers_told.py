"""Containers whose GPUs systemd was not told of, and so takes away when it reads its units anew."""

import re

import pytest
from pyinfra.api import StringCommand

from tasks.reach import FILES
from tasks.systemd import LosingGpus
from tests.unit.stand_ins import StandIns

ROOT = FILES.parent
GROUP = "/system.slice/docker-0a1b2c3d4e5f6789.scope"
SCOPE = f"Id=docker-0a1b2c3d4e5f6789.scope\\nControlGroup={GROUP}\\n"
TOLD, UNTOLD = "DeviceAllow=/dev/char/1:3 rwm\\nDeviceAllow=/dev/char/1:7 rw\\n", "DeviceAllow=/dev/char/1:3 rwm\\n"


@pytest.fixture
def losing(tmp_path):
    """What the fact says of a host with one container, that has /dev/full under the name of a GPU, and one without."""
    (tmp_path / "bin").mkdir()
    programs = StandIns(tmp_path / "bin")
    for number, group in enumerate((GROUP, "/system.slice/docker-ffff.scope")):
        (tmp_path / f"cgroup/systemd{group}").mkdir(parents=True)
        (tmp_path / f"cgroup/systemd{group}/cgroup.procs").write_text(f"{number}\n{number + 100}\n")
        (tmp_path / f"proc/{number}/root/dev").mkdir(parents=True)
    (tmp_path / "proc/0/root/dev/nvidia0").symlink_to("/dev/full")
    (tmp_path / "proc/0/root/dev/nvidia-caps").mkdir()

    def ask(policy: str, allowed: str, version: int = 252, linked: bool = False) -> list[str]:
        other = "Id=docker-ffff.scope\\nControlGroup=/system.slice/docker-ffff.scope\\nDevicePolicy=strict\\n"
        shown = f"{SCOPE}DevicePolicy={policy}\\n{allowed}\\n{other}"
        programs.add(
            "systemctl",
            does=f"""case "$*" in
            --version) echo 'systemd {version} ({version}.1-1)' ;;
            *) printf '{shown}' ;;
            esac""",
        )
        if linked:
            (tmp_path / "char").mkdir()
            (tmp_path / "char/1:7").touch()
        text = LosingGpus().command().get_raw_value().replace("/sys/fs/cgroup", f"{tmp_path}/cgroup")
        text = text.replace("/proc/$", f"{tmp_path}/proc/$").replace('"/proc/', f'"{tmp_path}/proc/')
        done = programs.run(StringCommand(text.replace('-e "/dev/char/', f'-e "{tmp_path}/char/')))
        return LosingGpus().process(done.stdout.splitlines())

    return ask


def test_a_container_whose_gpu_systemd_does_not_know_loses_it(losing):
    assert losing("strict", UNTOLD) == ["0a1b2c3d4e5f"]


def test_what_systemd_was_told_of_stays_and_so_does_what_it_does_not_limit(losing):
    assert losing("strict", TOLD) == []
    assert losing("auto", "") == []


def test_a_right_to_make_the_node_is_no_right_to_open_it(losing):
    assert losing("strict", "DeviceAllow=/dev/char/1:7 m\\n") == ["0a1b2c3d4e5f"]


def test_systemd_before_240_knows_a_device_by_its_link_alone(losing):
    assert losing("strict", TOLD, version=237) == ["0a1b2c3d4e5f"]
    assert losing("strict", TOLD, version=237, linked=True) == []


def test_nothing_has_systemd_read_its_units_anew_past_the_guard():
    words = re.compile(r"systemctl (?!--no-reload|--root=/)(-\S+ )*(daemon-reload|enable|disable|mask|unmask|preset)\b")
    programs = [*(ROOT / "tasks").rglob("*.py"), *(path for path in FILES.rglob("*") if path.is_file())]
    assert [f"{path}: {found[0]}" for path in programs if (found := words.search(path.read_text()))] == []
