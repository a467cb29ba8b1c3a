"""Every fact of the project with arguments that it may be given and an answer that a host gives to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyinfra.api import FactBase, StringCommand

from tasks.apt import facts as apt
from tasks.docker import facts as docker
from tasks.git import facts as git
from tasks.gpu.facts import driver, gpus, health, toolkit
from tasks.kubernetes.facts import backups, certificates, hosts_file, kernel, node, own_name, pod_network, versions
from tasks.kubernetes.facts import cluster as members
from tasks.kubespray import facts as kubespray
from tasks.openpai import facts as openpai
from tasks.preflight import facts as preflight
from tasks.reach import turn
from tasks.ssh import facts as ssh
from tasks.systemd import facts as systemd
from tasks.time import facts as time
from tests.sections import sections

CAPTURED = Path(__file__).parent / "data/snapshots/worker-bookworm.txt"


@dataclass(frozen=True)
class Sample:
    """A fact, its arguments by name, and the lines that a host answers."""

    fact: type[FactBase[Any]]
    answer: list[str]
    arguments: dict[str, Any] = field(default_factory=dict)

    def command(self, **changed: Any) -> str:
        """The shell text that a host is given, with some arguments changed."""
        return StringCommand(self.fact().command(**{**self.arguments, **changed})).get_raw_value()

    def __str__(self) -> str:
        return f"{self.fact.__name__}{'+' * len(self.arguments)}"


def bundled(name: str) -> list[str]:
    """What a captured worker answered to a fact that preflight's snapshot bundles."""
    lines = CAPTURED.read_text().splitlines()
    start = lines.index(f"@@@ {name}") + 1
    return lines[start : next(number for number in range(start, len(lines)) if lines[number].startswith("@@@ "))]


_OPENPAI = """\
Node//openpai-001|||||||||true
Deployment/default/webportal-ds|1|1|1|1|1|openpai/webportal:v1.8.0 |webportal-configuration ||
CronJob/default/cleaner|2|||||openpai/cleaner:v1.8.0 |||
ConfigMap/default/pai-configuration|||||||||"""
_POD = "Pod/default/webportal-ds-5c4-x1|||||||||||webportal-ds-5c4|2026-11-25T19:52:34Z"
_CONFIG = "/home/a/pai-deploy/kube/config"
_DAEMON = {
    "version": "Docker version 20.10.24, build 297e128",
    "unit": "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nInvocationID=abc\n"
    "ExecMainStartTimestampMonotonic=450000000\nExecStart={ path=/usr/bin/dockerd ; argv[]=dockerd -H fd:// }",
    "unread": "",
    "clock": "1000.500000000\n500.50",
    "file": '{"live-restore": true}',
    "ctimes": "/etc/docker/daemon.json 900.25\n/lib/systemd/system/docker.service 800.0",
    "units": "[Service]",
    "info": '{"ServerVersion": "20.10.24", "LiveRestoreEnabled": true, "DockerRootDir": "/var/lib/docker"}',
    "containers": "c0ffee web",
    "stored": "/var/lib/docker/containers/c0ffee",
}
_NODE = {
    "metadata": {"name": "openpai-001", "labels": {"pai-worker": "true"}},
    "spec": {"taints": [{"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "True", "message": "kubelet is posting ready status"}],
        "nodeInfo": {"kubeletVersion": "v1.20.15"},
    },
}
_NODE_STATE = {
    "running": "openpai-deploy-kubeadm-join.service loaded active running sh", "files": "/etc/kubernetes/kubelet.conf",
    "server": "https://10.1.0.1:6443", "rotates": "/etc/kubernetes/kubelet.conf", "api": "node/openpai-001",
}  # fmt: skip

SAMPLES = [
    Sample(
        apt.AptPackages,
        sections(packages="docker-ce hold installed 5:20.10.24~3-0~debian-bookworm\ndocker.io unknown not-installed "),
        {"names": ["docker-ce", "docker.io"]},
    ),
    Sample(
        apt.AptOffers,
        sections(first="http://own", offers=" gcc | 4:12.2.0-3 | http://mirror/debian bookworm/main amd64 Packages"),
        {"names": ["gcc"], "first": ["http://own"]},
    ),
    Sample(apt.AptRemovals, sections(removed="Remv docker.io [20.10.24] [containerd:amd64 ]"), {"names": ["runc"]}),
    Sample(
        apt.AptSources,
        sections(
            arch="amd64",
            lists="/etc/apt/sources.list:1:deb http://m/debian bookworm main",
            origins="m_debian_dists_bookworm_InRelease:Origin: Debian",
        ),
    ),
    Sample(
        apt.KeyFingerprints,
        sections(keys="pub:-:4096:1:8D81803C0EBFCD88:1487788586:::-:\nfpr:::::::::9DC858229FC7DD38854AE2D88D81803C0EBFCD88:"),
        {"path": "/etc/apt/keyrings/docker.asc"},
    ),
    Sample(
        apt.Binaries,
        sections(arch="amd64", sums=f"{'a' * 64}  /usr/local/bin/kubeadm", recorded=f"kubeadm-v1.20.2:{'a' * 64}"),
        {"paths": ["/usr/local/bin/kubeadm"]},
    ),
    Sample(apt.Release, sections(release='ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm')),
    Sample(
        ssh.Ssh,
        sections(
            home="/home/paiadmin", public="ssh-ed25519 AAAA paiadmin@dev-box", authorized="ssh-ed25519 AAAA me",
            known="10.1.0.1 ssh-ed25519 AAAA", sudoers="paiadmin ALL=(ALL) NOPASSWD:ALL", mode="440 root:root",
        ),
        {"user": "paiadmin"},
    ),
    Sample(ssh.Account, sections(name="paiadmin", home="/home/paiadmin")),
    Sample(
        systemd.ServiceState,
        sections(
            unit="LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n"
            "ExecMainStartTimestampMonotonic=5120000",
            clock="1795634101.014726200\n500.50",
            changed="1795634001.0147262",
        ),
        {"unit": "kubelet.service", "files": ["/etc/default/kubelet"]},
    ),
    Sample(systemd.Boot, sections(boot_id="183ed9e8-7eb9-423e", at_work="container containerd-shim\nperson ann")),
    Sample(
        systemd.LosingGpus,
        sections(
            scopes="Id=docker-0a1b2c3d4e5f6789.scope\nControlGroup=/system.slice/docker-0a1b2c3d4e5f6789.scope\n"
            "DevicePolicy=strict\nDeviceAllow=/dev/char/195:0 rwm",
            devices="/system.slice/docker-0a1b2c3d4e5f6789.scope 195:0",
        ),
    ),
    Sample(docker.Docker, bundled("docker")),
    Sample(docker.Logins, sections(found="ours 600 root\nabsent"), {"paths": ["/root/.docker/config.json", "/none"]}),
    Sample(docker.Unowned, sections(unowned="/usr/bin/dockerd"), {"paths": ["/usr/bin/docker", "/usr/bin/dockerd"]}),
    Sample(docker.Docker, sections(**_DAEMON, applied="")),
    Sample(docker.Docker, sections(**_DAEMON, applied='{"invocation": "abc", "config": {}, "units": "c0"}')),
    Sample(docker.DockerApi, sections(served="1.12 1.41")),
    Sample(docker.GroupsOf, sections(groups="paiadmin docker"), {"user": "paiadmin"}),
    Sample(time.Now, sections(now="1764230400")),
    Sample(time.TimeSync, bundled("time_sync")),
    Sample(
        time.TimeSync,
        sections(
            chrony="active",
            tracking="0A070001,10.7.0.1,9,1700000000.1,0.000001,0.0,0.0,0.0,0.0,0.0,0.1,0.2,64.5,Normal",
        ),
    ),
    Sample(time.TimeSync, sections(ntpsec="active", ntpq="leap=00, stratum=9, offset=-0.25\n*10.7.0.1 .LOCL. 8")),
    Sample(
        time.TimeSync,
        sections(
            **{
                "timesyncd": "active",
                "timesync": "LinkNTPServers=10.7.0.2\nServerName=10.7.0.2\nNTPMessage={ Leap=0, Version=4 }",
                "timesync_done": "/run/systemd/timesync/synchronized",
            }
        ),
    ),
    Sample(
        kubespray.Kubespray,
        sections(
            commit="6" * 40, changed=" M cluster.yml", requirements="ansible==2.9.7", pythons="python3 3 11\npython9 ",
            installed="6" * 64, converged="6" * 64, collected="/home/a/pai-deploy/kube/config", running="inactive",
        ),
        {"folder": "/home/paiadmin/pai-deploy", "pythons": ["python3.8", "python3"]},
    ),
    Sample(driver.NvidiaDriver, bundled("nvidia_driver")),
    Sample(git.WorkingCopy, sections(commit="6" * 40, changed=" M cluster.yml"), {"folder": "/home/a/pai-deploy/pai"}),
    Sample(gpus.NvidiaBus, sections(bus="0000:1b:00.0\n0000:2c:00.0")),
    Sample(
        toolkit.NvidiaToolkit,
        sections(version="NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80", rule="", unlinked="195:0"),
        {"rule": "/etc/udev/rules.d/71.rules"},
    ),
    Sample(gpus.NvidiaSmi, bundled("nvidia_smi")),
    Sample(
        health.NvidiaHealth,
        sections(
            gpus="00000000:1B:00.0, 2, Yes, Not Active, Active\n00000000:2C:00.0, [N/A], [N/A], Not Active, Not Active",
            rows="00000000:1B:00.0, Yes, No\n00000000:2C:00.0, No, Yes",
            lanes="0000:1b:00.0 8 16\n0000:2c:00.0 16 16",
            xids="0000:1b:00 94\n0000:1b:00 31",
        ),
    ),
    Sample(certificates.CertificateState, sections(expiring="pki/apiserver.crt", stale="etcd"), {"days": 30}),
    Sample(members.Members, sections(nodes=json.dumps({"items": [_NODE]}, indent=1))),
    Sample(
        members.ManifestDiffers,
        sections(manifest="differs"),
        {"path": "/etc/kubernetes/openpai.yaml", "kept": "daemonset/nvidia-device-plugin"},
    ),
    Sample(members.Unready, sections(workloads="DaemonSet/kube-proxy 3 3\nDeployment/coredns  2")),
    Sample(
        members.StrandedPods,
        sections(
            places="Node|/openpai-001|10.200.2.0/25||||\nPod|default/job||openpai-001||Running|10.200.0.130"
        ),
    ),
    Sample(members.JoinTokens, sections(tokens="bootstrap-token-aaaaaa openpai-001-joins")),
    Sample(
        members.Snapshots,
        sections(sums=f"{'a' * 64}  20261123T120000Z-removal.db"),
        {"folder": "/var/backups/openpai-deploy/etcd"},
    ),
    Sample(
        members.Same,
        sections(same="same"),
        {"edit": ["sed", "-e", "s|a|b|", "--", "/etc/hosts"], "path": "/etc/kubernetes/calico.yaml"},
    ),
    Sample(
        kernel.KernelState,
        sections(
            modules="overlay", sysctls="net.ipv4.ip_forward=1", swaps="/dev/sda2  partition 8388604 0 -2",
            target="masked", services="zramswap.service enabled enabled",
        ),
        {"sysctls": ["net.ipv4.ip_forward"]},
    ),
    Sample(
        node.KubeletLeftovers,
        sections(found="/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"),
        {"unit": "/etc/systemd/system/kubelet.service", "flags": "/etc/default/kubelet"},
    ),
    Sample(node.KubernetesNode, sections(**_NODE_STATE), {"node": "openpai-001"}),
    Sample(
        node.KubernetesNode,
        sections(**_NODE_STATE, ready="ok", missing='... (NotFound): configmaps "cluster-info" not found'),
        {"node": "openpai-master-01", "master": True},
    ),
    Sample(node.ClusterVersion, sections(said='{\n  "gitVersion": "v1.20.15",\n  "goVersion": "go1.15.15"\n}')),
    Sample(
        node.Kubeconfig,
        sections(sum=f"{'a' * 64}  /etc/kubernetes/admin.conf", stat="600 root"),
        {"path": "/etc/kubernetes/admin.conf"},
    ),
    Sample(own_name.OwnName, sections(name="openpai-001", hosts="127.0.1.1 openpai-001", node="")),
    Sample(
        backups.Backups,
        sections(names="20261126T000000Z.age\nnotes", recipient="age1x", current="./20261126T000000Z.age", age="age"),
        {"folder": "/backups"},
    ),
    Sample(backups.Restoring, sections(placing=backups.PLACING)),
    Sample(hosts_file.Hosts, sections(hosts="127.0.0.1 localhost", template="127.0.0.1 localhost")),
    Sample(node.Configured, sections(node="/var/lib/kubelet/config.yaml")),
    Sample(versions.InstalledVersions, sections(kubelet="Kubernetes v1.20.15", images="v1.20.15\nv1.20.15")),
    Sample(
        versions.DeprecatedApis,
        sections(metrics='apiserver_requested_deprecated_apis{group="policy",removed_release="1.25"} 1'),
    ),
    # No node: on one a deploy leaves alone what its other facts call for.
    Sample(turn.IsNode, sections(credentials="")),
    Sample(node.Resolver, sections(resolved="active")),
    Sample(node.WatchedGpus, sections(unit="[Service]\nExecStart=/usr/local/sbin/openpai-gpu-health worker 8\n")),
    Sample(pod_network.CalicoPool, sections(mode="vxlan Never")),
    Sample(pod_network.PodNetworkFaults, sections(faults="no route to the pods of b"), {"node": "openpai-001"}),
    Sample(
        openpai.Hardware,
        sections(
            objects="Node||openpai-001|95|527953240Ki|4||||\nPod|kube-system|x||||||openpai-001|250m, ,70Mi "
        ),
        {"kubeconfig": _CONFIG},
    ),
    Sample(
        openpai.OpenPai,
        sections(
            objects="\n".join([f"{line}|||" for line in _OPENPAI.splitlines()] + [_POD]),
            files=f"{'a' * 64} layout.yaml",
            data=f"openpai-deploy/webportal {'b' * 64}\npai-configuration/layout.yaml {'a' * 64}\n"
            "pai-cluster-id/cluster-id pai",
        ),
        {"kubeconfig": _CONFIG, "folder": "/home/a/pai-deploy/cluster-cfg"},
    ),
    Sample(
        openpai.ServicesNow,
        sections(objects=_OPENPAI),
        {"kubeconfig": _CONFIG, "folder": "/home/a/pai-deploy/cluster-cfg"},
    ),
    Sample(openpai.Pods, sections(pods=json.dumps({"items": [_NODE]})), {"kubeconfig": _CONFIG}),
    Sample(openpai.Note, sections(text="v1.8.0"), {"path": "/home/a/pai-deploy/installed"}),
    Sample(
        openpai.PaictlRun,
        sections(state="running"),
        {"unit": "openpai-deploy-paictl.service", "status": "/home/a/pai-deploy/paictl.status"},
    ),
    Sample(preflight.HostSnapshot, CAPTURED.read_text().splitlines()),
]  # fmt: skip
