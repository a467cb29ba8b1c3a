"""Preflight on real hosts: six hosts, each broken in its own way, one table, and nothing changed anywhere."""

from __future__ import annotations

import json
import re

import pytest

from lab import shell
from tests.lab.docker_host import lock_held
from tests.lab.harness import new_lab, out, pyinfra

CHECK = "tasks.preflight.check"
# The breakage of each host, what undoes it, and the requirement it leaves unmet.
BROKEN = {
    "dev-box": (
        f"systemd-run -q --unit=holder {lock_held('/var/lib/dpkg/lock-frontend', 3600)}",
        "systemctl stop holder",
        "package-lock",
    ),
    "openpai-master-01": (
        "systemd-run -q --unit=squatter systemd-socket-activate -l 6443 cat",
        "systemctl stop squatter",
        "ports",
    ),
    "openpai-001": (
        "hostname elsewhere; echo 127.0.1.1 elsewhere >>/etc/hosts",
        "hostname openpai-001; sed -i /elsewhere/d /etc/hosts",
        "hostname",
    ),
    "openpai-002": (
        "echo 'paiadmin ALL=(ALL) !ALL' >/etc/sudoers.d/zz-broken",
        "rm /etc/sudoers.d/zz-broken",
        "sudo",
    ),
    "openpai-003": (
        "cp /etc/machine-id /root/own-id; echo 0123456789abcdef0123456789abcdef >/etc/machine-id",
        "cp /root/own-id /etc/machine-id",
        "machine-id-unique",
    ),
    "openpai-004": ("systemctl stop ssh", "systemctl start ssh", "reachable"),
}
# What a deploy of Kubernetes pulls, here of other content: preflight asks whether it is there.
IMAGES = (
    *(f"kube-{name}:v1.20.15" for name in ("apiserver", "controller-manager", "scheduler", "proxy")),
    "etcd:3.4.13-0",
    "coredns:1.7.0",
    "pause:3.2",
    "device-plugin",
)
INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")
# With the dev box's machine-id, which stays: the later of two hosts is told.
TWIN = ("dev-box", "cp /etc/machine-id /root/own-id; echo 0123456789abcdef0123456789abcdef >/etc/machine-id",
        "cp /root/own-id /etc/machine-id")  # fmt: skip


@pytest.fixture(scope="module")
def lab():
    """Bare hosts with GPUs and their driver, configured as for a whole deploy with Kubernetes."""
    with new_lab("flight", workers=4) as made:
        release = made.web_root / "kubernetes/v1.20.15/bin/linux/amd64/kubeadm.sha256"
        release.parent.mkdir(parents=True)
        release.write_text("0" * 64)
        registry = f"{made.gateway}:5000"
        for name in IMAGES:
            copied = (f"docker://{registry}/{each}" for each in ("hello-world", name))
            shell.run("skopeo", "--insecure-policy", "copy", "--quiet", *INSECURE, *copied)
        made.configure(
            installer="kubeadm",
            kubernetes_mirror=f"http://{made.gateway}:8080/kubernetes",
            kube_image_repo=registry,
            docker_registry_domain=registry,
            nvidia_device_plugin_image=f"{registry}/device-plugin",
            openpai_kube_network_plugin="host-gw",
            package_lock_wait=1,
        )
        yield made


@pytest.fixture(scope="module")
def broken(lab):
    """The lab with every host broken, and mended afterwards."""
    for host, (breaks, _, _) in BROKEN.items():
        out(lab, host, breaks)
    out(lab, TWIN[0], TWIN[1])
    yield lab
    out(lab, TWIN[0], TWIN[2])
    for host, (_, mends, _) in BROKEN.items():
        out(lab, host, mends)


def _rows(path):
    return {(row["host"], row["requirement"]) for row in json.loads(path.read_text())["rows"]
            if row["outcome"] == "unmet" and row["severity"] == "must"}  # fmt: skip


def test_whole_hosts_pass_and_cost_one_command_each(lab):
    run = pyinfra(lab, "--debug", file=CHECK)
    assert run.status == 0, run.output
    commands = re.findall(r"Running command on (\S+):", run.output)
    assert sorted(commands) == sorted(BROKEN)
    assert re.search(r"^next: pyinfra \S+\.py deploy\.py --dry --diff$", run.output, re.M), run.output
    assert lab.password not in run.output


def test_each_broken_host_has_its_row_in_one_table(broken, tmp_path):
    report = tmp_path / "report.json"
    run = pyinfra(broken, "--data", f"report={report}", file=CHECK)
    assert run.status == 1
    assert len(re.findall(r"^HOST +SEVERITY +REQUIREMENT", run.output, re.M)) == 1
    table = re.findall(r"^(\S+) +must +(\S+)", run.output, re.M)
    assert sorted(table) == sorted((host, id) for host, (_, _, id) in BROKEN.items()), run.output
    assert _rows(report) == set(table)
    own = [
        line for line in run.output.splitlines() if line and not line.startswith("--> ")
    ]  # pyinfra's: standard error
    assert own[-1].endswith(f"reports/{broken.name}/index.html"), run.output[-500:]
    assert own[-2].startswith("next: pyinfra ") and own[-2].endswith(f" {CHECK}"), run.output[-500:]
    assert "\x1b[3" not in run.output.split("HOST ")[1]


def test_a_deploy_changes_no_host(broken):
    run = pyinfra(broken, "-y")
    assert run.status == 1
    assert "no host was changed" in run.output
    assert "Beginning operation run" not in run.output
    for host in BROKEN:
        assert out(broken, host, "ls /etc/apt/apt.conf.d/90openpai-deploy-proxy /etc/docker 2>/dev/null; :") == ""


def test_a_dry_run_says_what_is_unmet_and_goes_on(broken):
    run = pyinfra(broken, "--dry")
    assert run.status == 1, "a real run would stop there"
    assert "machine-id-unique" in run.output
    assert "Detected changes" in run.output


def test_skipped_requirements_are_recorded(broken, tmp_path):
    report = tmp_path / "report.json"
    ids = ",".join(id for _, _, id in BROKEN.values())
    run = pyinfra(broken, "--data", f"report={report}", "--data", f"skip_requirements={ids}", file=CHECK)
    assert run.status == 0, run.output
    found = json.loads(report.read_text())
    assert found["skipped"] == ids.split(",")
    assert {row["requirement"] for row in found["rows"] if row["outcome"] == "skipped"} == set(found["skipped"])


def test_an_unknown_id_to_skip_is_refused(lab):
    run = pyinfra(lab, "--data", "skip_requirements=memry", file=CHECK)
    assert run.status == 1
    assert "no requirement 'memry'; did you mean memory?" in run.output
