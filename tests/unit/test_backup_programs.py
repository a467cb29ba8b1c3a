"""The programs that make, fetch and put back backups, with stand-ins for age, ssh, docker and kubeadm."""

from __future__ import annotations

import io
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from tasks.reach import FILES, render
from tests.unit.stand_ins import StandIns

# Both ways the same, and nothing that it has been over can be read.
FLIP = "tr '\\000-\\377' '\\200-\\377\\000-\\177'"
AGE = f'in=/dev/stdin; while [ $# -gt 0 ]; do case $1 in -o) out=$2; shift ;; -[iR]) shift ;; -d) ;; *) in=$1 ;; esac; shift; done; {FLIP} <"$in" >"$out"'  # noqa: E501
AUTHORITIES = (
    "ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key",
)  # fmt: skip
OTHERS = ("apiserver.crt", "apiserver.key", "etcd/server.crt")
SECRET = "known to the master alone"
# Programs that the tested ones call: before each of them they may be killed.
STEPS = ("age", "chmod", "cp", "docker", "flock", "kubeadm", "mkdir", "mv", "rm", "rmdir", "sh", "sync", "tar", "touch")
KEY = "AGE-SECRET-KEY-1"


class Master:
    """A master's folders, and the programs that it runs."""

    def __init__(self, folder: Path):
        self.folder, self.backups = folder, folder / "backups"
        self.etcd, self.kubernetes = folder / "lib/etcd", folder / "kubernetes"
        self.work = folder / "work/restore"
        (folder / "bin").mkdir()
        self.etcd.mkdir(parents=True)
        self.programs = StandIns(folder / "bin")
        self.programs.real("flock", "ls", "rmdir", "sync", "tar", "wc")
        self.programs.add("age", does=AGE)

    def text(self, name: str) -> str:
        """A program with this master's folders in the place of the real ones."""
        text = (FILES / "kubernetes" / name).read_text()
        return text.replace("/var/lib/etcd", str(self.etcd)).replace("/var/lib", str(self.etcd.parent)).replace(
            "/etc/kubernetes", str(self.kubernetes)
        )  # fmt: skip

    def run(self, name: str, *arguments: str | Path | int) -> subprocess.CompletedProcess[str]:
        """Run it in a session of its own, which a stand-in can kill."""
        return subprocess.run(
            ["/bin/sh", "-c", self.text(name), name, *map(str, arguments)], capture_output=True, text=True,
            check=False, timeout=60, env={"PATH": str(self.programs.folder)}, input=KEY, cwd=self.folder,
            start_new_session=True,
        )  # fmt: skip

    def installed(self) -> None:
        """Make it a master that has a cluster."""
        for name in (*AUTHORITIES, *OTHERS):
            path = self.kubernetes / "pki" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} {SECRET}")
        (self.kubernetes / "openpai-kubeadm.yaml").write_text("kind: ClusterConfiguration\n")
        (self.folder / "snapshot.sh").write_text(self.snapshot)

    @property
    def snapshot(self) -> str:
        """What saves etcd's content, by way of a file in its own folder."""
        part = self.etcd / "openpai-$2.part"
        write = f'mkdir -p "$1"; touch {part}; echo "$2 $3 $4 {SECRET}" >{part}'
        return f'{write}; mv {part} "$1/20261126T000000Z-$2.db"\n'

    def backed_up(self, keep: int = 2) -> subprocess.CompletedProcess[str]:
        """A backup."""
        return self.run("backup", self.folder / "snapshot.sh", "/recipient", self.backups, keep)

    def put_back(self, backup: Path) -> subprocess.CompletedProcess[str]:
        """A backup made this master's, as of another address."""
        self.programs.add("kubeadm", does="echo k8s.gcr.io/pause:3.2; echo k8s.gcr.io/etcd:3.4.13-0")
        self.programs.add("docker", does=f"mkdir -p {self.etcd}.new/member")
        return self.run("restore-master.sh", backup, "openpai-master-01", "10.1.0.9", "/kubeadm.yaml", self.work)

    def kills(self, at: int) -> None:
        """Have the session killed before its step number `at`, as systemd kills a whole unit."""
        count, limit = self.folder / "steps", self.folder / "limit"
        count.write_text("")
        limit.write_text(f"{at}\n")
        for name in STEPS:
            program = self.programs.folder / name
            text = program.read_text() if not program.is_symlink() and program.exists() else ""
            if str(count) not in text:
                does = text or f'exec {program.resolve()} "$@"'
                reached = f'[ "$(wc -l <{count})" -ge "$(cat {limit})" ]'
                kill = "kill -s KILL -- -$(cut -d' ' -f5 /proc/self/stat)"
                program.unlink(missing_ok=True)
                program.write_text(f"#!/bin/sh\necho >>{count}\nif {reached}; then {kill}; fi\n{does}\n")
                program.chmod(0o755)

    def readable(self, *but: Path) -> list[Path]:
        """Files with a secret in the open, but for those below the folders `but`."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and not any(f in path.parents for f in but)]
        return [path for path in files if SECRET.encode() in path.read_bytes() and path.name != "snapshot.sh"]


@pytest.fixture
def master(tmp_path):
    made = Master(tmp_path)
    made.installed()
    return made


@pytest.fixture
def bare(master, tmp_path_factory):
    """Another machine, for what is left of `master`."""
    assert master.backed_up().returncode == 0
    return Master(tmp_path_factory.mktemp("bare"))


def opened(backup: Path) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(bytes(byte ^ 0x80 for byte in backup.read_bytes())))


def whole(backup: Path) -> bool:
    """Whether a backup has all that a new master needs."""
    names = set(opened(backup).getnames())
    return {"etcd.db", "openpai-kubeadm.yaml", *(f"pki/{name}" for name in (*AUTHORITIES, *OTHERS))} <= names


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.age"))


def test_a_backup_holds_what_a_new_master_needs_and_the_newest_are_kept(master):
    master.backups.mkdir()
    for name in ("20240101T000000Z.age", "20240102T000000Z.age", "notes.age", "backup.part"):
        (master.backups / name).touch()
    done = master.backed_up()
    assert (done.returncode, done.stderr) == (0, "")
    old, new, notes = sorted(path.name for path in master.backups.iterdir())
    assert (old, notes) == ("20240102T000000Z.age", "notes.age")
    assert (master.backups / new).stat().st_mode & 0o777 == 0o600 and whole(master.backups / new)
    assert list(master.etcd.iterdir()) == []
    (encrypted,) = [call for call in master.programs.calls if call[0] == "age"]
    assert encrypted[1:3] == ["-R", "/recipient"]


def test_etcd_is_waited_for(master):
    (master.folder / "snapshot.sh").write_text(f"[ -e {master.folder}/up ] || exit 1\n{master.snapshot}")
    master.programs.add("sleep", does=f"touch {master.folder}/up")
    assert master.backed_up().returncode == 0 and whole(kept(master.backups)[0])
    assert [call for call in master.programs.calls if call[0] == "sleep"] == [["sleep", "20"]]


@pytest.mark.parametrize("fails", ["age", "tar", "sync", "sh"])
def test_a_backup_that_fails_is_none_and_leaves_nothing(master, fails):
    master.programs.add(fails, does='[ "$1" != -R ] || echo half >"$4"; exit 1')
    master.programs.add("sleep")
    assert master.backed_up().returncode == 1
    assert list(master.backups.iterdir()) == list(master.etcd.iterdir()) == []


def test_a_backup_that_is_killed_at_any_step_is_none_and_leaves_no_secret_in_the_open(master):
    """In etcd's own folder, where they are anyway, until the unit has ended or the next run begins."""
    unit = render("kubernetes/backup.service.j2", command="openpai-backup", user="")
    (cleaning,) = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStopPost=/bin/sh -c '")]
    at, met = 0, set()
    while True:
        at += 1
        before = len(kept(master.backups))
        master.kills(at)
        done = master.backed_up(keep=99)
        left = {path.name for path in master.etcd.iterdir()}
        met |= left
        assert master.readable(master.etcd, master.kubernetes) == [], at
        assert all(map(whole, kept(master.backups))), at
        if done.returncode == 0:
            break
        assert done.returncode == -9 and len(kept(master.backups)) - before <= 1
        if at % 2:
            subprocess.run(shlex.split(cleaning.replace("/var/lib/etcd", str(master.etcd))), check=True)
            assert list(master.etcd.iterdir()) == []
    assert at > 10 and met >= {"openpai-backup", "openpai-backup.part"}, "it was to be killed in between as well"
    assert left == set() and [path.suffix for path in master.backups.iterdir()] == [".age"] * len(kept(master.backups))


def fetched(master, keep=2):
    here = master.folder / "here"
    return here, master.run("backup-fetch", "paiadmin", "10.1.0.1", 22, master.folder / "there", here, keep)


ON_MASTER = 'while [ "$1" != sudo ]; do shift; done; shift 2; exec "$@"'


def test_what_is_new_is_fetched_whole_and_the_newest_are_kept(master):
    master.programs.add("ssh", does=ON_MASTER)
    there = master.folder / "there"
    there.mkdir()
    here, done = fetched(master)
    assert (done.returncode, done.stderr) == (1, f"the master has no backup in {there}\n")
    for day in (1, 2, 3):
        (there / f"2024010{day}T000000Z.age").write_text(f"backup {day}")
    (here / "20240103T000000Z.age.part").write_text("of a run that was killed")
    assert fetched(master)[1].returncode == 0
    assert {path.name: path.read_text() for path in here.iterdir()} == {
        "20240102T000000Z.age": "backup 2", "20240103T000000Z.age": "backup 3",
    }  # fmt: skip
    assert here.stat().st_mode & 0o777 == 0o700
    asked = len(master.programs.calls)
    assert fetched(master)[1].returncode == 0
    assert [call[0] for call in master.programs.calls[asked:]] == ["ssh"]


def test_a_fetch_that_is_cut_short_leaves_no_backup_and_a_master_that_is_down_takes_none_away(master):
    master.programs.add("ssh", does=f'case "$*" in *" cat "*) echo b ;; *) {ON_MASTER} ;; esac')
    (master.folder / "there").mkdir()
    (master.folder / "there/20240101T000000Z.age").write_text("backup 1")
    here, done = fetched(master)
    assert done.returncode == 1 and done.stderr == "20240101T000000Z.age came cut short\n" and kept(here) == []
    (here / "20230101T000000Z.age").touch()
    master.programs.add("ssh", does="echo no route >&2; exit 255")
    _, done = fetched(master, keep=1)
    assert done.returncode != 0 and "no route" in done.stderr and len(kept(here)) == 1


def test_a_fetch_that_is_killed_at_any_step_leaves_no_half_backup(master):
    master.programs.add("ssh", does=ON_MASTER)
    (master.folder / "there").mkdir()
    at, status = 0, -9
    while status == -9:
        at += 1
        (master.folder / f"there/202401{at:02}T000000Z.age").write_text("backup")
        master.kills(at)
        here, done = fetched(master, keep=99)
        assert [path.read_text() for path in kept(here)] == ["backup"] * len(kept(here))
        status = done.returncode
    assert status == 0 and at > 4 and len(list(here.iterdir())) == at


def in_place(bare) -> bool:
    """Whether a new master has the authorities, and no certificate of the old one, and etcd's data."""
    pki = bare.kubernetes / "pki"
    found = sorted(str(path.relative_to(pki)) for path in pki.rglob("*.*"))
    return found == sorted(AUTHORITIES) and (bare.etcd / "member").is_dir()


def test_a_new_master_gets_the_authorities_and_no_certificate_of_the_old_one(master, bare):
    done = bare.put_back(kept(master.backups)[0])
    assert (done.returncode, done.stderr) == (0, "") and in_place(bare)
    (restored,) = [call for call in bare.programs.calls if call[:2] == ["docker", "run"]]
    assert "k8s.gcr.io/etcd:3.4.13-0" in restored
    assert "openpai-master-01=https://10.1.0.9:2380" in restored
    assert bare.readable(bare.kubernetes) == []
    assert not [call for call in bare.programs.calls if KEY in " ".join(call)]


def test_a_restoration_that_is_killed_at_any_step_is_begun_anew(master, bare):
    at, status, half = 0, -9, set()
    while status:
        at += 1
        bare.put_back(master.folder / "none")  # its stand-ins
        bare.kills(at)
        status = bare.run(
            "restore-master.sh", kept(master.backups)[0], "openpai-master-01", "10.1.0.9", "/x", bare.work
        ).returncode
        assert status in (0, -9)
        # Authorities without data would have a deploy begin an empty cluster.
        assert not (bare.kubernetes / "pki").exists() or in_place(bare)
        half.add((bare.etcd / "member").exists() and not (bare.kubernetes / "pki").exists())
        if in_place(bare) and not bare.work.exists():
            break
    assert in_place(bare) and half == {True, False}, "it was to be killed between data and authorities as well"
    assert bare.readable(bare.kubernetes) == [] and not bare.work.exists()


def test_a_backup_that_lacks_an_authority_is_not_put_back(master, bare):
    (master.kubernetes / "pki/ca.key").unlink()
    assert master.backed_up(keep=1).returncode == 0
    done = bare.put_back(kept(master.backups)[0])
    assert (done.returncode, done.stderr) == (1, "the backup lacks pki/ca.key\n")
    assert not (bare.kubernetes / "pki").exists() and not bare.work.exists()


def test_data_that_is_there_already_is_not_touched(master, bare):
    (bare.etcd / "member").mkdir()
    for _ in range(2):
        assert bare.put_back(kept(master.backups)[0]).returncode != 0
        assert (bare.etcd / "member").is_dir() and not (bare.kubernetes / "pki").exists()


def test_etcds_content_alone_comes_out_of_a_backup(master, bare):
    target = bare.folder / "etcd/name.age.db"
    assert bare.run("open-backup.sh", kept(master.backups)[0], target).returncode == 0
    assert target.read_text() == f"backup 1 needed {SECRET}\n"
    assert [path.name for path in target.parent.iterdir()] == [target.name]
