"""What hosts bring along that would speak in Kubernetes' place: proxies of every login, and another kubelet's files."""

from __future__ import annotations

import pytest

from tests.lab.docker_host import write
from tests.lab.harness import new_lab, out, pyinfra

WORKER = "openpai-001"
PROXY = "http://proxy.example.com:3128"
ETC, LIB = "/etc/systemd/system/kubelet.service.d", "/lib/systemd/system/kubelet.service.d"
# As the packages of kubeadm have it, in the one place and in the other.
KUBEADM = '[Service]\nEnvironment="ARGS=--foreign"\nExecStart=\nExecStart=/usr/bin/sleep 7777\n'


@pytest.fixture(scope="module")
def lab():
    """One worker whose logins have a proxy, and on which another kubelet was."""
    with new_lab("kpast", workers=1, pasts={WORKER: "proxies+old-kubelet"}) as made:
        out(made, WORKER, "mkdir /etc/kubernetes")
        yield made


def test_kubectl_is_not_given_the_proxies_that_every_login_has(lab):
    pyinfra(lab, "--limit", WORKER, "--", "env >/root/login.env", file="exec")
    assert f"HTTPS_PROXY={PROXY}" in out(lab, WORKER, "cat /root/login.env"), "the proxies were to reach what we run"
    shim = '#!/bin/sh\nenv >/root/kubectl.env\necho \'{"gitVersion": "v1.20.2"}\'\n'
    write(lab, WORKER, "/usr/local/bin/kubectl", shim)
    out(lab, WORKER, "chmod 755 /usr/local/bin/kubectl; touch /etc/kubernetes/kubelet.conf")
    asked = pyinfra(lab, "--limit", WORKER, "tasks.kubernetes.facts.node.ClusterVersion", file="fact")
    assert "v1.20.2" in asked.output, asked.output
    assert "PATH=" in (given := out(lab, WORKER, "cat /root/kubectl.env")) and PROXY not in given


def _kubelet(lab):
    run = pyinfra(lab, "-y", "--limit", WORKER, file="tasks.kubernetes.deploy.node._kubelet")
    assert run.status == 0, run.output
    return run


def test_another_kubelets_files_are_put_aside_and_ours_is_what_runs(lab):
    # A kubelet that does nothing, and a node as kubeadm leaves it: so that the unit is started.
    write(lab, WORKER, "/usr/local/bin/kubelet", "#!/bin/sh\nexec sleep 8888\n")
    out(lab, WORKER, "chmod 755 /usr/local/bin/kubelet; mkdir -p /var/lib/kubelet; touch /var/lib/kubelet/config.yaml")
    _kubelet(lab)
    # The first is the link to /dev/null that hides the package's.
    drop_ins = out(lab, WORKER, "systemctl show kubelet -p DropInPaths --value")
    assert drop_ins == f"{ETC}/20-foreign.conf {ETC}/90-limits.conf"
    assert out(lab, WORKER, f"readlink {ETC}/20-foreign.conf") == "/dev/null"
    assert "sleep 8888" in out(
        lab, WORKER, "cat /proc/$(systemctl show kubelet -p MainPID --value)/cmdline | tr '\\0' ' '"
    )
    assert out(lab, WORKER, f"cat {ETC}/10-kubeadm.conf.openpai.disabled") == KUBEADM.strip()
    assert out(lab, WORKER, f"cat {LIB}/20-foreign.conf") == KUBEADM.strip()
    assert out(lab, WORKER, "cat /etc/default/kubelet.openpai.disabled") == "KUBELET_EXTRA_ARGS=--theirs"
    assert _kubelet(lab).changed == 0


def test_a_drop_in_that_comes_later_is_put_aside_as_well_and_the_kubelet_restarted(lab):
    before = out(lab, WORKER, "systemctl show kubelet -p InvocationID")
    write(lab, WORKER, f"{ETC}/10-kubeadm.conf", KUBEADM)
    out(lab, WORKER, "systemctl daemon-reload")
    _kubelet(lab)
    assert out(lab, WORKER, "systemctl show kubelet -p InvocationID") != before
    assert out(lab, WORKER, f"ls {ETC}").split() == [
        "10-kubeadm.conf.openpai.disabled", "10-kubeadm.conf.openpai.disabled.~1~", "20-foreign.conf", "90-limits.conf"
    ]  # fmt: skip
    assert _kubelet(lab).changed == 0
