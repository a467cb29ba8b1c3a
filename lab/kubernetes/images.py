"""What the images of the lab's Kubernetes consist of."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.kubernetes.compile import VERSION
from lab.kubernetes.debian import Downloads
from lab.oci import Image
from lab.shell import run

REPOSITORY = "google_containers"
PAUSE_VERSION = "3.2"
ETCD_TAG = "3.4.13-0"
"""What kubeadm v1.20.2 asks for; inside is Debian's 3.4."""
COREDNS_TAG = "1.7.0"
DEVICE_PLUGIN = "nvidia/k8s-device-plugin:v0.14.5"
HOST_DEVICE_PLUGIN = "everpeace/k8s-host-device-plugin:latest"

BASE_PACKAGES = ["busybox-static", "libc6"]
ETCD_PACKAGES = ["etcd-server", "etcd-client"]
PROXY_PACKAGES = [
    *("iptables", "conntrack", "libxtables12", "libip4tc2", "libip6tc2", "libnftnl11", "libmnl0", "libnfnetlink0"),
    *("libnetfilter-conntrack3",),
]
PACKAGES = BASE_PACKAGES + ETCD_PACKAGES + PROXY_PACKAGES
UNWANTED = ["usr/share", "etc/init.d", "etc/default", "lib/systemd"]


def build(downloads: Downloads, programs: Path, work: Path) -> list[Image]:
    """Fill a directory for each layer under `work` and say which image has which; `programs` holds the binaries."""
    base = _packages(downloads, work / "base", *BASE_PACKAGES)
    run("chroot", base, "/bin/busybox", "--install", "-s", "/bin")
    (base / "tmp").mkdir(mode=0o1777)
    (base / "etc").mkdir(exist_ok=True)
    (base / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    (base / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")

    iptables = _packages(downloads, work / "iptables", *PROXY_PACKAGES)
    for family in ("iptables", "ip6tables"):
        for tool in (family, f"{family}-save", f"{family}-restore"):
            # What Debian's alternatives choose on the hosts, whose rules these must go along with.
            (iptables / "usr/sbin" / tool).symlink_to("xtables-nft-multi")
    etcd = _packages(downloads, work / "etcd", *ETCD_PACKAGES)

    def program(name: str, path: str) -> Path:
        layer = work / name
        (layer / path).parent.mkdir(parents=True)
        shutil.copy(programs / name, layer / path)
        return layer

    def kubernetes(name: str, *below: Path) -> Image:
        return Image(f"{REPOSITORY}/{name}:{VERSION}", [*below, program(name, f"usr/local/bin/{name}")])

    plugin = program("device-plugin", "usr/bin/nvidia-device-plugin")
    host_plugin = program("host-device-plugin", "usr/bin/k8s-host-device-plugin")
    return [
        kubernetes("kube-apiserver"),
        kubernetes("kube-controller-manager"),
        kubernetes("kube-scheduler"),
        kubernetes("kube-proxy", base, iptables),
        Image(f"{REPOSITORY}/pause:{PAUSE_VERSION}", [program("pause", "pause")], ["/pause"]),
        Image(f"{REPOSITORY}/etcd:{ETCD_TAG}", [base, etcd], env={"ETCDCTL_API": "3"}),
        Image(f"{REPOSITORY}/coredns:{COREDNS_TAG}", [program("coredns", "coredns")], ["/coredns"]),
        # The runtime reads these from the real image too: they are how the plugin comes to see the node's GPUs.
        Image(
            DEVICE_PLUGIN,
            [base, plugin],
            ["nvidia-device-plugin"],
            {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "utility"},
        ),
        Image(HOST_DEVICE_PLUGIN, [base, host_plugin], ["k8s-host-device-plugin"]),
    ]


def _packages(downloads: Downloads, layer: Path, *names: str) -> Path:
    downloads.unpack(layer, list(names))
    for path in UNWANTED:
        shutil.rmtree(layer / path, ignore_errors=True)
    return layer
