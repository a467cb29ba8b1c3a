"""Hosts of other names: with set_hostnames they get those of the CSV files, and a Kubernetes node keeps its own."""

from __future__ import annotations

import pytest

from tests.lab.docker_host import write
from tests.lab.harness import new_lab, out, pyinfra

WORKER = "openpai-001"
STAGE = "tasks.kubernetes.name_host"
HOSTS = "127.0.0.1 localhost\n127.0.1.1 gpu-7.example.com gpu-7\n10.9.9.9 storage gpu-7\n"


@pytest.fixture(scope="module")
def lab():
    """A worker with a name of its own."""
    with new_lab("names", workers=1) as made:
        made.configure(set_hostnames=True)
        write(made, WORKER, "/etc/hosts", HOSTS)
        out(made, WORKER, "hostnamectl set-hostname gpu-7")
        yield made


def test_a_host_gets_its_name_once(lab):
    run = pyinfra(lab, "-y", file=STAGE)
    assert run.status == 0, run.output
    assert out(lab, WORKER, "uname -n; cat /etc/hostname").split() == [WORKER, WORKER]
    assert out(lab, WORKER, "getent hosts openpai-001") == f"127.0.1.1       {WORKER}.example.com {WORKER}"
    renamed = HOSTS.replace("1.1 gpu-7.example.com gpu-7", f"1.1 {WORKER}.example.com {WORKER}")
    assert out(lab, WORKER, "cat /etc/hosts") == renamed.strip()
    assert out(lab, WORKER, "stat -c '%a %U' /etc/hosts") == "644 root"
    inode = out(lab, WORKER, "stat -c %i /etc/hosts")
    again = pyinfra(lab, "-y", file=STAGE)
    assert again.status == 0, again.output
    assert out(lab, WORKER, "stat -c %i /etc/hosts") == inode


def test_a_kubernetes_node_keeps_its_name(lab):
    out(lab, WORKER, "mkdir -p /etc/kubernetes && touch /etc/kubernetes/kubelet.conf && hostnamectl set-hostname gpu-7")
    run = pyinfra(lab, "-y", file=STAGE)
    assert run.status == 1
    assert "this host is a Kubernetes node by the name of gpu-7, not openpai-001" in run.output
    assert out(lab, WORKER, "uname -n") == "gpu-7"
