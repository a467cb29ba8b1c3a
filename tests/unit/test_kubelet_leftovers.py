"""What an earlier kubelet left, found among drop-ins that do no harm; and what else comes back after a boot."""

import subprocess

import pytest

from tasks.kubernetes.facts.kernel import KernelState
from tasks.reach import FILES

KUBEADM = '[Service]\nEnvironment="KUBELET_KUBECONFIG_ARGS=x"\nExecStart=\nExecStart=/usr/bin/kubelet $X\n'


@pytest.fixture
def units(tmp_path):
    """Systemd's folders of the operator and of packages."""
    for folder in ("etc", "lib"):
        (tmp_path / folder / "kubelet.service.d").mkdir(parents=True)
    return tmp_path


def found(units):
    files = [units / "etc/kubelet.service", units / "flags"]
    words = ["sh", FILES / "kubernetes/kubelet-leftovers.sh", "Written by us", *files, units / "etc", units / "lib"]
    said = subprocess.run(words, capture_output=True, text=True, check=True)
    return [line.removeprefix(f"{units}/") for line in said.stdout.splitlines()]


def test_nothing_where_no_kubelet_was(units):
    assert found(units) == []


def test_drop_ins_that_start_the_kubelet_their_way(units):
    (units / "etc/kubelet.service.d/10-kubeadm.conf").write_text(KUBEADM)
    (units / "etc/kubelet.service.d/20-flags.conf").write_text("[Service]\n EnvironmentFile = /etc/sysconfig/kubelet\n")
    (units / "etc/kubelet.service.d/limits.conf").write_text("[Service]\nLimitNOFILE=1000000\n# ExecStart=no\n")
    (units / "etc/kubelet.service.d/old.conf.openpai.disabled").write_text(KUBEADM)
    assert found(units) == [f"etc/kubelet.service.d/{name}.conf" for name in ("10-kubeadm", "20-flags")]


def test_a_packages_drop_in_unless_one_of_the_operators_hides_it(units):
    for name in ("10-kubeadm", "hidden", "both"):
        (units / f"lib/kubelet.service.d/{name}.conf").write_text(KUBEADM)
    (units / "etc/kubelet.service.d/hidden.conf").symlink_to("/dev/null")
    (units / "etc/kubelet.service.d/both.conf").write_text(KUBEADM)
    assert found(units) == [
        "etc/kubelet.service.d/both.conf", "lib/kubelet.service.d/10-kubeadm.conf", "lib/kubelet.service.d/both.conf"
    ]  # fmt: skip


def test_a_unit_of_others_at_our_place(units):
    (units / "etc/kubelet.service").write_text("[Service]\nExecStart=/usr/bin/kubelet\n")
    (units / "flags").write_text("KUBELET_EXTRA_ARGS=--x\n")
    assert found(units) == ["etc/kubelet.service", "flags"]
    (units / "etc/kubelet.service").write_text("# Written by us.\n[Service]\n")
    assert found(units) == ["flags"]


@pytest.mark.parametrize("package", ["zramswap", "zram-config", "swapspace", "dphys-swapfile"])
def test_services_that_turn_swap_on_by_themselves_are_asked_for(package):
    assert f"{package}.service" in KernelState().command(sysctls=[]).get_raw_value()
