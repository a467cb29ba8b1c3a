"""Kubernetes on lab hosts, with real binaries: killed runs, changes of worker.csv, reboots, a full disk, lost data."""

from __future__ import annotations

import json

import pytest

from lab.kubernetes import images
from lab.wait import wait_until
from tests.lab import backup_steps
from tests.lab.harness import converged, killed_when, new_lab, out
from tests.lab.kubernetes_stage import (
    FIRST,
    KUBECTL,
    MASTER,
    MINUTES,
    SECOND,
    STAGE,
    THIRD,
    confirmed,
    healthy,
    kubelet_process,
    leave,
    nodes,
    said,
    settled,
    stage,
    verification,
)

PAUSE = f"{images.REPOSITORY}/pause:{images.PAUSE_VERSION}"


@pytest.fixture(scope="module")
def lab():
    """Two bare workers with GPUs."""
    with new_lab("kube", workers=2, kubernetes=True) as made:
        made.configure(ntp_hosts="master")
        yield made


@pytest.fixture(scope="module")
def cluster(lab):
    """The lab with a finished cluster."""
    converged(lab)
    return lab


def test_a_run_killed_during_init_is_finished_by_the_next(lab):
    def initialising() -> bool:
        return lab.run(MASTER, "test -e /etc/kubernetes/manifests/kube-apiserver.yaml").returncode == 0

    killed_when(lab, initialising, timeout=15 * MINUTES)
    converged(lab)
    assert set(nodes(lab).values()) == {"Ready"}
    assert "Using existing ca" not in out(lab, MASTER, "cat /var/log/openpai-deploy/kubeadm-init.log")


def test_a_second_run_changes_nothing(cluster):
    settled(cluster)


def test_the_suite_of_the_finished_hosts_passes(cluster):
    done = verification(cluster)
    assert done.status == 0, done.output


def test_a_lab_on_a_rather_full_disk_evicts_nothing(cluster):
    """The hosts see the machine's disk, which may be fuller than a kubelet's own thresholds, shares of it, allow."""
    configz = out(cluster, MASTER, f"{KUBECTL} get --raw /api/v1/nodes/{FIRST}/proxy/configz")
    kubelet = json.loads(configz)["kubeletconfig"]
    assert not [threshold for threshold in kubelet["evictionHard"].values() if threshold.endswith("%")]
    assert kubelet["imageGCHighThresholdPercent"] == 100


def test_an_init_that_dies_half_way_is_resumed_over_its_own_data(lab):
    run = stage(lab, "--data", f"confirm={lab.name}", file="tasks.kubernetes.reset")
    assert run.status == 0, run.output
    assert lab.run(MASTER, "test -e /etc/kubernetes/admin.conf").returncode != 0

    def half_way() -> bool:
        return (
            lab.run(
                MASTER, "test -e /var/lib/etcd/member && systemctl kill -s KILL openpai-deploy-kubeadm-init"
            ).returncode
            == 0
        )

    killed_when(lab, half_way, file=STAGE)
    wait_until(lambda: lab.run(MASTER, "systemctl is-active openpai-deploy-kubeadm-init").returncode != 0, 30)
    certificate = out(lab, MASTER, "sha256sum /etc/kubernetes/pki/ca.crt")
    healthy(lab)
    assert out(lab, MASTER, "sha256sum /etc/kubernetes/pki/ca.crt") == certificate
    assert set(nodes(lab).values()) == {"Ready"}


def test_a_join_that_is_killed_is_mended(cluster):
    leave(cluster, FIRST)

    def joining() -> bool:
        traces = "test -e /etc/kubernetes/bootstrap-kubelet.conf"
        return cluster.run(FIRST, f"{traces} && systemctl kill -s KILL openpai-deploy-kubeadm-join").returncode == 0

    killed_when(cluster, joining, file=STAGE)
    healthy(cluster)
    assert nodes(cluster)[FIRST] == "Ready"
    assert (
        cluster.run(FIRST, "ls /etc/kubernetes/bootstrap-kubelet.conf /run/openpai-deploy/kubeadm-join.yaml").stdout
        == ""
    )


def test_no_token_outlives_a_join(cluster):
    assert (
        out(cluster, MASTER, "kubeadm --kubeconfig /etc/kubernetes/admin.conf token list | grep -c joins || :") == "0"
    )
    logs = "grep -rlsE '[a-z0-9]{6}\\.[a-z0-9]{16}' /var/log/openpai-deploy /run/openpai-deploy || :"
    assert [out(cluster, host, logs) for host in (MASTER, FIRST, SECOND)] == ["", "", ""]


def test_a_kubelet_that_is_killed_comes_back_and_one_that_is_stopped_is_started(cluster):
    killed = kubelet_process(cluster, FIRST)
    out(cluster, FIRST, "systemctl kill -s KILL kubelet")
    wait_until(lambda: kubelet_process(cluster, FIRST) != killed, 30)
    wait_until(lambda: cluster.run(FIRST, "systemctl is-active -q kubelet").returncode == 0, 30)
    out(cluster, SECOND, "systemctl stop kubelet")
    run = healthy(cluster)
    assert [name for name in run.changes() if "kubelet runs" in name]
    settled(cluster)


def test_a_node_that_was_deleted_registers_again(cluster):
    out(cluster, MASTER, f"{KUBECTL} delete node {SECOND}")
    healthy(cluster)
    assert nodes(cluster)[SECOND] == "Ready"
    assert "pai-worker=true" in out(cluster, MASTER, f"{KUBECTL} get node {SECOND} --show-labels")


def test_a_pod_with_an_address_of_its_nodes_former_range_is_reported_and_goes_on_the_operators_word(cluster):
    pod = {"nodeName": SECOND, "containers": [{"name": "pause", "image": f"{cluster.gateway}:5000/{PAUSE}"}]}
    job = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job"}, "spec": pod}
    applied = cluster.run(MASTER, f"{KUBECTL} apply -f -", stdin=json.dumps(job))
    assert applied.returncode == 0, applied.stderr
    out(cluster, MASTER, f"{KUBECTL} wait --for=condition=Ready --timeout=60s pod/job")
    # As after a slip of the hand and a reboot: the node is back at once, with another range.
    out(cluster, MASTER, f"{KUBECTL} delete node {SECOND}")
    out(cluster, SECOND, "systemctl restart kubelet")
    wait_until(lambda: SECOND in said(cluster, MASTER, f"{KUBECTL} get nodes -o name"), MINUTES, step=0.5)
    run = stage(cluster)
    assert run.status != 0
    assert "nothing reaches 1 pods" in run.output
    assert "default/job" in run.output
    verified = verification(cluster, "-k", "addresses_of_their_nodes")
    assert verified.status == 1
    assert "default/job" in verified.output
    healthy(cluster, "--data", "allow_disruption=yes")
    assert cluster.run(MASTER, f"{KUBECTL} get pod job").returncode != 0
    settled(cluster)


def test_a_rebooted_master_is_a_control_plane_again_by_itself(cluster):
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = out(cluster, MASTER, boot_id)
    cluster.run(MASTER, "systemctl reboot")
    wait_until(lambda: said(cluster, MASTER, boot_id) not in ("", before), 2 * MINUTES)
    wait_until(lambda: said(cluster, MASTER, f"{KUBECTL} get --raw /readyz") == "ok", 5 * MINUTES, step=1)
    statuses = f"{KUBECTL} get nodes --no-headers | tr -s ' ' | cut -d' ' -f2 | sort -u"
    wait_until(lambda: said(cluster, MASTER, statuses) == "Ready", 5 * MINUTES, step=1)
    assert out(cluster, MASTER, "ip route show proto 73 | wc -l") == "2"
    settled(cluster)


def test_an_added_worker_joins_without_touching_the_others(cluster):
    before = [kubelet_process(cluster, host) for host in (MASTER, FIRST, SECOND)]
    cluster.up(workers=3, kubernetes=True)
    run = converged(cluster)
    assert nodes(cluster)[THIRD] == "Ready"
    assert [kubelet_process(cluster, host) for host in (MASTER, FIRST, SECOND)] == before
    assert not [line for line in run.lines(FIRST) if line.endswith("Success")]
    wait_until(lambda: out(cluster, FIRST, "ip route show proto 73 | wc -l") == "3", 60, step=1)


def test_a_removed_worker_leaves_only_when_told_to(cluster):
    rows = cluster.folder / "worker.csv"
    rows.write_text("".join(line for line in rows.read_text().splitlines(keepends=True) if not line.startswith(THIRD)))
    settled(cluster)
    assert nodes(cluster)[THIRD] == "Ready"
    run = stage(cluster, file="tasks.kubernetes.remove_departed")
    assert run.status == 0, run.output
    assert THIRD not in nodes(cluster)
    assert cluster.run(THIRD, "ls /etc/kubernetes/kubelet.conf").returncode != 0
    assert cluster.run(THIRD, "systemctl is-active kubelet").stdout.strip() == "inactive"
    assert THIRD not in (cluster.folder / "deployed.yaml").read_text()
    assert stage(cluster, file="tasks.kubernetes.remove_departed").changed == 0


def test_a_full_disk_is_named(cluster):
    cluster.configure(kubernetes_timeout=20)
    try:
        # The kubelet's folder on a disk of its own, so that only this one is full.
        out(
            cluster,
            SECOND,
            "systemctl stop kubelet && mkdir -p /run/full && mount -t tmpfs -o size=64m none /run/full && "
            "cd /var/lib/kubelet && cp -a config.yaml kubeadm-flags.env pki /run/full/ && "
            "mount --bind /run/full /var/lib/kubelet && "
            "dd if=/dev/zero of=/run/full/full bs=1M count=60 status=none && systemctl start kubelet",
        )
        pressed = (
            f"{KUBECTL} get node {SECOND} -o jsonpath='{{.status.conditions[?(@.type==\"DiskPressure\")].status}}'"
        )
        wait_until(lambda: cluster.run(MASTER, pressed).stdout == "True", 120, step=1)
        run = stage(cluster)
        assert run.status != 0
        assert f"{SECOND} is not Ready: kubelet has disk pressure" in run.output
    finally:
        out(cluster, SECOND, "systemctl stop kubelet; umount -l /var/lib/kubelet /run/full; systemctl start kubelet")
        cluster.configure(kubernetes_timeout=300)
    healthy(cluster)


def test_certificates_are_renewed_before_they_expire_and_put_to_use(cluster):
    before = out(cluster, MASTER, "openssl x509 -noout -serial -in /etc/kubernetes/pki/apiserver.crt")
    cluster.configure(kube_certificate_renewal_days=400)
    run = stage(cluster)
    assert run.status == 0, run.output
    cluster.configure(kube_certificate_renewal_days=60)
    assert out(cluster, MASTER, "openssl x509 -noout -serial -in /etc/kubernetes/pki/apiserver.crt") != before
    served = "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial"
    on_disk = "openssl x509 -noout -serial -in /etc/kubernetes/pki/apiserver.crt"
    assert out(cluster, MASTER, served) == out(cluster, MASTER, on_disk)
    assert set(nodes(cluster).values()) == {"Ready"}
    assert out(cluster, MASTER, "ls /var/backups/openpai-deploy/etcd | grep -c certificates") == "1"
    settled(cluster)


def test_a_backup_brings_back_what_was_there(cluster):
    backup_steps.kill_one(cluster)
    run = healthy(cluster)
    assert [name for name in run.changes() if "There is a backup" in name], "the killed one was none"
    out(cluster, MASTER, f"{KUBECTL} create configmap before")
    assert stage(cluster, file="tasks.kubernetes.snapshot").status == 0
    assert "-manual.db" in out(cluster, MASTER, "ls /var/backups/openpai-deploy/etcd | tail -n 1")
    backup = backup_steps.newest(cluster)
    backup_steps.key_is_here_alone(cluster)
    out(cluster, MASTER, f"{KUBECTL} create configmap after")
    # As after the loss of the master's own copies.
    out(cluster, MASTER, "rm -r /var/backups/openpai-deploy")
    confirmed(cluster, "tasks.kubernetes.restore", "--data", f"snapshot={backup}")
    there = out(cluster, MASTER, f"{KUBECTL} get configmap -o name").split()
    assert "configmap/before" in there and "configmap/after" not in there
    healthy(cluster)
    assert set(nodes(cluster).values()) == {"Ready"}


def test_a_dead_control_plane_is_revived_and_never_initialised_again(cluster):
    certificate = out(cluster, MASTER, "sha256sum /etc/kubernetes/pki/ca.crt")
    gone = "rm /etc/kubernetes/manifests/kube-scheduler.yaml"
    out(cluster, MASTER, f"systemctl stop kubelet && {gone} && docker stop $(docker ps -q)")
    healthy(cluster)
    assert out(cluster, MASTER, "sha256sum /etc/kubernetes/pki/ca.crt") == certificate
    assert set(nodes(cluster).values()) == {"Ready"}


def test_a_control_plane_without_its_data_is_reported_and_left_alone(cluster):
    out(
        cluster,
        MASTER,
        "systemctl stop kubelet && docker stop $(docker ps -q) && mv /var/lib/etcd/member /var/lib/etcd/aside",
    )
    try:
        run = stage(cluster)
        assert run.status != 0
        assert "etcd's data (/var/lib/etcd) is gone" in run.output
        # A kubelet over the empty disk would have etcd begin an empty cluster.
        assert cluster.run(MASTER, "systemctl is-active kubelet").stdout.strip() == "inactive"
        assert cluster.run(MASTER, "test -e /var/lib/etcd/member").returncode != 0
    finally:
        out(cluster, MASTER, "mv /var/lib/etcd/aside /var/lib/etcd/member; systemctl start kubelet")
    healthy(cluster)


def test_a_new_master_from_the_backup_alone(cluster):
    """Nodes come back Ready, their kubelets undisturbed, and a secret that was created before is there."""
    out(cluster, MASTER, f"{KUBECTL} create secret generic kept --from-literal=word=xyzzy")
    assert stage(cluster, file="tasks.kubernetes.snapshot").status == 0
    before = [kubelet_process(cluster, host) for host in (FIRST, SECOND)]
    backup_steps.lose_master(cluster)
    run = stage(cluster)
    assert run.status != 0 and "tasks.kubernetes.restore_master" in run.output
    confirmed(cluster, "tasks.kubernetes.restore_master")
    converged(cluster)
    assert nodes(cluster) == dict.fromkeys((MASTER, FIRST, SECOND), "Ready")
    assert [kubelet_process(cluster, host) for host in (FIRST, SECOND)] == before
    word = "get secret kept -o jsonpath='{.data.word}' | base64 -d"
    assert out(cluster, MASTER, f"{KUBECTL} {word}") == "xyzzy"
    settled(cluster)
    # The workers' looks at their GPUs failed while there was no API; they look again every minute.
    wait_until(lambda: verification(cluster, suite="tests/hosts/test_upkeep.py").status == 0, 3 * MINUTES, step=5)
