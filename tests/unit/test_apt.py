"""What apt says, and which version is taken."""

import pytest

from tasks.apt.facts import Package, parse_offers, parse_packages, primary_fingerprints
from tasks.apt.operations import matches
from tasks.docker.deploy import fits_kubelet


def test_packages_by_name():
    output = [
        "docker-ce hold installed 5:20.10.24~3-0~debian-bookworm",
        "containerd.io deinstall config-files 1.6.20-1",
        "docker.io unknown not-installed ",
        "gnupg install installed 2.2.40-1",
    ]
    assert parse_packages(output) == {
        "docker-ce": Package("5:20.10.24~3-0~debian-bookworm", True),
        "containerd.io": Package(None, False),
        "docker.io": Package(None, False),
        "gnupg": Package("2.2.40-1", False),
    }


def test_offers_newest_first_and_once():
    line = " docker-ce | 5:20.10.24~{}-0 | http://m/linux/debian bookworm/stable amd64 Packages"
    assert parse_offers([line.format(3), line.format(3), line.format(2)]) == {
        "docker-ce": ("5:20.10.24~3-0", "5:20.10.24~2-0")
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
