"""The lab's parts that need no host: sources, versions, plans, the runtime shim, refusals."""

from __future__ import annotations

import os
import runpy
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lab import apt, docker_packages, machine, network, oci, plan, services, state
from lab.api import Lab
from lab.cli import _assignments
from lab.files import put
from lab.settings import PREFIX, STATE
from lab.shell import LabError, run
from lab.state import LabHost, LabState

DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example.com/debian
Suites: bookworm bookworm-updates
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/company.gpg

Types: deb
URIs: http://mirror.example.com/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://mirror.example.com/disabled
Suites: bookworm
Components: main

Types: deb-src
URIs: http://mirror.example.com/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://vendor.example.com/node
Suites: nodistro
Components: main
"""
ONE_LINE = """\
# deb http://old.example.com/ubuntu noble main
deb http://archive.example.com/ubuntu noble main universe # archive
deb [arch=amd64 signed-by=/etc/apt/keyrings/u.gpg] http://archive.example.com/ubuntu noble-updates main
deb-src http://archive.example.com/ubuntu noble main
"""


@pytest.fixture
def apt_folder(monkeypatch, tmp_path):
    """An empty /etc/apt of a bookworm machine."""
    (tmp_path / "sources.list.d").mkdir()
    monkeypatch.setattr(apt, "APT", tmp_path)
    monkeypatch.setattr(apt, "system", lambda: apt.System("debian", "bookworm"))
    return tmp_path


def lab_state(*workers: str, suite: str = "bookworm") -> LabState:
    """A lab with these workers."""
    names = {"dev-box": "dev_box", "openpai-master-01": "master", **dict.fromkeys(workers, "worker")}
    hosts = [
        LabHost(name, role, "", suite, "", "default" if role == "worker" else None) for name, role in names.items()
    ]
    return LabState("lab", 0, "/folder", hosts)


def wanted(
    lab: LabState | None = None, workers=None, suite=None, suites=None, gpu=None, gpus=None, pasts=None
) -> list[LabHost]:
    """plan.wanted with nothing asked for but what is given."""
    return plan.wanted(lab, workers, suite, suites or {}, gpu, gpus or {}, pasts or {})


def test_sources_are_the_machines_own_with_another_suite(apt_folder):
    (apt_folder / "sources.list.d/debian.sources").write_text(DEB822)
    assert apt.sources("trixie") == [
        apt.Source(
            "http://mirror.example.com/debian",
            "trixie trixie-updates",
            "main non-free-firmware",
            "/usr/share/keyrings/company.gpg",
        ),
        apt.Source("http://mirror.example.com/debian-security", "trixie-security", "main", apt.KEYRINGS["debian"]),
    ]


def test_bullseye_has_no_firmware_component(apt_folder):
    (apt_folder / "sources.list.d/debian.sources").write_text(DEB822)
    assert [source.components for source in apt.sources("bullseye")] == ["main", "main"]


def test_one_line_sources_of_ubuntu(apt_folder, monkeypatch):
    monkeypatch.setattr(apt, "system", lambda: apt.System("ubuntu", "noble"))
    (apt_folder / "sources.list").write_text(ONE_LINE)
    assert [source.text().splitlines()[1:] for source in apt.sources("jammy")] == [
        [
            "URIs: http://archive.example.com/ubuntu",
            "Suites: jammy",
            "Components: main universe",
            f"Signed-By: {apt.KEYRINGS['ubuntu']}",
        ],
        [
            "URIs: http://archive.example.com/ubuntu",
            "Suites: jammy-updates",
            "Components: main",
            "Signed-By: /etc/apt/keyrings/u.gpg",
        ],
    ]


def test_machines_without_sources_or_of_another_kind_are_refused(apt_folder, monkeypatch):
    with pytest.raises(LabError, match="offer no bookworm"):
        apt.sources("bookworm")
    monkeypatch.setattr(apt, "system", lambda: apt.System("fedora"))
    with pytest.raises(LabError, match="Debian or Ubuntu; this machine is 'fedora'"):
        apt.sources("bookworm")


def test_versions_are_spelled_as_the_vendor_does():
    assert docker_packages.vendor_versions("20.10.24", apt.System("debian", "bookworm", "12")) == (
        "5:20.10.24~2-0~debian-bookworm",
        "5:20.10.24~3-0~debian-bookworm",
    )
    assert docker_packages.vendor_versions("26.1.5", apt.System("debian", "trixie", "13")) == (
        "5:26.1.5-1~debian.13~trixie",
        "5:26.1.5-2~debian.13~trixie",
    )


def test_a_new_lab_has_the_defaults():
    hosts = wanted()
    assert [(host.name, host.role, host.suite, host.gpu) for host in hosts] == [
        ("dev-box", "dev_box", "bookworm", None),
        ("openpai-master-01", "master", "bookworm", None),
        ("openpai-001", "worker", "bookworm", "default"),
        ("openpai-002", "worker", "bookworm", "default"),
    ]


def test_single_hosts_differ_from_the_rest():
    hosts = wanted(
        workers=2, suite="bullseye", suites={"openpai-002": "trixie"}, gpu="bare", gpus={"openpai-001": "none"}
    )
    assert [host.suite for host in hosts] == ["bullseye", "bullseye", "bullseye", "trixie"]
    assert [host.gpu for host in hosts[2:]] == [None, "bare"]


def test_what_is_not_asked_for_stays():
    there = lab_state("openpai-001", "openpai-002", "openpai-003", suite="trixie")
    assert wanted(there) == there.hosts
    added = plan.new(there, wanted(there, workers=4))
    assert [(host.name, host.suite) for host in added] == [("openpai-004", "bookworm")]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"workers": 0}, "1 to 200 workers, not 0"),
        ({"workers": 201}, "1 to 200 workers, not 201"),
        ({"suites": {"openpai-009": "trixie"}}, "no host openpai-009 in this lab; it has dev-box, "),
        ({"gpus": {"dev-box": "bare"}}, "dev-box has no GPUs"),
        ({"lab": lab_state("openpai-001", "openpai-002"), "workers": 1}, "has openpai-002 as well"),
        ({"lab": lab_state("openpai-001"), "suite": "trixie"}, "dev-box is there already"),
        ({"lab": lab_state("openpai-001"), "gpu": "none"}, "openpai-001 is there already"),
    ],
)
def test_what_cannot_be_is_refused(asked, message):
    with pytest.raises(LabError, match=message):
        wanted(**asked)


def test_options_for_all_and_for_one():
    assert _assignments(["trixie", "openpai-001=bullseye"]) == ("trixie", {"openpai-001": "bullseye"})
    assert _assignments(['{"model": "a=b"}']) == ('{"model": "a=b"}', {})
    with pytest.raises(LabError, match="neither VALUE nor HOST=VALUE"):
        _assignments(["openpai-001="])


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "a-name-too-long", "a b", "a/b"])
def test_names_that_are_none(name):
    with pytest.raises(LabError, match="is no lab name"):
        Lab(name)


def test_state_of_another_version_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(state, "STATE", tmp_path)
    saved = lab_state("openpai-001")
    saved.save()
    path = tmp_path / "lab/lab.json"
    path.write_text(path.read_text().replace('"index"', '"later": 1, "index"'))
    assert state.load("lab") == saved
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        ({}, []),
        (
            {"https_proxy": "http://u:p@proxy.example.com:8080", "no_proxy": "localhost, .example.com"},
            [
                "Upstream http u:p@proxy.example.com:8080",
                'Upstream none "localhost"',
                'Upstream none ".example.com"',
            ],
        ),
        ({"HTTP_PROXY": "http://proxy.example.com"}, ["Upstream http proxy.example.com:3128"]),
    ],
)
def test_the_proxy_goes_through_the_machines_own(monkeypatch, environment, lines):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(services, "run", lambda *_: subprocess.CompletedProcess((), 0, "", ""))
    assert services._upstream() == lines


def test_the_labs_services_are_reached_without_it(monkeypatch):
    monkeypatch.setenv("no_proxy", "localhost,.example.com")
    monkeypatch.setenv("NO_PROXY", "")
    for _ in range(2):
        network.reach_directly("10.77.0.1")
    assert os.environ["no_proxy"] == "localhost,.example.com,10.77.0.1"
    assert os.environ["NO_PROXY"] == "10.77.0.1"


def test_apts_own_proxy_counts_too(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    told = subprocess.CompletedProcess((), 0, "PROXY='http://apt.example.com:9'\n", "")
    monkeypatch.setattr(services, "run", lambda *_: told)
    assert services._upstream() == ["Upstream http apt.example.com:9"]


def test_images_are_what_registries_take(tmp_path):
    put(tmp_path / "root/file", b"content")
    image = oci.Image("pai/one:1", [tmp_path / "root"], command=["/file"])
    oci.Layout(tmp_path / "layout", "amd64").add(image)
    asked = ("--format", "{{.Config.Cmd}}", f"oci:{tmp_path}/layout:pai/one:1")
    assert run("skopeo", "inspect", "--config", *asked).stdout.strip() == "[/file]"


def test_an_overlay_cannot_carry_hosts(monkeypatch):
    monkeypatch.setattr(machine, "_kind", lambda _: "overlayfs")
    with pytest.raises(LabError, match="is on an overlay file system"):
        machine.check(1, 0)


def test_root_without_capabilities_is_told_which(monkeypatch):
    read = Path.read_text
    without = lambda path: "CapEff:\t0000000000000000\n" if path == Path("/proc/self/status") else read(path)  # noqa: E731
    monkeypatch.setattr(Path, "read_text", without)
    with pytest.raises(LabError, match="root lacks CAP_NET_ADMIN, CAP_SYS_CHROOT, CAP_SYS_ADMIN, CAP_MKNOD"):
        machine.check(1, 0)


def test_only_linux_carries_it(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SystemExit, match="run it on a Debian or Ubuntu machine"):
        runpy.run_module("lab", run_name="__main__")


def test_a_machine_without_room_is_told_how_much_is_needed(monkeypatch):
    monkeypatch.setattr("lab.machine.HOST_ROOM_MB", 10**9)
    with pytest.raises(LabError, match=rf"{STATE} needs 4000000000 MB and has \d+ MB free"):
        Lab(PREFIX + "ltroom").up(workers=2)
    assert not (STATE / f"{PREFIX}ltroom").exists()


def test_a_machine_without_the_programs_is_told_the_packages(monkeypatch, tmp_path):
    (tmp_path / "stat").symlink_to(shutil.which("stat"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"apt-get install .*systemd-container"):
        Lab(PREFIX + "ltprog").up()


def test_one_who_is_not_root_is_told_so(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="run it as root"):
        Lab(PREFIX + "ltroot").up()
