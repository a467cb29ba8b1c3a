"""What we render against what upstream's unmodified generators rendered from the same input (tests/data/golden).

Compared cell by cell after YAML is read. Every difference that is allowed is listed in ALLOWED, with the reason.
Upstream's third file, pre-check.yml, has no counterpart: preflight reads the cluster folder itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import load, secrets
from cluster.loader import inspect
from cluster.openpai import kubespray_files, openpai_files, parse_resources
from tests.unit.cluster_folder import GOLDEN, assert_lines, write

INPUTS = GOLDEN / "inputs-1.0"
V18 = GOLDEN / "v1.8.0" / "example"
Cells = dict[tuple[str | int, ...], Any]
# file -> [(path of a cell, upstream's value, ours)], all as regular expressions; "absent" is no such cell.
ALLOWED = {
    "hosts.yml": [
        # Login is by key; no password stands in a file.
        (r"all/hosts/[^/]+/ansible_(ssh|become)_pass", r".*", r"absent"),
        (r"all/hosts/[^/]+/ansible_ssh_private_key_file", r"absent", r"/.*/id_ed25519"),
        # Host keys are pinned in the cluster folder.
        (
            r"all/hosts/[^/]+/ansible_ssh_extra_args",
            r"-o StrictHostKeyChecking=no",
            r"-o StrictHostKeyChecking=yes -o UserKnownHostsFile=/.*/known_hosts",
        ),
        # A mapping, where upstream's template lacks a colon.
        (r"all/children/kube-master/hosts", r"[a-z0-9-]+", r"absent"),
        (r"all/children/kube-master/hosts/[a-z0-9-]+", r"absent", r"None"),
    ],
    "openpai.yml": [],
    "layout.yaml": [],
    "services-configuration.yaml": [
        # Nothing that everyone can read in OpenPAI's source protects the services.
        (r"rest-server/default-pai-admin-password", r"admin-password", r"s[0-9a-f]{32}"),
        (r"rest-server/jwt-secret", r"absent", r"s[0-9a-f]{32}"),
        (r"postgresql/passwd", r"absent", r"s[0-9a-f]{32}"),
        # Upstream's template leaves its filter behind as text in v1.2.0 to v1.4.1.
        (r"cluster/common/qos-switch", r"true \| default\('false'\) ", r"true"),
        (r"log-manager/(admin_password|jwt_secret)", r"absent", r"s[0-9a-f]{32}"),
        (r"(marketplace-db/passwd|storage-manager/smbpwd)", r"absent", r"s[0-9a-f]{32}"),
        # Where kubeadm's certificates are; OpenPAI's default is the folder of kubespray's clusters.
        (r"alert-manager/cert-expiration-checker/cert-path", r"absent", r"/etc/kubernetes/pki"),
    ],
}


def cells(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every scalar, and every empty list and map, with its path."""
    if isinstance(value, dict | list) and value:
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from cells(child, (*path, key))
    else:
        yield path, value


def differences(name: str, upstream: str, ours: str) -> list[str]:
    """Cells that differ in value or type and are not allowed to."""
    theirs: Cells = dict(cells(yaml.safe_load(upstream)))
    mine: Cells = dict(cells(yaml.safe_load(ours)))
    found = []
    for path in sorted({*theirs, *mine}, key=str):
        one, other = theirs.get(path, "absent"), mine.get(path, "absent")
        if one == other and type(one) is type(other):
            continue
        texts = ("/".join(map(str, path)), str(one), str(other))
        if not any(
            all(re.fullmatch(pattern, text, re.DOTALL) for pattern, text in zip(allowed, texts, strict=True))
            for allowed in ALLOWED[name]
        ):
            found.append(f"{texts[0]}: upstream {one!r}, ours {other!r}")
    return found


def folder(path: Path, master: str = "master.csv", config: str | None = None) -> Path:
    text = config or (INPUTS / "config").read_text()
    files: dict[str, str | bytes] = {
        "master.csv": (INPUTS / master).read_bytes(),
        "worker.csv": (INPUTS / "worker.csv").read_bytes(),
        "config.yaml": text,
    }
    return write(path, files)


def v18_folder(path: Path) -> Path:
    """OpenPAI v1.8.0's own example: one master and two workers with four K80s each."""
    layout = {
        "machine-sku": {
            "master-machine": {"mem": "60Gi", "cpu": {"vcore": 24}},
            "gpu-machine": {
                "computing-device": {"type": "nvidia.com/gpu", "model": "K80", "count": 4},
                "mem": "220Gi",
                "cpu": {"vcore": 24},
            },
        },
        "machine-list": [
            {"hostname": "pai-master", "hostip": "10.0.0.1", "machine-type": "master-machine", "pai-master": "true"},
            {"hostname": "pai-worker1", "hostip": "10.0.0.2", "machine-type": "gpu-machine", "pai-worker": "true"},
            {"hostname": "pai-worker2", "hostip": "10.0.0.3", "machine-type": "gpu-machine", "pai-worker": "true"},
        ],
    }
    files: dict[str, str | bytes] = {
        "master.csv": "pai-master,10.0.0.1\n",
        "worker.csv": "pai-worker1,10.0.0.2\npai-worker2,10.0.0.3\n",
        "config.yaml": "user: forexample\npassword: forexample\ndocker_image_tag: v1.8.0\n",
        "layout.yaml": yaml.safe_dump(layout, sort_keys=False),
    }
    return write(path, files)


@pytest.mark.parametrize("name", ["hosts.yml", "openpai.yml"])
@pytest.mark.parametrize(("case", "master"), [("filled", "master.csv"), ("ha", "master.ha.csv")])
def test_kubespray(case: str, master: str, name: str, tmp_path: Path) -> None:
    config = (INPUTS / "config").read_text()
    if case == "ha":
        config += "allow_multiple_masters: true\ninstaller: kubespray\n"
    cluster = load(folder(tmp_path, master, config))
    upstream = (GOLDEN / "pai-1.0.y" / case / name).read_text()
    assert differences(name, upstream, kubespray_files(cluster).files[name]) == []


@pytest.mark.parametrize("name", ["hosts.yml", "openpai.yml"])
def test_seed(name: str, tmp_path: Path) -> None:
    """The guide's config as it is printed is refused for its placeholders, and else renders as upstream's."""
    seed = (INPUTS / "config.seed").read_text()
    said = [str(problem) for problem in inspect(folder(tmp_path, config=seed)).problems]
    assert_lines(said, ["config.yaml:1: user: the example's placeholder", "config.yaml:2: password: the example's"])
    seed = seed.replace("<your-ssh-username>", "me").replace("<your-ssh-password>", "it")
    upstream = (GOLDEN / "pai-1.0.y" / "seed" / name).read_text().replace("<your-ssh-username>", "me")
    assert differences(name, upstream, kubespray_files(load(folder(tmp_path, config=seed))).files[name]) == []


@pytest.mark.parametrize("name", ["layout.yaml", "services-configuration.yaml"])
def test_openpai(name: str, tmp_path: Path) -> None:
    cluster = load(folder(tmp_path))
    nodes = parse_resources((INPUTS / "nodes-v100.json").read_text(), "nodes-v100.json")
    rendered = openpai_files(cluster, nodes, secrets.services(cluster))
    upstream = (GOLDEN / "pai-1.0.y" / "openpai-filled" / name).read_text()
    assert differences(name, upstream, rendered.files[name]) == []
    assert rendered.warnings == []


@pytest.mark.parametrize("name", ["hosts.yml", "openpai.yml", "services-configuration.yaml"])
def test_v18(name: str, tmp_path: Path) -> None:
    found = inspect(v18_folder(tmp_path))
    assert found.cluster
    node = {"cpu": "23900m", "memory": "230000000Ki"}
    worker = node | {"nvidia.com/gpu": "4"}
    measured = {"nodes": {"pai-master": node, "pai-worker1": worker, "pai-worker2": worker}}
    pods = [{"node": name, "requests": {"memory": "60Mi"}} for name in measured["nodes"]]
    nodes = parse_resources(json.dumps(measured | {"pods": pods}), "nodes.json")
    files = kubespray_files(found.cluster).files
    files |= openpai_files(found.cluster, nodes, secrets.services(found.cluster), found.layout).files
    assert differences(name, (V18 / name).read_text(), files[name]) == []
    assert files["layout.yaml"] == (tmp_path / "layout.yaml").read_text()


@pytest.mark.parametrize("case", sorted(path.name for path in (GOLDEN / "cases").iterdir()))
def test_case(case: str, tmp_path: Path) -> None:
    """All files of a cluster that uses most keys, one case a version."""
    inputs = {path.name: path.read_bytes() for path in (GOLDEN / "cases" / case / "inputs").iterdir()}
    nodes = parse_resources(inputs.pop("nodes.json").decode(), "nodes.json")
    found = inspect(write(tmp_path, dict(inputs)))
    assert found.cluster, found.problems
    files = kubespray_files(found.cluster).files
    files |= openpai_files(found.cluster, nodes, secrets.services(found.cluster), found.layout).files
    for path in (GOLDEN / "cases" / case / "upstream").iterdir():
        assert differences(path.name, path.read_text(), files[path.name]) == []


def test_the_comparison_sees_a_difference() -> None:
    assert differences("openpai.yml", "a: 1\n", "a: '1'\n") == ["a: upstream 1, ours '1'"]
    assert differences("openpai.yml", "a: [x]\n", "b: x\n") == [
        "a/0: upstream 'x', ours 'absent'",
        "b: upstream 'absent', ours 'x'",
    ]
    assert differences("hosts.yml", "all: {hosts: {a: {ip: 10.0.0.1}}}\n", "all: {hosts: {a: {ip: 10.0.0.2}}}\n")
