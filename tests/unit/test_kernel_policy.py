"""Kernels and the driver's module together, or neither, by each way that a driver comes; the next boot's kernel."""

import dataclasses

import pytest
from pyinfra.api import StringCommand

from cluster import Config
from tasks.gpu.facts.driver import DriverState, Package
from tasks.gpu.facts.kernels import Kernels
from tasks.gpu.kernel_policy import chosen, headers, held_with_driver, kept_back, next_boot, to_build
from tasks.reach import probe_script, script, text
from tests.hosts.kernels import NEXT_KERNEL
from tests.unit.stand_ins import StandIns

GENERIC = (("linux-image-generic", "5.15.0.91.88"),)
RUNNING = DriverState(
    kernel="5.15.0-91-generic",
    os="ubuntu",
    bus=("0000:00:06.0",),
    loaded="535.183.01",
    installed="535.183.01",
    kernels=Kernels(next="5.15.0-91-generic", images=GENERIC),
    next_module="535.183.01",
)
PREBUILT = dataclasses.replace(
    RUNNING, packages=(Package("linux-modules-nvidia-535-server-generic", "5.15.0-91.101", True),)
)
NEXT = "5.15.0-92-generic"


def config(**keys) -> Config:
    return Config.model_validate({"user": "paiadmin", **keys})


RUNFILE = config(nvidia_driver="runfile", nvidia_driver_runfile="/root/NVIDIA-Linux-x86_64-535.183.01.run")
DKMS = RUNFILE.model_copy(update={"nvidia_driver_dkms": True})
APT = config(nvidia_driver="apt", nvidia_driver_branch="535-server")
PREINSTALLED = config()


def with_kernels(state: DriverState, **fields) -> DriverState:
    return dataclasses.replace(state, kernels=dataclasses.replace(state.kernels, **fields))


BY_DKMS = with_kernels(RUNNING, dkms=("nvidia/535.183.01",))
FOLLOWING = with_kernels(BY_DKMS, headers=frozenset({"linux-headers-generic"}))
DRIFTED = dataclasses.replace(with_kernels(FOLLOWING, next=NEXT), next_module=None)


@pytest.mark.parametrize(
    ("state", "kept", "held"),
    [
        (FOLLOWING, False, []),
        (BY_DKMS, True, []),
        (RUNNING, True, []),
        (PREBUILT, True, ["linux-image-generic"]),
        # A source of another version that was left registered does not build what runs.
        (with_kernels(FOLLOWING, dkms=("nvidia/470.256.02",)), True, []),
        # Nothing brings a kernel here: an image's own.
        (with_kernels(BY_DKMS, images=()), False, []),
        # And here nothing needs one.
        (dataclasses.replace(RUNNING, loaded=None, installed=None), False, []),
    ],
    ids=["dkms-and-headers", "dkms", "runfile", "prebuilt", "stale-source", "no-metapackage", "no-driver"],
)
def test_kernels_stay_away_where_the_module_would_not_come_with_them(state, kept, held):
    assert kept_back(state) is kept
    assert held_with_driver(state) == held


def test_headers_come_with_each_kernel_where_dkms_builds_the_driver():
    bare = dataclasses.replace(RUNNING, loaded=None, installed=None, next_module=None)
    wanted = {"linux-headers-generic": "5.15.0.91.88"}
    assert headers(bare, APT) == headers(bare, DKMS) == headers(BY_DKMS, APT) == headers(BY_DKMS, RUNFILE) == wanted
    for state, by in ((bare, RUNFILE), (BY_DKMS, PREINSTALLED), (FOLLOWING, APT), (PREBUILT, APT), (RUNNING, RUNFILE)):
        assert headers(state, by) == {}


def test_a_kernel_that_is_there_already_gets_its_own_headers():
    assert headers(DRIFTED, APT) == {f"linux-headers-{NEXT}": ""}
    assert headers(dataclasses.replace(DRIFTED, next_module="535.183.01"), APT) == {}


@pytest.mark.parametrize(
    ("image", "version", "offered", "taken"),
    [
        ("amd64", "6.1.176-1", ("6.12.115-1~bpo12+1", "6.1.192-2", "6.1.176-1"), "6.1.192-2"),
        ("amd64", "6.12.100-1~bpo12+1", ("6.12.115-1~bpo12+1", "6.1.192-2"), "6.12.115-1~bpo12+1"),
        ("generic-hwe-22.04", "6.5.0.45.45", ("6.8.0-49.49~22.04.1",), "6.8.0-49.49~22.04.1"),
        ("aws", "6.5.0.1014.14", (), None),
    ],
)
def test_headers_are_of_the_kernels_series(image, version, offered, taken):
    name = f"linux-headers-{image}"
    assert chosen({name: version}, {name: offered}) == ([f"{name}={taken}"] if taken else [])


def test_dkms_builds_for_the_next_boot_where_the_headers_are_there():
    assert to_build(DRIFTED) is None
    ready = with_kernels(DRIFTED, headers=DRIFTED.kernels.headers | {f"linux-headers-{NEXT}"})
    assert to_build(ready) == NEXT
    assert to_build(dataclasses.replace(ready, next_module="535.54.03")) == NEXT
    assert to_build(dataclasses.replace(ready, next_module="535.183.01")) is None
    assert to_build(with_kernels(ready, dkms=())) is None


def test_the_next_boots_kernel_without_the_driver_is_named_with_the_remedy():
    without = dataclasses.replace(with_kernels(RUNNING, next=NEXT), next_module=None)
    for state, by, remedy in (
        (DRIFTED, APT, f"apt-get install linux-headers-{NEXT} && dkms autoinstall -k {NEXT}"),
        (without, RUNFILE, "reboot into it and run the deploy again"),
        (without, PREINSTALLED, "install the driver's module for it"),
    ):
        said = str(next_boot(state, by))
        assert f"kernel {NEXT}, which boots next, has no NVIDIA module; 5.15.0-91-generic, which runs, has 535" in said
        assert remedy in said and f"apt-get purge linux-image-{NEXT}" in said
    assert "has driver 470.256.02" in str(next_boot(dataclasses.replace(without, next_module="470.256.02"), APT))
    nothing_seen = dataclasses.replace(with_kernels(RUNNING, next=""), next_module=None)
    for state in (RUNNING, nothing_seen, dataclasses.replace(without, installed=None)):
        assert next_boot(state, APT) is None


@pytest.fixture
def boot(tmp_path):
    """A host's /boot, /lib/modules and /etc/default of three kernels, one of them without modules."""
    for release in ("5.15.0-91-generic", "5.15.0-130-generic", "6.8.0-9-generic"):
        (tmp_path / "boot/grub").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"boot/vmlinuz-{release}").touch()
        if not release.startswith("6"):
            (tmp_path / f"lib/modules/{release}").mkdir(parents=True)
    (tmp_path / "etc/default/grub.d").mkdir(parents=True)
    (tmp_path / "boot/grub/grubenv").write_text("# GRUB Environment Block\nsaved_entry=gnulinux-5.15.0-91-generic\n###")
    return tmp_path


def there(boot, command: str) -> StringCommand:
    """The command with the host's folders in place of this machine's."""
    for folder in ("/boot", "/lib/modules", "/etc/default"):
        command = command.replace(f"{folder}/", f"{boot}{folder}/").replace(f"ls {folder} ", f"ls {boot}{folder} ")
    return StringCommand(command)


@pytest.mark.parametrize(
    ("default", "taken"),
    [
        ("", "5.15.0-130-generic"),
        ("GRUB_DEFAULT=0", "5.15.0-130-generic"),
        ("GRUB_DEFAULT=saved", "5.15.0-91-generic"),
        ('GRUB_DEFAULT="Advanced options for Ubuntu>Ubuntu, with Linux 5.15.0-91-generic"', "5.15.0-91-generic"),
    ],
)
def test_the_next_boots_kernel_is_the_one_that_grub_takes(boot, default, taken):
    (boot / "etc/default/grub").write_text(f"{default}\n")
    programs = StandIns(boot)
    programs.real("sort", "ls", "printf")
    programs.add("modprobe", "dpkg-query", "systemctl", "uname", "find", "mokutil")
    programs.add("modinfo", does="echo 535.183.01")
    fact = probe_script("gpu/driver.sh", "", "", "", "", "", "", text("gpu/module.sh"))
    lines = programs.run(there(boot, fact.get_raw_value())).stdout.splitlines()
    assert lines[lines.index("@@ next") + 1] == taken
    assert programs.run(there(boot, NEXT_KERNEL.command)).stdout.split() == [taken, "535.183.01"]


@pytest.fixture
def dkms(tmp_path):
    """Programs of a host with two sources registered, and the command that builds the driver of version `wanted`."""
    for source in ("nvidia-current/535.183.01", "nvidia-fs/2.17.5"):
        (tmp_path / "var" / source / "source").mkdir(parents=True)
    programs = StandIns(tmp_path)
    programs.add("modprobe", "dkms", "modinfo")

    def build(wanted: str, tree: str = "var") -> StringCommand:
        command = script("gpu/build-module.sh", NEXT, text("gpu/module.sh"), wanted).get_raw_value()
        return StringCommand(command.replace("/var/lib/dkms", f"{tmp_path}/{tree}"))

    return programs, build


@pytest.mark.parametrize(
    ("present", "wanted", "built"),
    [
        ("", "535.183.01", True),
        ("470.256.02", "535.183.01", True),
        ("535.183.01", "535.183.01", False),
        ("", "", True),
        ("470.256.02", "", False),
    ],
)
def test_dkms_is_asked_for_the_drivers_own_source_alone(dkms, present, wanted, built):
    programs, build = dkms
    programs.add("modinfo", does=f"echo {present}")
    done = programs.run(build(wanted))
    assert done.returncode == 0, done.stderr
    calls = [call for call in programs.calls if call[0] == "dkms"]
    assert calls == ([["dkms", "install", "-m", "nvidia-current", "-v", "535.183.01", "-k", NEXT]] if built else [])


def test_a_module_that_cannot_be_built_is_named_with_its_log(dkms):
    programs, build = dkms
    programs.add("dkms", does="exit 10")
    done = programs.run(build("535.183.01"))
    assert done.returncode == 1
    said = (
        f"DKMS cannot build driver 535.183.01 for kernel {NEXT}: see {programs.folder}/var/nvidia-current/535.183.01/"
    )
    assert said in done.stderr
    done = programs.run(build("", tree="none"))
    assert (done.returncode, done.stderr) == (0, ""), "where DKMS has no source there is nothing to build"
