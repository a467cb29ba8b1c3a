"""One case for each thing that can be wrong with config.yaml: the lines that say so, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import ClusterError, load
from tests.unit.cluster_folder import CONFIG, C, L, M, W, assert_lines, lines_of, write

BASE = "user: paiadmin\n"
# name of the case -> (config.yaml, beginnings of the lines that check prints)
KEYS: dict[str, tuple[str, list[str]]] = {
    "not YAML": (BASE + "password: a: b\n", [f"{C}:2: column 12: not YAML: mapping values are not allowed"]),
    "tab": (BASE + "\tssh_port: 22\n", [f"{C}:2: column 1: not YAML: found a tab character"]),
    "duplicate key": (
        BASE + "ssh_port: 22\nssh_port: 23\n",
        [f"{C}:3: the key 'ssh_port' stands twice, first on line 2"],
    ),
    "duplicate key below": (
        BASE + "installer: kubespray\nopenpai_kubespray_extra_var:\n  a: 1\n  a: 2\n",
        [f"{C}:5: the key 'a' stands twice, first on line 4; keep one"],
    ),
    "unknown key": (BASE + "sshport: 22\n", [f"{C}:2: unknown key 'sshport'; did you mean ssh_port?"]),
    "hyphens for underscores": (BASE + "ssh-port: 22\n", [f"{C}:2: unknown key 'ssh-port'; did you mean ssh_port?"]),
    "underscore for the hyphen": (
        BASE + "qos_switch: true\n",
        [f"{C}:2: unknown key 'qos_switch'; did you mean qos-switch"],
    ),
    "key like no other": (BASE + "zzz: 1\n", [f"{C}:2: unknown key 'zzz'; docs/config.md lists the keys"]),
    "missing key": ("ssh_port: 22\n", [f"{C}: user: missing; add the line `user: ...`"]),
    "empty file": ("", [f"{C}: user: missing"]),
    "a list": ("- user\n", [f"{C}:1: not a map of keys; write `key: value` lines"]),
    "number for text": (
        BASE + "docker_version: 20.10\n",
        [f"{C}:2: docker_version: expected text, found a number 20.1; put"],
    ),
    "text for number": (
        BASE + "ssh_port: '22'\n",
        [f"{C}:2: ssh_port: expected a whole number, found text '22'; remove"],
    ),
    "text for list": (
        BASE + "ntp_servers: a\n",
        [f"{C}:2: ntp_servers: expected a list, found text 'a'; write [one, two]"],
    ),
    "text for map": (
        BASE + "openpai_kubespray_extra_var: a\n",
        [f"{C}:2: openpai_kubespray_extra_var: expected a map"],
    ),
    "text for boolean": (
        BASE + "docker_check: maybe\n",
        [f"{C}:2: docker_check: expected true or false, found text 'maybe'"],
    ),
    "wrong type in a list": (
        BASE + "ntp_servers:\n  - a\n  - 1\n",
        [f"{C}:4: ntp_servers[2]: expected text, found a number 1; put it in quotes"],
    ),
    "wrong type in a map": (
        BASE + "kubernetes_sha256:\n  kubelet: 12\n",
        [f"{C}:3: kubernetes_sha256.kubelet: expected text, found a number 12; put it in quotes"],
    ),
    "number for the name in a map": (
        BASE + f"kubernetes_sha256:\n  12: {'a' * 64}\n",
        [f"{C}:2: kubernetes_sha256: expected text for a name, found 12; put it in quotes"],
    ),
    "no choice": (
        BASE + "installer: rke\n",
        [f"{C}:2: installer: expected 'kubeadm', 'kubespray' or 'none', found 'rke'"],
    ),
    "out of range": (BASE + "ssh_port: 70000\n", [f"{C}:2: ssh_port: expected 65535 or less, found 70000"]),
    "not a URL": (
        BASE + "kubernetes_mirror: dl\n",
        [f"{C}:2: kubernetes_mirror: expected a URL that begins with http"],
    ),
    "not a network": (
        BASE + "kube_pods_subnet: 10.0.0.1/8\n",
        [f"{C}:2: kube_pods_subnet: expected an IPv4 network such"],
    ),
    "relative path": (BASE + "docker_data_root: data\n", [f"{C}:2: docker_data_root: expected an absolute path"]),
    "registry with scheme": (
        BASE + "openpai_docker_insecure_registries: ['http://a']\n",
        [f"{C}:2: openpai_docker_insecure_registries[1]: expected host, host:port or a network"],
    ),
    "placeholders": (
        "user: <your-ssh-username>\npassword: <your-ssh-password>\n",
        [f"{C}:1: user: the example's placeholder is still there", f"{C}:2: password: the example's placeholder"],
    ),
    "a kind of GPU misspelt": (
        BASE + "gpu_type: nvida\n",
        [f"{C}:2: gpu_type: expected 'nvidia', 'amd', 'enflame' or 'none', found 'nvida'; did you mean nvidia?"],
    ),
    "nobody's own word": (
        BASE + "password: CHANGE-ME\nnvidia_driver_version: your-version\n",
        [f"{C}:2: password: the example's placeholder", f"{C}:3: nvidia_driver_version: the example's placeholder"],
    ),
    "a wrong type hides nothing behind it": (
        BASE + "ssh_port: x\nkube_pods_subnet: 10.0.0.0/8\nnvidia_driver: rnfile\nnvidia_driver_runfile: /a.run\n",
        [
            f"{C}:2: ssh_port: expected a whole number",
            f"{C}:3: kube_pods_subnet 10.0.0.0/8 and kube_service_addresses",
            f"{C}:4: nvidia_driver: expected",
            f"{M}:1: 10.1.0.1 is inside kube_pods_subnet",
            *[f"{W}:{line}: 10.0.0.{line} is inside kube_pods_subnet" for line in (1, 2, 3, 4)],
        ],
    ),
    "placeholder path": (
        BASE + "ssh_key_file_path: /path/to/you/key/file\n",
        [f"{C}:2: ssh_key_file_path: the example's"],
    ),
    "placeholder in a list": (
        BASE + "ntp_servers:\n  - <server>\n",
        [f"{C}:3: ntp_servers: the example's placeholder"],
    ),
    "key file relative": (
        BASE + "ssh_key_file_path: key\n",
        [f"{C}:2: ssh_key_file_path key is relative; write it from /"],
    ),
    "key file missing": (
        BASE + "ssh_key_file_path: /nowhere/key\n",
        [f"{C}:2: ssh_key_file_path /nowhere/key: no such file"],
    ),
    "unreadable tag": (BASE + "ssh_port: !port 22\n", [f"{C}:2: ssh_port: a value that YAML cannot read"]),
    "endless alias": (
        BASE + "openpai_kubespray_extra_var: &a {b: *a}\n",
        [f"{C}:2: column 30: not YAML: an alias that con"],
    ),
    "default admin password": (
        BASE + "openpai_admin_password: admin-password\n",
        [f"{C}:2: openpai_admin_password: expected a password of your own"],
    ),
    "admin password with signs": (
        BASE + "openpai_admin_password: hunter2-hunter2\n",
        [f"{C}:2: openpai_admin_password: expected 6 or more letters and digits, a letter first: OpenPAI's templates"],
    ),
    "admin password that begins with a digit": (
        BASE + "openpai_admin_password: 2hunters\n",
        [f"{C}:2: openpai_admin_password: expected 6 or more letters and digits, a letter first"],
    ),
    "proxy with password": (
        BASE + "http_proxy: http://me:secret@proxy:3128\n",
        [f"{C}:2: http_proxy: expected a URL without user and password"],
    ),
    "versions differ": (
        BASE + "branch_name: pai-1.0.y\ndocker_image_tag: v1.8.0\n",
        [f"{C}:2: branch_name pai-1.0.y and docker_image_tag v1.8.0 are different versions; set docker_image_tag"],
    ),
    "branch without its image tag": (
        BASE + "branch_name: pai-1.8.y\n",
        [f"{C}:2: branch_name pai-1.8.y and docker_image_tag v1.0.0 are different versions; set docker_image_tag"],
    ),
    "no version": (
        BASE + "branch_name: mine\ndocker_image_tag: ours\n",
        [f"{C}:2: branch_name mine and docker_image_tag ours name no version"],
    ),
    "unknown version": (
        BASE + "docker_image_tag: v0.14.0\n",
        [f"{C}:2: OpenPAI v0.14.0 is not one that this software"],
    ),
    "masters of a layout": (
        BASE + "docker_image_tag: v1.8.0\nallow_multiple_masters: true\n",
        [f"{C}:3: OpenPAI v1.8.0 takes exactly one master"],
    ),
    "prompt and password": (
        BASE + "password: secret\nask_password: true\n",
        [f"{C}:3: ask_password and password contradict each other; keep one"],
    ),
    "registry user alone": (
        BASE + "docker_registry_username: me\n",
        [f"{C}:2: docker_registry_username without docker_registry_password; give both or none"],
    ),
    "registry password alone": (
        BASE + "docker_registry_password: secret\n",
        [f"{C}:2: docker_registry_password without docker_registry_username; give both or none"],
    ),
    "networks overlap": (
        BASE + "kube_service_addresses: 10.200.0.0/16\n",
        [f"{C}:2: kube_pods_subnet 10.200.0.0/13 and kube_service_addresses 10.200.0.0/16 overlap"],
    ),
    "network of another installer": (
        BASE + "openpai_kube_network_plugin: weave\n",
        [f"{C}:2: openpai_kube_network_plugin weave is not one that kubeadm installs; choose one of calico, host-gw"],
    ),
    "Kubernetes too new": (
        BASE + "kubernetes_version: v1.30.0\nopenpai: false\n",
        [f"{C}:2: kubernetes_version v1.30.0: not a version"],
    ),
    "runfile without file": (
        BASE + "nvidia_driver: runfile\n",
        [f"{C}:2: nvidia_driver runfile without nvidia_driver_runf"],
    ),
    "runfile without sum": (
        BASE + "nvidia_driver: runfile\nnvidia_driver_runfile: https://files.lan/a.run\n",
        [f"{C}:3: a URL without nvidia_driver_runfile_sha256"],
    ),
    "runfile of another driver": (
        BASE + "nvidia_driver_runfile: /a.run\n",
        [f"{C}:2: nvidia_driver_runfile contradicts nvidia_driver preinstalled"],
    ),
    "branch of another driver": (
        BASE + "nvidia_driver_branch: '535'\n",
        [f"{C}:2: nvidia_driver_branch contradicts nvidia_driver preinstalled"],
    ),
    "cache without account": (
        BASE + "docker_image_tag: v1.8.0\nenable_docker_cache: true\ndocker_cache_storage_backend: azure\n",
        [f"{C}:4: the azure backend without docker_cache_azure_account_name"],
    ),
    "unknown cache": (
        BASE + "docker_image_tag: v1.8.0\nenable_docker_cache: true\ndocker_cache_storage_backend: s3\n",
        [f"{C}:4: unknown backend s3; choose azure or filesystem"],
    ),
    "no range of ports": (
        BASE + "docker_image_tag: v1.1.0\nhost_daemon_port_start: 65535\n",
        [f"{C}:3: the ports 65535 to 65535 are no range"],
    ),
}
WARNINGS: dict[str, tuple[dict[str, str | bytes], list[str]]] = {
    "key that the version ignores": (
        {C: CONFIG + "qos-switch: 'true'\n"},
        [f"{C}:4: warning: qos-switch does nothing: OpenPAI v1.0.1 does not read it (from 1.2 on); remove the line"],
    ),
    "key without value": ({C: CONFIG + "ssh_port:\n"}, [f"{C}:4: warning: ssh_port: no value, so the default counts"]),
    "key of another installer": (
        {C: CONFIG + "hyperkube_download_url: https://files.lan/hyperkube\n"},
        [f"{C}:4: warning: hyperkube_download_url does nothing with installer kubeadm; remove the line"],
    ),
    "key that only kubespray's version ignores": (
        {C: CONFIG.replace("pai-1.0.y", "v1.0.0") + "installer: kubespray\netcd_image_repo: a/b\n"},
        [f"{C}:5: warning: etcd_image_repo does nothing: OpenPAI v1.0.0 does not read it (from 1.0.1 on)"],
    ),
    "key that kubeadm reads for every version": (
        {C: CONFIG.replace("pai-1.0.y", "v1.0.0") + "etcd_image_repo: a/b\n"},
        [],
    ),
    "unknown branch": (
        {C: BASE + f"branch_name: mine\ndocker_image_tag: v1.0.0\nopenpai_commit: {'a' * 40}\n"},
        [f"{C}:2: warning: branch_name mine names no version: taken for v1.0.0"],
    ),
    "cache that is off": (
        {C: BASE + "docker_image_tag: v1.8.0\ndocker_cache_fs_mount_path: /a\n"},
        [f"{C}:3: warning: docker_cache_fs_mount_path does nothing while enable_docker_cache is false; set it to true"],
    ),
    "other GPUs": (
        {C: CONFIG + "gpu_type: amd\n"},
        [f"{C}:4: warning: gpu_type amd with Docker's default runtime nvidia"],
    ),
    "broadcast address": (
        {W: "a,10.0.0.255\n"},
        [f"{W}:1: warning: 10.0.0.255 is the broadcast address of a /24 network"],
    ),
    "layout of an older version": (
        {L: "machine-sku: {}\n"},
        [f"{L}: warning: OpenPAI v1.0.1 does not read it; remove it"],
    ),
    "broken record": (
        {"deployed.yaml": "[]\n"},
        ["deployed.yaml:1: warning: not a record of a deploy: no list `hosts`"],
    ),
    "broken entry": ({"deployed.yaml": "hosts: [{}]\n"}, ["deployed.yaml:1: warning: not a host of a deploy"]),
}


@pytest.mark.parametrize("case", KEYS)
def test_config(case: str, tmp_path: Path) -> None:
    text, expected = KEYS[case]
    found = lines_of(write(tmp_path, {C: text}))
    assert_lines(found, expected)
    assert "secret" not in "".join(found)
    with pytest.raises(ClusterError):
        load(tmp_path)


@pytest.mark.parametrize("case", WARNINGS)
def test_warnings_do_not_keep_a_folder_from_use(case: str, tmp_path: Path) -> None:
    files, expected = WARNINGS[case]
    assert_lines(lines_of(write(tmp_path, files)), expected)
    assert load(tmp_path).masters
