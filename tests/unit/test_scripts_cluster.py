"""The programs of files/ for Kubernetes and kubespray, run by a shell with stand-ins for what they drive."""

import hashlib
import os
import pwd
import subprocess

import pytest
from pyinfra.api import StringCommand

from tasks.kubernetes.operations import control_plane
from tasks.openpai.facts import OpenPai
from tasks.reach import detached, script
from tests.unit.stand_ins import StandIns

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def programs(tmp_path):
    (tmp_path / "bin").mkdir()
    return StandIns(tmp_path / "bin")


def snapshot(programs, folder, keep=2, needed="needed", docker="echo id"):
    """Save etcd's content; etcd's own volume is not there, so what moves it from there makes it."""
    programs.add("docker", does=f"case $1 in ps) {docker} ;; esac")
    programs.add("chmod")
    programs.add("mv", does='echo content >"$3"')
    return programs.run(script("kubernetes/snapshot-etcd.sh", str(folder), "removal", keep, needed))


def test_etcd_is_saved_and_the_newest_snapshots_are_kept(programs, tmp_path):
    folder = tmp_path / "etcd backups"
    folder.mkdir()
    for name in ("20240101T000000Z-manual.db", "20240102T000000Z-reset.db", "notes.txt"):
        (folder / name).touch()
    done = snapshot(programs, folder)
    assert (done.returncode, done.stderr) == (0, "")
    kept = sorted(file.name for file in folder.iterdir())
    assert kept[0] == "20240102T000000Z-reset.db" and kept[1].endswith("Z-removal.db") and kept[2:] == ["notes.txt"]
    saved, checked = (call for call in programs.calls if call[:2] == ["docker", "exec"])
    assert (
        saved[-3:-1] == ["snapshot", "save"] and checked[-3:-1] == ["snapshot", "status"] and saved[-1] == checked[-1]
    )


@pytest.mark.parametrize(
    ("docker", "needed", "said"),
    [(":", "needed", "etcd does not run, so it cannot be saved first\n"), (":", "", ""), ("exit 1", "", "")],
)
def test_an_etcd_that_does_not_run_is_an_error_where_it_is_needed(programs, tmp_path, docker, needed, said):
    done = snapshot(programs, tmp_path / "none", needed=needed, docker=docker)
    assert (done.returncode, done.stderr) == (1 if needed else 0, said)
    assert not (tmp_path / "none").exists()


def test_a_snapshot_that_etcdctl_does_not_take_is_not_kept(programs, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    programs.add("docker", does='case "$*" in ps*) echo id ;; *status*) echo damaged >&2; exit 1 ;; esac')
    programs.add("mv", "chmod")
    done = programs.run(script("kubernetes/snapshot-etcd.sh", str(folder), "manual", 3, "needed"))
    assert done.returncode == 1 and "damaged" in done.stderr and not list(folder.iterdir())


RULES = """*filter
:FORWARD DROP
:KUBE-SERVICES - [0:0]
-A FORWARD -j KUBE-FORWARD
-A FORWARD -s 10.0.0.0/8 -m comment --comment openpai-pods -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT"""


def test_a_reset_leaves_what_is_not_kubernetes(programs, tmp_path):
    programs.add("systemctl", "kubeadm", "rm")
    programs.add(
        "ip", does='case "$*" in *"route show"*) echo "10.1.0.0/25 via 10.0.0.1"; echo "10.1.0.128/25 via x" ;; esac'
    )
    programs.add("iptables-save", does=f"echo '{RULES}'")
    programs.add("iptables-restore", does=f"cat >{tmp_path}/restored")
    done = programs.run(script("kubernetes/reset.sh"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "restored").read_text().splitlines() == [
        "*filter", ":FORWARD DROP", "-A INPUT -p tcp --dport 22 -j ACCEPT", "COMMIT",
    ]  # fmt: skip
    gone = [call[-1] for call in programs.calls if call[:3] == ["ip", "route", "delete"]]
    assert gone == ["10.1.0.0/25", "10.1.0.128/25"]
    assert ["ip", "link", "delete", "cni0"] in programs.calls
    assert ["systemctl", "--no-reload", "disable", "-q", "--now", "kubelet.service"] in programs.calls


def test_a_reset_that_kubeadm_refuses_goes_no_further(programs):
    programs.add("systemctl", "rm", "ip", "iptables-save", "iptables-restore")
    programs.add("kubeadm", does="echo 'cannot be reset' >&2; exit 1")
    done = programs.run(script("kubernetes/reset.sh"))
    assert done.returncode == 1 and "cannot be reset" in done.stderr
    assert [call[0] for call in programs.calls] == ["systemctl", "systemctl", "kubeadm"]


def test_a_silent_control_plane_is_described(programs):
    programs.add("kubectl", does="exit 1")
    programs.add("journalctl", does="echo 'no space left on device'")
    programs.add(
        "docker", does='case "$*" in *name=etcd) ;; ps*) echo id ;; inspect*) echo exited ;; *) echo panic >&2 ;; esac'
    )
    done = programs.run(control_plane.answering(0))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "the control plane does not come back:",
        "etcd: no container; the kubelet says:", "no space left on device", "kube-apiserver: exited", "panic",
    ]  # fmt: skip


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits of which the first has a sample inventory, and the first one's name."""
    source = tmp_path / "a source"
    (source / "inventory/sample/group_vars").mkdir(parents=True)
    (source / "inventory/sample/group_vars/all.yml").write_text("a: 1\n")

    def git(*words):
        settings = ("-c", "user.name=a", "-c", "user.email=a@example", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *settings, *words], cwd=source, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    first = git("rev-parse", "HEAD").strip()
    git("commit", "-qm", "two", "--allow-empty")
    return source, first


def test_kubespray_is_checked_out_at_its_commit_whatever_was_changed(programs, tmp_path, repository):
    source, commit = repository
    programs.real("git")
    copy = tmp_path / "the user's/kubespray"
    checkout = script("git/check-out", str(copy), str(source), commit)
    assert programs.run(checkout).returncode == 0
    (copy / "inventory/sample/group_vars/all.yml").write_text("changed by hand\n")
    (copy / "inventory/pai").mkdir()
    (copy / "inventory/pai/hosts.yml").write_text("hosts\n")
    assert programs.run(checkout).returncode == 0
    assert (copy / "inventory/sample/group_vars/all.yml").read_text() == "a: 1\n"
    assert (copy / "inventory/pai/hosts.yml").exists(), "what is not the repository's stays"
    assert (copy / ".git/HEAD").read_text().strip() == commit
    assert programs.run(script("git/check-out", str(copy), str(source), "f" * 40)).returncode != 0


def test_kubesprays_environment_is_complete_only_with_its_note(programs, tmp_path):
    folder = tmp_path / "pai deploy"
    folder.mkdir()
    venv = folder / "kubespray-venv"
    python = tmp_path / "python3.8"
    python.write_text(
        f'#!/bin/sh\nmkdir -p "$3/bin" && cp {programs.folder}/pip {programs.folder}/ansible-playbook "$3/bin"\n'
    )
    python.chmod(0o755)
    programs.add("pip", does="[ ! -e fails ] || exit 1")
    programs.add("ansible-playbook")
    install = script("kubespray/install.sh", str(folder), str(python), "markupsafe<2.1\n", "note of it")
    (tmp_path / "fails").touch()
    assert programs.run(install, tmp_path).returncode == 1 and not (venv / "installed").exists()
    (tmp_path / "fails").unlink()
    assert programs.run(install, tmp_path).returncode == 0 and (venv / "installed").read_text() == "note of it"
    assert (venv / "limits.txt").read_text() == "markupsafe<2.1\n"
    assert programs.calls[-2][-4:] == ["-r", f"{folder}/kubespray/requirements.txt", "-c", f"{venv}/limits.txt"]


def played(programs, folder, playbook):
    """kubespray run in a unit, as systemd-run would start it."""
    (folder / "kubespray-venv/bin").mkdir(parents=True)
    (folder / "kubespray/inventory/pai/artifacts").mkdir(parents=True)
    (folder / "kubespray/inventory/pai/artifacts/admin.conf").write_text("credentials")
    programs.real("install")
    programs.add("ansible-playbook", does=playbook)
    (folder / "kubespray-venv/bin/ansible-playbook").symlink_to(programs.folder / "ansible-playbook")
    programs.add("systemctl", does="case $1 in is-active) exit 3 ;; show) echo 0 ;; esac")
    # systemd turns `$$` into `$`, and $NAME where it is a word of its own or in braces.
    programs.add(
        "systemd-run",
        does='for text; do :; done; text=$(printf "%s\\n" "$text" | sed "s/[$][$]/$/g"); sh -c "$text" || :',
    )
    play = detached.literal(script("kubespray/play.sh", str(folder), "note of it"))
    return programs.run(StringCommand(script("kubespray/run.sh", "deploy.service", ME, "/home/me", str(folder)), play))


def test_kubespray_is_run_in_a_unit_of_its_own_and_noted(programs, tmp_path):
    folder = tmp_path / "pai deploy"
    done = played(programs, folder, "echo ok: [openpai-001]")
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "kubespray.log").read_text() == "ok: [openpai-001]\n"
    assert (folder / "kubespray.status").read_text() == "0\n"
    assert (folder / "kubespray.converged").read_text() == "note of it"
    unit = next(call for call in programs.calls if call[0] == "systemd-run")
    assert unit[1:7] == ["--quiet", "--collect", "--unit=deploy.service", f"--uid={ME}", "--setenv=HOME=/home/me",
                         "--setenv=ANSIBLE_FORCE_COLOR=0"]  # fmt: skip


def test_a_kubespray_that_fails_is_not_noted(programs, tmp_path):
    done = played(programs, tmp_path / "pai", "echo 'fatal: [openpai-001]'; exit 2")
    assert (done.returncode, done.stderr) == (1, f"kubespray failed; its log: {tmp_path}/pai/kubespray.log\n")
    assert (tmp_path / "pai/kubespray.status").read_text() == "2\n"
    assert not (tmp_path / "pai/kubespray.converged").exists()


def test_the_data_of_openpais_configmaps_are_told_but_of_its_configuration_the_sums(programs, tmp_path):
    texts = {"layout.yaml": "a: '%s'\n\n", "services-configuration.yaml": "- \\n\n  $HOME", "config.yaml": ""}
    listed = [f"pai-configuration/{name}\x1e{text}\x1e" for name, text in texts.items()]
    listed += ["openpai-deploy/webportal\x1eabc\x1e", "pai-cluster-id/cluster-id\x1epai\x1e"]
    (tmp_path / "listed").write_text("".join(listed))
    programs.add("kubectl", does=f'case "$*" in *configmap*pai-configuration*) cat {tmp_path}/listed ;; esac')
    done = programs.run(OpenPai().command(kubeconfig="/kube/config", folder=str(tmp_path)))
    state = OpenPai().process(done.stdout.splitlines())
    assert state.pushed == {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    assert (state.started, state.cluster_id) == ({"webportal": "abc"}, "pai")
    assert not any(text in done.stdout for text in texts.values() if text)


@pytest.mark.parametrize(
    ("diff", "labels", "found", "asked"),
    [
        (0, "", "same", 1),
        (1, "plugin map[app.kubernetes.io/managed-by:openpai-deploy]", "differs", 2),
        (1, "", "differs", 2),
        (1, "plugin map[app:theirs]", "same", 2),
    ],
)
def test_what_is_as_its_manifest_says_costs_one_question_and_somebody_elses_is_left_alone(
    programs, diff, labels, found, asked
):
    programs.add("kubectl", does=f"case $1 in diff) exit {diff} ;; get) echo '{labels}' ;; esac")
    done = programs.run(script("kubernetes/manifest-differs.sh", "kubectl", "/manifest.yaml", "daemonset/plugin"))
    assert done.stdout.strip() == found and len(programs.calls) == asked
