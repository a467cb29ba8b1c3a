"""The programs that make, fetch and put back backups, with stand-ins for age, ssh, docker and kubeadm."""

from __future__ import annotations

import subprocess
import tarfile

import pytest

from tasks.reach import FILES
from tests.unit.stand_ins import StandIns

# Copies in both directions, so that what is inside can be looked at.
AGE = 'while [ $# -gt 0 ]; do case $1 in -o) out=$2; shift ;; *) in=$1 ;; esac; shift; done; cp "$in" "$out"'
AUTHORITIES = (
    "ca.crt",
    "ca.key",
    "sa.key",
    "sa.pub",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "etcd/ca.crt",
    "etcd/ca.key",
)
OTHERS = ("apiserver.crt", "apiserver.key", "etcd/server.crt")


@pytest.fixture
def programs(tmp_path):
    (tmp_path / "bin").mkdir()
    made = StandIns(tmp_path / "bin")
    made.real("tar", "ls", "rmdir")
    made.add("age", does=AGE)
    return made


def run(programs, name, *arguments, **paths):
    text = (FILES / "kubernetes" / name).read_text()
    for old, new in paths.items():
        text = text.replace("/" + old.replace("_", "/"), str(new))
    text = text.replace("/var/lib/openpai-deploy", str(programs.folder.parent / "work"))
    return subprocess.run(
        ["/bin/sh", "-c", text, name, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": str(programs.folder)}, input="AGE-SECRET-KEY-1",
    )  # fmt: skip


def kubernetes(folder):
    """A master's /etc/kubernetes."""
    for name in (*AUTHORITIES, *OTHERS):
        path = folder / "pki" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "openpai-kubeadm.yaml").write_text("kind: ClusterConfiguration\n")
    return folder


def backed_up(programs, tmp_path, keep=2):
    snapshot = tmp_path / "snapshot.sh"
    snapshot.write_text('echo "$2 $3 $4" >"$1/20261126T000000Z-$2.db"\n')
    return run(
        programs, "backup", snapshot, "/recipient", tmp_path / "backups", keep,
        etc_kubernetes=kubernetes(tmp_path / "kubernetes"),
    )  # fmt: skip


def test_a_backup_holds_what_a_new_master_needs_and_the_newest_are_kept(programs, tmp_path):
    folder = tmp_path / "backups"
    (folder / "work.killed").mkdir(parents=True)
    for name in ("20240101T000000Z.age", "20240102T000000Z.age", "notes.txt"):
        (folder / name).touch()
    done = backed_up(programs, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    old, new, notes = sorted(path.name for path in folder.iterdir())
    assert (old, notes) == ("20240102T000000Z.age", "notes.txt")
    assert (folder / new).stat().st_mode & 0o777 == 0o600
    with tarfile.open(folder / new) as archive:
        names = set(archive.getnames())
    assert {"etcd.db", "kubeadm.yaml", *(f"pki/{name}" for name in (*AUTHORITIES, *OTHERS))} <= names
    (encrypted,) = [call for call in programs.calls if call[0] == "age"]
    assert encrypted[1:3] == ["-R", "/recipient"]


def test_a_backup_that_fails_leaves_nothing_in_the_open(programs, tmp_path):
    programs.add("age", does="exit 1")
    assert backed_up(programs, tmp_path).returncode == 1
    assert list((tmp_path / "backups").iterdir()) == []


def fetched(programs, tmp_path, keep=2):
    arguments = ("paiadmin", "10.1.0.1", 22, tmp_path / "there", tmp_path / "here", keep)
    return run(programs, "backup-fetch", *arguments)


def test_what_is_new_is_fetched_whole_and_the_newest_are_kept(programs, tmp_path):
    programs.add("ssh", does='while [ "$1" != sudo ]; do shift; done; shift 2; exec "$@"')
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    assert fetched(programs, tmp_path).returncode == 1
    for day in (1, 2, 3):
        (there / f"2024010{day}T000000Z.age").write_text(f"backup {day}")
    (here / "20240103T000000Z.age.part").write_text("of a run that was killed")
    assert fetched(programs, tmp_path).returncode == 0
    assert {path.name: path.read_text() for path in here.iterdir()} == {
        "20240102T000000Z.age": "backup 2", "20240103T000000Z.age": "backup 3",
    }  # fmt: skip
    assert here.stat().st_mode & 0o777 == 0o700
    asked = len(programs.calls)
    assert fetched(programs, tmp_path).returncode == 0
    assert [call[0] for call in programs.calls[asked:]] == ["ssh"]


def test_a_fetch_that_is_cut_short_leaves_no_backup(programs, tmp_path):
    cut = 'case "$*" in *" cat "*) echo b ;; *) while [ "$1" != sudo ]; do shift; done; shift 2; exec "$@" ;; esac'
    programs.add("ssh", does=cut)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/20240101T000000Z.age").write_text("backup 1")
    assert fetched(programs, tmp_path).returncode != 0
    assert not [path for path in (tmp_path / "here").iterdir() if path.suffix == ".age"]


def put_back(programs, tmp_path):
    backup = next((tmp_path / "backups").glob("*.age"))
    programs.add("kubeadm", does="echo k8s.gcr.io/pause:3.2; echo k8s.gcr.io/etcd:3.4.13-0")
    programs.add("docker", does=f"mkdir -p {tmp_path}/var/etcd.new/member")
    root = tmp_path / "new"
    done = run(
        programs, "restore-master.sh", backup, "openpai-master-01", "10.1.0.9", "/kubeadm.yaml",
        etc_kubernetes=root / "kubernetes", var_lib_etcd=tmp_path / "var/etcd",
    )  # fmt: skip
    return done, root / "kubernetes/pki"


def test_a_new_master_gets_the_authorities_and_no_certificate_of_the_old_one(programs, tmp_path):
    backed_up(programs, tmp_path)
    done, pki = put_back(programs, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(str(path.relative_to(pki)) for path in pki.rglob("*.*")) == sorted(AUTHORITIES)
    assert (tmp_path / "var/etcd/member").is_dir()
    (restored,) = [call for call in programs.calls if call[:2] == ["docker", "run"]]
    assert "k8s.gcr.io/etcd:3.4.13-0" in restored
    assert "openpai-master-01=https://10.1.0.9:2380" in restored


def test_a_backup_that_lacks_an_authority_is_not_put_back(programs, tmp_path):
    backed_up(programs, tmp_path)
    backup = next((tmp_path / "backups").glob("*.age"))
    with tarfile.open(backup, "w") as archive:
        archive.add(tmp_path / "kubernetes/openpai-kubeadm.yaml", "etcd.db")
    done, pki = put_back(programs, tmp_path)
    assert (done.returncode, done.stderr) == (1, "the backup lacks pki/ca.key\n")
    assert not pki.exists()


def test_etcds_content_alone_comes_out_of_a_backup(programs, tmp_path):
    backed_up(programs, tmp_path)
    target = tmp_path / "etcd/name.age.db"
    assert run(programs, "open-backup.sh", next((tmp_path / "backups").glob("*.age")), target).returncode == 0
    assert target.read_text() == "backup 1 needed\n"
    assert [path.name for path in target.parent.iterdir()] == [target.name]
