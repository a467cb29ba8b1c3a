"""What apt says, and which version is taken."""

import pytest

from tasks.apt.facts import AptOffers, AptPackages, KeyFingerprints, OsRelease, Package, parse_release
from tasks.docker.packages import fits_kubelet
from tests.sections import sections


def test_packages_by_name():
    output = [
        "docker-ce hold installed 5:20.10.24~3-0~debian-bookworm",
        "containerd.io deinstall config-files 1.6.20-1",
        "docker.io unknown not-installed ",
        "gnupg install installed 2.2.40-1",
    ]
    assert AptPackages().process(sections(packages="\n".join(output))) == {
        "docker-ce": Package("5:20.10.24~3-0~debian-bookworm", True),
        "containerd.io": Package(None, False),
        "docker.io": Package(None, False),
        "gnupg": Package("2.2.40-1", False),
    }


def test_offers_newest_first_and_once():
    line = " docker-ce | 5:20.10.24~{}-0 | http://m/linux/debian bookworm/stable amd64 Packages"
    offers = "\n".join((line.format(3), line.format(3), line.format(2)))
    assert AptOffers().process(sections(offers=offers)) == {"docker-ce": ("5:20.10.24~3-0", "5:20.10.24~2-0")}


def test_what_was_refreshed_is_offered_before_what_others_have():
    """Theirs may be newer, and gone: NVIDIA's repository of CUDA has the container toolkit too."""
    line = " toolkit | {} | {} bookworm/main amd64 Packages"
    found = [("1.19", "http://cuda/x"), ("1.18", "http://own"), ("1.17", "http://own/")]
    offers = "\n".join(line.format(*each) for each in found)
    for first, versions in (("http://own", ("1.18", "1.17", "1.19")), ("", ("1.19", "1.18", "1.17"))):
        assert AptOffers().process(sections(first=first, offers=offers)) == {"toolkit": versions}


@pytest.mark.parametrize(("version", "fits"), [("5:29.0.0-1~x", False), ("5:28.5.2-1~x", True), ("1.7.27-1", True)])
def test_dockers_that_the_kubelet_can_speak_to(version, fits):
    assert fits_kubelet(version) is fits


def test_only_primary_keys_count():
    colons = ["pub:-:4096:1:8D81803C0EBFCD88:", "fpr:::::::::AAAA:", "uid:-::::", "sub:-:4096:", "fpr:::::::::BBBB:"]
    assert KeyFingerprints().process(sections(keys="\n".join(colons))) == ["AAAA"]
    colons += ["pub:-:255:", "fpr:::::::::CCCC:"]
    assert KeyFingerprints().process(sections(keys="\n".join(colons))) == ["AAAA", "CCCC"]


def test_a_release_is_read_as_a_shell_reads_it():
    lines = ['PRETTY_NAME="Ubuntu 22.04.4 LTS"', "ID=ubuntu", 'VERSION_ID="22.04"', "VERSION_CODENAME='jammy'", ""]
    assert parse_release(lines) == OsRelease("ubuntu", "22.04", "jammy", "Ubuntu 22.04.4 LTS")
    assert parse_release(["ID=debian", "ID=other"]) == OsRelease("debian")
