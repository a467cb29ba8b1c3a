"""What hosts are given to do by apt's operations, on fake hosts with sources of other people's."""

from pyinfra import host
from pyinfra.operations import python

from tasks import apt
from tests.plan.conftest import planned
from tests.sections import sections

WORKER, NAMES = "@fake/openpai-001", ("pciutils", "git", "curl")
SOURCES = sections(
    arch="amd64",
    lists="/etc/apt/sources.list:1:deb http://mirror/debian bookworm main\n"
    "/etc/apt/sources.list:2:deb http://dead/debian bookworm main\n"
    "/etc/apt/sources.list.d/vendor.list:1:deb http://vendor/apt stable main",
    origins="mirror_debian_dists_bookworm_InRelease:Origin: Debian",
)


def install():
    apt.packages(name="A package", names=["pciutils"], hold=False)


def test_others_sources_are_not_asked(folder):
    with planned(folder, install, {"openpai-001": {"sources.list.d": SOURCES}}) as plan:
        (command,) = (text for text in plan.texts() if "apt/refresh.sh" in text and "sources.list" in text)
    assert command.endswith("apt/refresh.sh 30 600 /etc/apt/sources.list 1,1"), command


def test_a_run_refreshes_the_index_of_a_source_once(folder):
    lists = list(SOURCES)

    def comes_in_between(*_):
        more = ["# Written by openpai-deploy", "URIs: http://new", "Suites: stable"]
        at = lists.index("@@ origins") - 1
        lists[at:at] = [f"/etc/apt/sources.list.d/new.sources:{n}:{text}" for n, text in enumerate(more, 1)]
        return True

    def install_all():
        install()
        apt.packages(name="Another package", names=["git"], hold=False)
        if host.name == WORKER:
            python.call(name="A source that is new", function=comes_in_between)
        apt.packages(name="A third package", names=["curl"], hold=False)

    offers = sections(first="", offers="\n".join(f" {name} | 1 | http://m/debian x" for name in NAMES))
    with planned(folder, install_all, {"openpai-001": {"sources.list.d": lists, "apt-cache": offers}}) as plan:
        plan.run()
        refreshed = [text.rpartition(" 600 ")[2] for text in plan.commands(WORKER) if "apt/refresh.sh" in text]
        assert [any(f"install {name}=1" in text for text in plan.commands(WORKER)) for name in NAMES] == [True] * 3
    assert refreshed == ["/etc/apt/sources.list 1,1", "/etc/apt/sources.list.d/new.sources 2,3"]


def test_packages_are_installed_in_a_unit_that_outlives_the_run(folder):
    with planned(
        folder,
        install,
        {"openpai-001": {"apt-cache": sections(first="", offers=" pciutils | 1:3.9.0-4 | http://m/debian x")}},
    ) as plan:
        plan.run()
        given = [text for text in plan.commands(WORKER) if "apt/run.sh" in text or "is-active" in text]
    assert "systemctl is-active -q openpai-deploy-apt.service" in given[0], "an earlier run's is waited for"
    assert "systemd-run" in given[1] and "--unit=openpai-deploy-apt" in given[1]
    assert "apt-get -q -y" in given[1] and "install pciutils=1:3.9.0-4" in given[1]


def test_what_is_installed_is_of_the_sources_that_were_refreshed(folder):
    """A newer version in an index of others', which was fetched once, may be gone with its source."""
    offers = "\n".join(f" pciutils | {each} main" for each in ("9.9 | http://vendor/apt", "3.9 | http://mirror/debian"))
    answers = {"sources.list.d": SOURCES, "apt-cache": sections(first="http://mirror/debian", offers=offers)}
    with planned(folder, install, {"openpai-001": answers}) as plan:
        plan.run()
        (given,) = (text for text in plan.commands(WORKER) if "install pciutils=" in text)
        asked = next(text for text in plan.commands(WORKER) if "apt-cache" in text)
    assert "install pciutils=3.9" in given
    assert "printf '%s\\n' http://mirror/debian" in asked and "vendor" not in asked
