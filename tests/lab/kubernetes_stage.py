"""The Kubernetes stage on lab hosts: running it, and asking what came of it."""

from __future__ import annotations

from lab import commands
from lab.api import Lab
from lab.commands import Run
from lab.shell import LabError
from tests.lab.harness import out, pyinfra

MASTER, FIRST, SECOND, THIRD = "openpai-master-01", "openpai-001", "openpai-002", "openpai-003"
STAGE = "tasks.kubernetes.install"
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
MINUTES = 60


def stage(lab: Lab, *arguments: str, file: str = STAGE) -> Run:
    """Run a Kubernetes task to its end, without questions."""
    return pyinfra(lab, "-y", *arguments, file=file, timeout=15 * MINUTES)


def healthy(lab: Lab, *arguments: str) -> Run:
    """Converge Kubernetes; anything but success fails the test."""
    run = stage(lab, *arguments)
    assert run.status == 0, run.output
    return run


def settled(lab: Lab) -> None:
    """A further run changes nothing."""
    run = healthy(lab)
    assert run.changed == 0, run.changes()


def nodes(lab: Lab) -> dict[str, str]:
    """The status of every node, as kubectl on the dev box shows it to the config's user."""
    kubectl = "kubectl --kubeconfig ~/pai-deploy/kube/config get nodes --no-headers"
    lines = out(lab, "dev-box", f"su - paiadmin -c '{kubectl}'").splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


def kubelet_process(lab: Lab, host: str) -> str:
    """What changes whenever the kubelet is started again."""
    return out(lab, host, "systemctl show kubelet -p InvocationID --value")


def said(lab: Lab, host: str, shell: str) -> str:
    """What a command in a host says; nothing while the host is down."""
    try:
        return lab.run(host, shell).stdout.strip()
    except LabError:
        return ""


def confirmed(lab: Lab, file: str, *arguments: str) -> None:
    """Run a task that changes nothing without the cluster's name, and with it succeeds."""
    asked = stage(lab, *arguments, file=file)
    assert asked.status != 0 and f"--data confirm={lab.name}" in asked.output, asked.output
    run = stage(lab, *arguments, "--data", f"confirm={lab.name}", file=file)
    assert run.status == 0, run.output


def verification(lab: Lab, *arguments: str, suite: str = "tests/hosts/test_kubernetes.py") -> Run:
    """The finished hosts' suite, as far as it is about Kubernetes."""
    return commands.run(commands.verification(lab, *arguments, suite=suite))


def leave(lab: Lab, host: str) -> None:
    """Take a worker out by hand, as after a reinstallation of its disk."""
    out(lab, MASTER, f"{KUBECTL} delete node {host}")
    out(lab, host, "kubeadm reset -f")
