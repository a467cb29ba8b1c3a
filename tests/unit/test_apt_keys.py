"""Signing keys: fetched where they are the expected ones, and read, by programs that run as on a host."""

import shutil
from pathlib import Path

import pytest

from tasks.apt.facts import KeyFingerprints
from tasks.reach import script
from tests.unit.stand_ins import StandIns

KEY, FINGERPRINT = Path(__file__).parent / "data/key.asc", "3740049F0DF7EE28EEB4021C8714CD2996919965"


@pytest.fixture
def programs(tmp_path):
    (tmp_path / "bin").mkdir()
    return StandIns(tmp_path / "bin")


def fingerprint(*lines):
    return "printf '%s\\n' " + " ".join(f"'{line}'" for line in lines)


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        (["pub:-:4096:", "fpr:::::::::ABCD:", "sub:-:", "fpr:::::::::EEEE:"], True),
        (["pub:-:4096:", "fpr:::::::::FFFF:"], False),
        (["pub:-:", "fpr:::::::::ABCD:", "pub:-:", "fpr:::::::::FFFF:"], False),
        ([], False),
    ],
)
def test_a_key_is_known_by_the_fingerprint_of_its_one_primary_key(programs, tmp_path, found, taken):
    programs.add("gpg", does=fingerprint(*found) if found else "exit 2")
    source, target = tmp_path / "source", tmp_path / "keyrings/docker.asc"
    source.write_text("key")
    command = script("apt/fetch.sh", f"file://{source}", str(target), "644", "fingerprint", "ABCD", "look it up")
    done = programs.run(command)
    assert (done.returncode == 0) is target.exists() is taken
    assert ("is not what was expected: not fingerprint ABCD, but" in done.stderr) is not taken
    assert not taken or [path.stat().st_mode & 0o777 for path in (target, target.parent)] == [0o644, 0o755]


@pytest.fixture
def bionics_gpg(programs):
    """This machine's gpg, without what the one of Ubuntu 18.04 lacks."""
    refused = "case \" $* \" in *' --show-keys '*) echo 'gpg: invalid option \"--show-keys\"' >&2; exit 2 ;; esac"
    programs.add("gpg", does=f'{refused}; HOME={programs.folder} exec {shutil.which("gpg")} "$@"')
    return programs


def test_ubuntu_18s_gpg_reads_a_fetched_key(bionics_gpg, tmp_path):
    target = tmp_path / "docker.asc"
    done = bionics_gpg.run(script("apt/fetch.sh", f"file://{KEY}", str(target), "644", "fingerprint", FINGERPRINT, "-"))
    assert done.returncode == 0, done.stderr
    assert target.read_text() == KEY.read_text()


def test_ubuntu_18s_gpg_reads_the_key_that_is_there(bionics_gpg):
    bionics_gpg.real("test")
    done = bionics_gpg.run(KeyFingerprints().command(path=str(KEY)))
    assert KeyFingerprints().process(done.stdout.splitlines()) == [FINGERPRINT]
