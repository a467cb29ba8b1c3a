"""Package sources that other people wrote, beside ours."""

import pytest

from tasks.apt.sources import MARK, needed, parse_sources, takeover
from tasks.reach import script
from tests.unit.stand_ins import StandIns

PATH, KEY = "/etc/apt/sources.list.d/docker.sources", "/etc/apt/keyrings/docker.asc"
URI = "https://download.docker.com/linux/ubuntu"
DEB822 = "Types: deb\nURIs: {}\nSuites: {}\nComponents: stable\nSigned-By:{}\n"


def numbered(**files):
    """Files by their names in sources.list.d, with `_` for the dot, as the fact reads them."""
    for name, text in files.items():
        folder = "/etc/apt/" if name == "sources_list" else "/etc/apt/sources.list.d/"
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{folder}{name.replace('_', '.')}:{number}:{line}"


def found(**files):
    return takeover(parse_sources(numbered(**files), "amd64"), PATH, URI, "jammy", KEY)


@pytest.mark.parametrize(
    ("options", "conflicts"),
    [
        ("[arch=amd64 signed-by=/usr/share/keyrings/docker-archive-keyring.gpg] ", True),
        ("[ Signed-By=/x.gpg arch=amd64 ] ", True),
        ("", True),
        (f"[signed-by={KEY}] ", False),
        (f"[trusted=yes signed-by={KEY}] ", True),
    ],
)
@pytest.mark.parametrize("kind", ["deb", "deb-src"])
def test_a_line_conflicts_by_its_key(options, conflicts, kind):
    assert found(docker_list=f"# Docker\n{kind} {options}{URI}/ jammy stable").whole == (
        ["/etc/apt/sources.list.d/docker.list"] if conflicts else []
    )


@pytest.mark.parametrize(
    "line",
    [f"# deb {URI} jammy stable", f"deb {URI} focal stable", f"deb {URI}-ports jammy stable", "", "debris"],
)
def test_other_lines_are_let_be(line):
    assert not any(vars(found(docker_list=line)).values())


def test_a_login_makes_no_other_repository_for_apt():
    assert found(docker_list="deb https://me:secret@download.docker.com/linux/ubuntu jammy stable").whole


@pytest.mark.parametrize(
    ("key", "conflicts"),
    [(" /x.gpg", True), (f" {KEY}", False), ("\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINB", True)],
)
def test_a_stanza_conflicts_by_its_key(key, conflicts):
    text = DEB822.format(URI, "jammy", key)
    assert bool(found(vendor_sources=f"# by hand\n\n{text}").whole) is conflicts
    assert not found(vendor_sources=f"{text}Enabled: no\n").whole
    assert not found(docker_sources=text).whole, "our own file is written anew"


def test_only_the_rivals_of_a_file_with_more_give_way():
    one = DEB822.format(URI, "jammy", " /x.gpg")
    other = DEB822.format("http://archive", "jammy", " /y.gpg")
    lines = found(
        all_sources=f"# first\n\n{other}\n{one}",
        sources_list=f"deb http://archive jammy main\ndeb {URI} jammy stable\n",
    ).lines
    assert {file: [(each.first, each.last) for each in entries] for file, entries in lines.items()} == {
        "/etc/apt/sources.list.d/all.sources": [(9, 13)],
        "/etc/apt/sources.list": [(2, 2)],
    }


def test_an_entry_that_names_more_than_ours_is_the_operators_to_split():
    (entry,) = found(vendor_sources=DEB822.format(URI, "jammy jammy-nightly", " /x.gpg")).mixed
    assert (entry.file, entry.first) == ("/etc/apt/sources.list.d/vendor.sources", 1)


def test_nvidias_own_documentation_writes_the_architecture_as_apt_does():
    line = "deb [signed-by=/usr/share/keyrings/nvidia.gpg] https://nvidia.github.io/stable/deb/$(ARCH) /"
    sources = parse_sources(numbered(nvidia_list=line), "arm64")
    assert takeover(sources, PATH, "https://nvidia.github.io/stable/deb/$(ARCH)", "/", KEY).whole
    assert takeover(sources, PATH, "https://nvidia.github.io/stable/deb/arm64", "/", KEY).whole


ARCHIVE, PPA = "http://archive.ubuntu.com/ubuntu", "http://ppa.launchpad.net/a/b_c/ubuntu"
LISTS = f"deb {ARCHIVE} jammy main\n\ndeb {PPA} jammy main\ndeb {ARCHIVE}/ jammy-updates main\n"
CORP = "deb http://corp/ubuntu jammy main\n"
OURS = f"{MARK}{DEB822.format(URI, 'jammy', KEY)}"
FETCHED = [
    "archive.ubuntu.com_ubuntu_dists_jammy_InRelease:Origin: Ubuntu",
    "archive.ubuntu.com_ubuntu_dists_jammy-updates_InRelease:Origin: Ubuntu",
    "ppa.launchpad.net_a_b%5fc_ubuntu_dists_jammy_InRelease:Origin: LP-PPA-a-b",
]


def lived_by(origins=(), **files):
    """What a deploy needs of a host's sources, by file and first line."""
    sources = parse_sources(numbered(**files), "amd64", origins)
    return [(entry.file.rpartition("/")[2], entry.first) for entry in needed(sources, "ubuntu", "jammy")]


def test_only_our_sources_and_the_distributions_are_needed():
    others = {"sources_list": LISTS, "corp_list": CORP}
    assert lived_by(FETCHED, **others, docker_sources=OURS) == [
        ("docker.sources", 2), ("sources.list", 1), ("sources.list", 4),
    ]  # fmt: skip


def test_before_anything_was_fetched_the_installers_files_tell_what_is_the_distributions():
    own = "Types: deb\nURIs: http://mirror\nSuites: {}\nComponents: main\n"
    found = lived_by(ubuntu_sources=own.format("jammy jammy-updates"), corp_list=CORP, docker_sources=OURS)
    assert found == [("docker.sources", 2), ("ubuntu.sources", 1)]
    assert lived_by(sources_list="deb http://m jammy/updates main\ndeb http://m jammyfish main\n") == [
        ("sources.list", 1)
    ]


def test_a_mirror_of_the_companys_own_name_is_the_distribution_where_an_installer_would_write_it():
    assert lived_by(["corp_ubuntu_dists_jammy_InRelease:Origin: Corp"], sources_list=CORP) == [("sources.list", 1)]


def test_where_nothing_is_known_to_be_the_distributions_all_are_needed():
    assert lived_by(corp_list=CORP, docker_sources=OURS) == []


def refreshed(programs, seconds=0, *places):
    programs.add("find")
    programs.add("timeout", does='shift; exec "$@"')
    return programs.run(script("apt/refresh.sh", seconds, 1, *places, library="apt/locks.sh"))


def test_nothing_is_asked_but_the_entries_named(programs, tmp_path):
    (tmp_path / "x.list").write_text("deb one\ndeb two\ndeb three\n")
    (tmp_path / "y.sources").write_text("URIs: a\nSuites: b\n\nURIs: c\nSuites: d\n\nURIs: e\nSuites: f\n")
    programs.add(
        "apt-get",
        does="""
for each; do case $each in Dir::Etc::sourceparts=*)
    cat "${each#*=}"/*.list >ONE; cat "${each#*=}"/*.sources >TWO ;; esac; done""",
    )
    done = refreshed(programs, 0, str(tmp_path / "x.list"), "1,1 3,3", str(tmp_path / "y.sources"), "1,2 7,8")
    assert (done.returncode, done.stderr) == (0, "")
    (call,) = (each for each in programs.calls if each[0] == "apt-get")
    assert "Dir::Etc::sourcelist=/dev/null" in call and "APT::Get::List-Cleanup=false" in call and call[-1] == "update"
    assert (programs.folder / "ONE").read_text().split("\n") == ["deb one", "", "deb three", "", ""]
    assert (programs.folder / "TWO").read_text() == "URIs: a\nSuites: b\n\nURIs: e\nSuites: f\n\n"
    assert refreshed(programs).returncode == 0
    assert not [word for word in programs.calls[-1] if word.startswith("Dir::")], "all where none is named"


@pytest.mark.parametrize(("status", "kind"), [(100, "E"), (0, "W")], ids=["apt 2.2", "before, it ends with 0"])
def test_a_source_that_we_need_and_cannot_have_ends_the_run_in_its_own_words(programs, tmp_path, status, kind):
    (tmp_path / "x.list").write_text("deb one\n")
    said = f"{kind}: Failed to fetch http://me:secret@one/InRelease  Could not connect"
    rest = f"{kind}: Some index files failed to download. They have been ignored, or old ones used instead."
    programs.add("apt-get", does=f"printf '%s\\n' '{said}' '{rest}' >&2; exit {status}")
    done = refreshed(programs, 0, str(tmp_path / "x.list"), "1,1")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "http://one/InRelease  Could not connect",
        f"apt's index of {tmp_path}/x.list is not refreshed; mend what is named above, the proxy or the mirror",
    ]


def test_a_lock_that_a_refresh_does_not_need_is_not_waited_for(programs):
    """It is the installation that waits for dpkg's, in its unit, whose log names the holder."""
    assert refreshed(programs).returncode == 0
    assert "find" not in [call[0] for call in programs.calls]


def test_an_apt_that_does_not_end_is_ended_and_named(programs):
    programs.add("apt-get", does="exit 124")
    assert refreshed(programs).stderr.splitlines()[0] == "apt-get update did not end within 600 s"


def test_a_warning_that_is_none_of_a_sources_is_no_failure(programs):
    programs.add("apt-get", does="echo 'W: Key is stored in legacy trusted.gpg keyring' >&2")
    assert refreshed(programs).returncode == 0


@pytest.fixture
def etc(tmp_path):
    """A folder like /etc/apt, with a vendor's list, one that holds more, and our source's new text beside its place."""
    parts = tmp_path / "etc/sources.list.d"
    parts.mkdir(parents=True)
    (parts / "docker.list").write_text("deb vendor\n")
    (tmp_path / "etc/sources.list").write_text("deb archive\ndeb vendor\n")
    (parts / "docker.sources.new").write_text("ours\n")
    return tmp_path / "etc"


def put(programs, etc, *pairs, keep=""):
    path = str(etc / "sources.list.d/docker.sources")
    return programs.run(script("apt/source.sh", str(etc), f"{path}.new", path, keep, *pairs))


def rivals(etc):
    return str(etc / "sources.list.d/docker.list"), "all", str(etc / "sources.list"), "2,2"


def texts(etc):
    return {str(path.relative_to(etc)): path.read_text() for path in etc.rglob("*") if path.is_file()}


AFTER = {
    "sources.list": "deb archive\n# openpai-deploy: deb vendor\n",
    "sources.list.d/docker.list.openpai.disabled": "deb vendor\n",
    "sources.list.d/docker.sources": "ours\n",
}


@pytest.fixture
def programs(tmp_path):
    (tmp_path / "bin").mkdir()
    made = StandIns(tmp_path / "bin")
    made.add("apt-get")
    return made


def test_what_gives_way_is_kept_beside(programs, etc):
    done = put(programs, etc, *rivals(etc))
    assert (done.returncode, done.stderr) == (0, "")
    assert texts(etc) == AFTER
    (etc / "sources.list.d/docker.list").write_text("deb vendor, another time\n")
    (etc / "sources.list.d/docker.sources.new").write_text("ours\n")
    assert put(programs, etc, *rivals(etc)[:2]).returncode == 0
    kept = "sources.list.d/docker.list.openpai.disabled"
    assert texts(etc) == AFTER | {f"{kept}.~1~": "deb vendor\n", kept: "deb vendor, another time\n"}


def test_anothers_file_of_our_name_is_kept_beside(programs, etc):
    (etc / "sources.list.d/docker.sources").write_text("theirs\n")
    assert put(programs, etc, *rivals(etc), keep="keep").returncode == 0
    assert texts(etc) == AFTER | {"sources.list.d/docker.sources.openpai.disabled": "theirs\n"}


def test_nothing_changes_where_apt_refuses_the_whole(programs, etc):
    before = texts(etc)
    said = f"E: Malformed entry 1 in {etc}/openpai.staged/sources.list.d/x.list"
    programs.add("apt-get", does=f"echo '{said}' >&2; exit 100")
    done = put(programs, etc, *rivals(etc))
    assert done.returncode == 1
    assert f"Malformed entry 1 in {etc}/sources.list.d/x.list\n" in done.stderr and "nothing was changed" in done.stderr
    assert texts(etc) == before


def test_a_run_that_ends_between_the_files_leaves_the_rest_to_the_next(programs, etc):
    programs.add("chmod", does="exit 1")
    assert put(programs, etc, *rivals(etc)).returncode == 1
    assert "sources.list.d/docker.sources" not in texts(etc)
    programs.add("chmod")
    assert put(programs, etc).returncode == 0
    assert texts(etc) == AFTER
