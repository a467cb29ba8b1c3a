"""What hosts are given to do by apt's operations, on fake hosts with sources of other people's."""

from tasks import apt
from tests.plan.conftest import planned
from tests.sections import sections

WORKER = "@fake/openpai-001"
SOURCES = sections(
    arch="amd64",
    lists="/etc/apt/sources.list:1:deb http://deb.debian.org/debian bookworm main\n"
    "/etc/apt/sources.list:2:deb http://dead/debian bookworm main\n"
    "/etc/apt/sources.list.d/vendor.list:1:deb http://vendor/apt stable main",
    origins="deb.debian.org_debian_dists_bookworm_InRelease:Origin: Debian",
)


def install():
    apt.packages(name="A package", names=["pciutils"], hold=False)


def test_others_sources_are_not_asked(folder):
    with planned(folder, install, {"openpai-001": {"sources.list.d": SOURCES}}) as plan:
        (command,) = (text for text in plan.texts() if "apt/refresh.sh" in text and "sources.list" in text)
    assert command.endswith("apt/refresh.sh 30 /etc/apt/sources.list 1,1"), command
