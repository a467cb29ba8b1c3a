"""The plan of the Kubernetes stage, the order in which hosts meet, and what never leaves the master in the open."""

import json
import re

import pytest
from pyinfra import host, logger

from tasks import kubernetes
from tasks.kubernetes.facts.node import (
    ADMIN_CONF,
    BOOTSTRAP_CONF,
    CA,
    ETCD_DATA,
    JOIN_CONFIG,
    KUBELET_CONF,
    KUBELET_CONFIG,
    MANIFESTS,
)
from tasks.kubernetes.operations import folder_record, nodes
from tasks.reach.context import cluster_of
from tests.plan.conftest import planned
from tests.sections import sections

DEV_BOX, MASTER, WORKER = "@fake/dev-box", "@fake/openpai-master-01", "@fake/openpai-001"
NODE_FACT = "list-units --plain"
TOKEN = "abcdef.0123456789abcdef"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
FINISHED = [ADMIN_CONF, KUBELET_CONF, CA, ETCD_DATA, KUBELET_CONFIG, *(f"{MANIFESTS}/{c}.yaml" for c in COMPONENTS)]


def node(**texts):
    empty = dict.fromkeys(("running", "files", "server", "rotates", "api"), "")
    return sections(**(empty | texts))


def master_node(**texts):
    up = {
        "files": "\n".join(FINISHED), "server": "https://10.1.0.1:6443", "rotates": KUBELET_CONF, "ready": "ok",
        "missing": "configmap/kubeadm-config\ndaemonset.apps/kube-proxy\ndeployment.apps/coredns",
    }  # fmt: skip
    return node(**(up | texts))


def deployed_before(folder, *names):
    hosts = [{"name": name, "address": f"10.0.0.{int(name[-3:])}", "role": "worker"} for name in names]
    record = folder / "deployed.yaml"
    record.write_text(json.dumps({"hosts": hosts}))
    record.chmod(0o600)
    return record


def titles(names):
    return [name.rpartition(" | ")[2] for name in names]


def test_a_bare_cluster_gets_everything_once_in_order(host_gw):
    with planned(host_gw, kubernetes.install) as plan:
        master, worker, dev_box = (titles(plan.operations(host)) for host in (MASTER, WORKER, DEV_BOX))
    assert master.index("kubelet at its version") < master.index("The control plane is up")
    assert "The worker is a member" in worker
    assert "The control plane is up" not in worker
    first = ["Images are pulled meanwhile", "kubectl at its version", "Kubeconfig in ~/pai-deploy/kube/config"]
    assert dev_box[:3] == first


def test_without_an_installer_nothing_is_done(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write("installer: none\n")
    with planned(folder, kubernetes.install) as plan:
        assert not [host for host in (MASTER, WORKER, DEV_BOX) if plan.all_operations(host)]


def test_kubespray_runs_on_the_dev_box_and_the_master_is_equipped_after_it(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write("installer: kubespray\n")
    with planned(folder, kubernetes.install) as plan:
        order = titles(sorted(plan.state.op_meta[op].names)[0] for op in plan.state.get_op_order())
        assert "The worker is a member" not in titles(plan.all_operations(WORKER))
        assert not [title for title in titles(plan.all_operations(MASTER)) if "control plane" in title]
    steps = ["kubespray at its commit", "cluster.yml has run for this inventory", "Every node is Ready"]
    assert [title for title in order if title in steps] == steps


def test_calico_is_applied_by_the_master_alone(folder):
    with planned(folder, kubernetes.install) as plan:
        assert "Calico" in titles(plan.operations(MASTER))
        assert not [title for title in titles(plan.all_operations(WORKER)) if "Pod network" in title]


def test_a_finished_control_plane_and_its_workers_are_left_alone(host_gw):
    worker = node(files=f"{KUBELET_CONF}\n{CA}", server="https://10.1.0.1:6443", api="node/x")
    answers = {f"openpai-{n:03d}": {NODE_FACT: worker} for n in range(1, 5)}
    with planned(host_gw, kubernetes.install, {"openpai-master-01": {NODE_FACT: master_node()}, **answers}) as plan:
        assert "The control plane is up" not in titles(plan.operations(MASTER))
        assert "The worker is a member" not in titles(plan.operations(WORKER))


def test_another_version_is_refused_before_anything_is_replaced(host_gw, caplog):
    answers = {
        name: {"get --raw /version": sections(said='  "gitVersion": "v1.20.2",')}
        for name in ("openpai-master-01", "openpai-001")
    }
    with planned(host_gw, kubernetes.install, answers) as plan:
        plan.run()
        said = [*plan.commands(MASTER), *plan.commands(WORKER)]
    assert "the cluster runs v1.20.2, the config asks for v1.20.15" in caplog.text
    assert not [command for command in said if "download-file" in command or "kubeadm init" in command]


def test_a_control_plane_without_its_data_and_another_clusters_node_are_refused_before_their_kubelet_is_touched(
    host_gw, caplog
):
    """A kubelet started over an emptied etcd begins an empty cluster."""
    without_data = "\n".join(file for file in FINISHED if file != ETCD_DATA)
    answers = {
        "openpai-master-01": {NODE_FACT: master_node(files=without_data, ready="")},
        "openpai-001": {NODE_FACT: node(files=KUBELET_CONF, server="https://10.9.9.9:6443")},
    }
    with planned(host_gw, kubernetes.install, answers) as plan:
        firsts = [titles(plan.operations(name))[0] for name in (MASTER, WORKER)]
        plan.run()
    assert firsts == ["What Kubernetes is here may be gone on with"] * 2
    assert "etcd's data (/var/lib/etcd) is gone" in caplog.text
    assert "belongs to another cluster, 10.9.9.9:6443" in caplog.text


def test_a_killed_init_is_resumed_and_never_starts_over(host_gw):
    half = node(files="\n".join([ADMIN_CONF, CA, ETCD_DATA]), server="https://10.1.0.1:6443")
    with planned(host_gw, kubernetes.bring_up, {"openpai-master-01": {NODE_FACT: half}}) as plan:
        plan.run()
        (init,) = [command for command in plan.commands(MASTER) if "kubeadm init --config" in command]
        assert not [command for command in plan.commands(MASTER) if "kubeadm reset" in command]
    assert "--ignore-preflight-errors=DirAvailable--var-lib-etcd" in init
    assert "--skip-token-print" in init


def test_an_init_left_running_by_a_killed_run_is_awaited_first(host_gw):
    busy = node(running="openpai-deploy-kubeadm-init.service loaded active running", files=CA)
    with planned(host_gw, kubernetes.bring_up, {"openpai-master-01": {NODE_FACT: busy}}) as plan:
        plan.run()
        said = plan.commands(MASTER)
    wait = next(i for i, command in enumerate(said) if "is-active -q openpai-deploy-kubeadm-init" in command)
    init = next(i for i, command in enumerate(said) if "kubeadm init --config" in command)
    assert wait < init


def test_the_token_is_in_no_command_and_no_log(host_gw, monkeypatch, caplog):
    certificate = (
        "-----BEGIN CERTIFICATE-----\n"
        "MIIBcjCCARmgAwIBAgIUG2pYf8sVf0v3tm9dJx1OQ6Gq9Z0wCgYIKoZIzj0EAwIw\n"
        "-----END CERTIFICATE-----"
    )
    monkeypatch.setattr("tasks.kubernetes.operations.membership.ca_hash", lambda pem: "f" * 64)
    answers = {"kubeadm --kubeconfig": [TOKEN], f"cat {CA}": certificate.splitlines()}
    caplog.set_level("DEBUG", logger.name)
    with planned(host_gw, kubernetes.join, {"openpai-master-01": answers}) as plan:
        plan.run()
        master, worker = plan.commands(MASTER), plan.commands(WORKER)
    assert [command for command in worker if "kubeadm join --config /run/openpai-deploy/kubeadm-join.yaml" in command]
    assert "rm -f /etc/cni/net.d/10-openpai.conflist" in worker, "pods must wait for the node's new range of addresses"
    assert [command for command in master if "token create --ttl 15m" in command]
    # kubeadm itself looks for it every five seconds.
    assert [command for command in master if "cluster-info" in command and "jws-kubeconfig-abcdef}" in command]
    assert [command for command in master if "token delete abcdef" in command]
    assert TOKEN.partition(".")[2] not in "\n".join([*master, *worker]) + caplog.text


@pytest.mark.parametrize(
    ("api", "registers"),
    [("node/openpai-001", False), ('Error from server (NotFound): nodes "openpai-001" not found', True)],
)
def test_what_a_killed_join_left_goes_whether_or_not_the_node_is_known_yet(host_gw, api, registers):
    left = [KUBELET_CONF, BOOTSTRAP_CONF, JOIN_CONFIG]
    killed = node(files="\n".join(left), server="https://10.1.0.1:6443", api=api)
    with planned(host_gw, kubernetes.join, {"openpai-001": {NODE_FACT: killed}}) as plan:
        plan.run()
        said = plan.commands(WORKER)
    assert f"rm -f {BOOTSTRAP_CONF} {JOIN_CONFIG}" in said
    assert any("systemctl restart kubelet.service" in command for command in said) is registers
    assert not [command for command in said if "kubeadm join" in command]


@pytest.mark.parametrize(
    ("offers", "restarted"), [("", True), (" cpu=8 nvidia.com/gpu=1", True), (" nvidia.com/gpu=2", False)]
)
def test_a_device_plugin_that_missed_a_gpu_is_restarted(host_gw, offers, restarted):
    answers = {
        NODE_FACT: node(files=f"{KUBELET_CONF}\n{CA}", server="https://10.1.0.1:6443", api=f"node/openpai-001{offers}"),
        "/sys/bus/pci/devices": sections(bus="0000:01:00.0\n0000:02:00.0"),
    }
    with planned(host_gw, kubernetes.install, {"openpai-001": answers}) as plan:
        assert ("Every GPU is advertised" in titles(plan.operations(WORKER))) is restarted


def test_gpus_of_an_unknown_vendor_are_nobodys_business(host_gw):
    with (host_gw / "config.yaml").open("a") as config:
        config.write("gpu_type: amd\n")
    with planned(host_gw, kubernetes.install) as plan:
        names = titles([*plan.all_operations(MASTER), *plan.all_operations(WORKER)])
    assert "Every node is Ready" in names
    assert not [name for name in names if "device plugin" in name or "GPU" in name]


@pytest.mark.parametrize(("forced", "deleted"), [("no", ["old"]), ("yes", ["job", "old"])])
def test_pods_that_nothing_reaches_are_made_anew_but_for_jobs(host_gw, caplog, forced, deleted):
    """A node that was deleted and registers again has another range; its pods keep the addresses of the former one."""
    places = [
        "Node|/openpai-001|10.200.2.0/25||||",
        "Pod|default/job||openpai-001||Running|10.200.0.130",
        "Pod|kube-system/old||openpai-001||Running|10.200.0.131",
    ]
    answers = {"openpai-master-01": {"section places": sections(places="\n".join(places))}}

    def readdress():
        if host.data.role == "master":
            nodes.readdressed(name="Pods", forced=forced == "yes", timeout=300)

    with planned(host_gw, readdress, answers) as plan:
        plan.run()
        said = [command for command in plan.commands(MASTER) if "delete pod" in command]
    assert sorted(re.findall(r"--timeout=300s -n \S+ (\S+)", command)[0] for command in said) == deleted
    assert ("nothing reaches 1 pods" in caplog.text and "default/job" in caplog.text) is (forced == "no")


def test_the_whole_is_reset_only_by_its_name(host_gw, caplog):
    answers = {"openpai-master-01": {NODE_FACT: master_node()}}
    with planned(host_gw, kubernetes.reset, answers) as plan:
        plan.run()
        assert not [command for command in plan.commands(MASTER) if "kubeadm reset" in command]
    assert "--data confirm=plan" in caplog.text


def test_the_hosts_are_recorded_once(host_gw):
    def record():
        folder_record.hosts_recorded(name="The record", cluster=cluster_of(host))

    with planned(host_gw, record) as plan:
        assert plan.operations(MASTER) == ["The record"]
        plan.run()
    assert "openpai-004" in (host_gw / "deployed.yaml").read_text()
    with planned(host_gw, record) as plan:
        assert plan.operations(MASTER) == []


@pytest.mark.parametrize("task", ["remove_departed", "renew_certificates", "reset", "restore", "snapshot"])
@pytest.mark.parametrize(("installer", "instead"), [("kubespray", "remove-node.yml"), ("none", "installer: none")])
def test_a_cluster_of_another_installer_is_not_changed_by_kubeadms_means(folder, caplog, task, installer, instead):
    with (folder / "config.yaml").open("a") as config:
        config.write(f"installer: {installer}\n")
    deployed_before(folder, "openpai-001", "openpai-009")
    with planned(folder, getattr(kubernetes, task)) as plan:
        plan.run()
        assert plan.commands(MASTER) == plan.commands(WORKER) == []
        assert plan.state.failed_hosts
    assert instead in caplog.text


def test_each_nodes_pods_have_the_name_servers_of_their_own_node(folder, monkeypatch):
    """kubeadm gives every node the master's file, which a node without systemd-resolved does not have."""
    written: dict[str, dict[str, str]] = {}

    def put(name, content, dest, **more):
        written.setdefault(dest, {})[host.name] = content

    monkeypatch.setattr("tasks.kubernetes.deploy.node.put", put)
    resolved = {"openpai-001": {"is-active systemd-resolved": sections(resolved="active")}}
    with planned(folder, kubernetes.install, resolved):
        flags = written["/etc/default/kubelet"]
        assert "--resolv-conf=/run/systemd/resolve/resolv.conf" in flags["@fake/openpai-001"]
        assert "--resolv-conf=/etc/resolv.conf" in flags["@fake/openpai-002"]
