"""What apt says, and which version is taken."""

import pytest

from tasks.docker import fits_kubelet
from tasks.facts.apt import Package, parse_packages, primary_fingerprints
from tasks.operations.apt_source import matches

OUTPUT = """
@@ installed
docker-ce 5:20.10.24~3-0~debian-bookworm installed
containerd.io 1.6.20-1 config-files

@@ held
docker-ce

@@ offered
 docker-ce | 5:20.10.24~3-0~debian-bookworm | http://m/linux/debian bookworm/stable amd64 Packages
 docker-ce | 5:20.10.24~2-0~debian-bookworm | http://m/linux/debian bookworm/stable amd64 Packages
docker-ce-cli | 5:20.10.24~3-0~debian-bookworm | http://m/linux/debian bookworm/stable amd64 Packages
"""


def test_packages_by_name():
    newest, older = "5:20.10.24~3-0~debian-bookworm", "5:20.10.24~2-0~debian-bookworm"
    assert parse_packages(OUTPUT.splitlines()) == {
        "docker-ce": Package(newest, True, (newest, older)),
        "docker-ce-cli": Package(None, False, (newest,)),
    }


@pytest.mark.parametrize(
    ("found", "version", "fits"),
    [
        ("5:20.10.24~3-0~debian-bookworm", "20.10", True),
        ("5:20.10.24~3-0~debian-bookworm", "20.10.24", True),
        ("5:20.10.24~3-0~debian-bookworm", "20.10.24~3-0", True),
        ("5:20.10.24~3-0~debian-bookworm", "5:20.10.24~3-0~debian-bookworm", True),
        ("5:20.10.24~3-0~debian-bookworm", "20.10.2", False),
        ("5:20.10.24~3-0~debian-bookworm", "2", False),
        ("5:20.10.24~3-0~debian-bookworm", "24", False),
        ("1.6.20-1", "20.10", False),
    ],
)
def test_a_version_or_its_beginning(found, version, fits):
    assert matches(found, version) is fits


@pytest.mark.parametrize(("version", "fits"), [("5:29.0.0-1~x", False), ("5:28.5.2-1~x", True), ("1.7.27-1", True)])
def test_dockers_that_the_kubelet_can_speak_to(version, fits):
    assert fits_kubelet(version) is fits


def test_only_primary_keys_count():
    colons = ["pub:-:4096:1:8D81803C0EBFCD88:", "fpr:::::::::AAAA:", "uid:-::::", "sub:-:4096:", "fpr:::::::::BBBB:"]
    assert primary_fingerprints(colons) == ["AAAA"]
    assert primary_fingerprints([*colons, "pub:-:255:", "fpr:::::::::CCCC:"]) == ["AAAA", "CCCC"]
