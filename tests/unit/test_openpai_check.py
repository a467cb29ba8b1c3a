"""What `check` says of the keys of OpenPAI's services."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Config
from cluster.kubernetes import minor_version
from tests.unit.cluster_folder import C, assert_lines, lines_of, write


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("", []),
        ("branch_name: pai-1.8.y\ndocker_image_tag: v1.8.0\nopenpai_services: [grafana, pylon]\n", []),
        (
            "openpai_services: [grafana, database-controller]\n",
            [f"{C}:2: openpai_services: OpenPAI v1.0.1 has no service database-controller that is started"],
        ),
        ("openpai_services: []\n", [f"{C}:2: openpai_services names no service; name one, or set openpai: false"]),
        (
            "branch_name: pai-1.8.y\ndocker_image_tag: v1.8.0\nopenpai_services: [docker-cache, storage-manager]\n",
            [
                f"{C}:4: openpai_services: docker-cache is off; set enable_docker_cache: true, or leave it out",
                f"{C}:4: openpai_services: storage-manager is off; give a machine pai-storage",
            ],
        ),
        (
            "openpai_services: most\n",
            [f"{C}:2: openpai_services: expected all, essential or a list of names"],
        ),
        (
            "kubernetes_version: v1.21.14\n",
            [
                f"{C}:2: Kubernetes v1.21.14 cannot run OpenPAI v1.0.1: its paictl sends export=true, which Kubernetes "
                "1.21 removed; use v1.20.x, as v1.20.15, or set openpai: false"
            ],
        ),
        ("kubernetes_version: v1.21.14\nopenpai: false\n", []),
        ("kubernetes_version: v1.21.14\ninstaller: none\n", []),
        (
            "installer: kubespray\nopenpai_kubespray_extra_var: {kube_version: v1.22.17}\n",
            [f"{C}:3: Kubernetes v1.22.17 cannot run OpenPAI v1.0.1"],
        ),
        ("installer: kubespray\n", []),
        (
            f"installer: kubespray\nkubespray_commit: {'a' * 40}\n",
            [f"{C}:3: warning: which Kubernetes this kubespray installs is not known here; OpenPAI v1.0.1"],
        ),
        (
            "branch_name: my-branch\ndocker_image_tag: v1.8.0\n",
            [
                f"{C}:2: warning: branch_name my-branch names no version",
                f"{C}:2: no commit of OpenPAI's source is known for my-branch; set openpai_commit",
            ],
        ),
        ("openpai_commit: abc\n", [f"{C}:2: openpai_commit: expected the 40 hexadecimal digits of a commit"]),
        ("paictl_python: python2\n", [f"{C}:2: warning: paictl_python does nothing with paictl container"]),
        ("paictl: python2\npaictl_image: a/b:c\n", [f"{C}:3: warning: paictl_image does nothing with paictl python2"]),
        ("openpai_azure: true\n", [f"{C}:2: Azure's network does not carry calico's pods; set installer: kubespray"]),
        (
            "worker_default_docker_runtime: runc\n",
            [f"{C}:2: jobs get no GPU: HiveD gives them by Docker's default runtime, and on workers that is runc; set"],
        ),
        ("worker_default_docker_runtime: runc\ngpu_type: amd\n", []),
        ("worker_default_docker_runtime: runc\ndocker_image_tag: v1.8.0\nenable_hived_scheduler: false\n", []),
        ("openpai_azure: true\nopenpai_kube_network_plugin: host-gw\n", []),
        (
            "openpai_image_replacements: {gcr.io/: reg/}\n",
            [f"{C}:2: warning: openpai_image_replacements: no image of a fixed name begins with gcr.io/; use the"],
        ),
        (
            "openpai: false\nfirst_job_timeout: 5\n",
            [f"{C}:3: warning: first_job_timeout does nothing while openpai is false; set it to true"],
        ),
    ],
)
def test_check_says_what_keeps_services_from_running(tmp_path: Path, keys: str, expected: list[str]) -> None:
    assert_lines(lines_of(write(tmp_path / "prod", {C: f"user: paiadmin\n{keys}"})), expected)


def test_the_default_config_can_run_openpai(tmp_path: Path) -> None:
    assert minor_version(Config(user="a").kubernetes_version) == 20
