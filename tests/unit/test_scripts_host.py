"""The programs of files/ for SSH, Docker and the driver, run by a shell with stand-ins for what they drive."""

import json
import os
import pwd

import pytest
from pyinfra.api import StringCommand

from tasks.docker.facts import Unowned
from tasks.reach import script
from tasks.ssh.facts import Ssh
from tasks.systemd import GPU_PROCESSES
from tests.unit.stand_ins import StandIns

HOSTILE = 'ssh-ed25519 AAAA it\'s "mine" $(touch PWNED) `touch PWNED` *'
ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def programs(tmp_path):
    (tmp_path / "bin").mkdir()
    return StandIns(tmp_path / "bin")


def mode(path):
    return path.stat().st_mode & 0o777


def test_files_that_no_package_owns_are_named(programs, tmp_path):
    programs.real("dpkg-query")
    mine = tmp_path / "it is mine"
    mine.touch()
    for asked, unowned in (
        (["/usr/bin/env", "/nowhere", str(mine)], [str(mine)]),
        ([str(mine)], [str(mine)]),
        (["/usr/bin/env"], []),
        (["/nowhere"], []),
    ):
        done = programs.run(Unowned().command(asked))
        assert Unowned().process(done.stdout.splitlines()) == unowned


@pytest.mark.parametrize("before", [None, "", "old\n", "old, its line not ended"])
def test_lines_are_added_after_those_that_are_there(programs, tmp_path, before):
    programs.real("chown", "id", "install")
    path = tmp_path / "home of/.ssh/authorized_keys"
    path.parent.parent.mkdir()
    if before is not None:
        path.parent.mkdir(mode=0o755)
        path.write_text(before)
    done = programs.run(script("ssh/add-lines.sh", str(path), ME, f"{HOSTILE}\nsecond"))
    assert (done.returncode, done.stderr) == (0, "")
    old = f"{before}\n" if before and not before.endswith("\n") else before or ""
    assert path.read_text() == f"{old}{HOSTILE}\nsecond\n"
    assert mode(path) == 0o600 and mode(path.parent) == (0o700 if before is None else 0o755)
    assert [file.name for file in path.parent.iterdir()] == ["authorized_keys"]


def test_a_key_pair_is_made_once_and_its_lost_half_made_again(programs, tmp_path):
    programs.real("chown", "id", "install", "ssh-keygen", "hostname")
    programs.add("getent", does=f"echo 'x:x:0:0::{tmp_path}/it is home:/bin/sh'")
    (tmp_path / "it is home").mkdir()
    key = tmp_path / "it is home/.ssh/id_ed25519"
    made = script("ssh/make-key-pair.sh", ME)
    assert programs.run(made).returncode == 0
    private, public = key.read_text(), key.with_suffix(".pub").read_text()
    assert (mode(key), mode(key.with_suffix(".pub")), mode(key.parent)) == (0o600, 0o644, 0o700)
    key.with_suffix(".pub").unlink()
    (key.parent / "id_ed25519.new").write_text("of a run that was killed")
    assert programs.run(made).returncode == 0
    assert (key.read_text(), key.with_suffix(".pub").read_text().split()[:2]) == (private, public.split()[:2])
    assert sorted(file.name for file in key.parent.iterdir()) == ["id_ed25519", "id_ed25519.pub"]


@pytest.mark.parametrize("may", [True, False], ids=["own", "squashed"])
def test_the_user_is_at_home_where_root_may_not_be(programs, tmp_path, may):
    """As on NFS with root_squash; a home that is not there stands for it, as root may write everywhere else."""
    if may:
        (tmp_path / "home").mkdir()
    programs.add("getent", does=f"echo 'x:x:0:0::{tmp_path}/home:/bin/sh'")
    programs.add("runuser", does='shift 3; HERS=yes exec "$@"')
    programs.add("write", "cat", does=f'[ -d {tmp_path}/home ] || [ -n "$HERS" ] && echo a key')
    assert programs.run(script("ssh/at-home.sh", ME, "write", "a b")).returncode == 0
    assert [call[:4] for call in programs.calls if call[0] == "runuser"] == [["runuser", "-u", ME, "--"]] * (not may)
    assert programs.calls[-1] == ["write", "a b"]

    found = Ssh().process(programs.run(Ssh().command(ME)).stdout.splitlines())
    assert found.authorized_keys == ("a key",) and found.public_key == "a key"
    assert len([call for call in programs.calls if call[0] == "runuser"]) == (0 if may else 4)


@pytest.mark.parametrize(
    ("files", "unreadable", "hers"),
    [
        (["authorized_keys"], "none", 0),
        (["authorized_keys", "id_rsa.pub", "known_hosts"], "none", 0),
        (["authorized_keys", "known_hosts"], "authorized_keys", 1),  # root_squash, and a folder that all may look into
        (["authorized_keys", "id_rsa.pub"], "id_rsa.pub", 1),
        ([], "none", 3),  # an empty folder, or one that root may not look into
    ],
)
def test_the_user_is_asked_only_for_what_root_cannot_tell(programs, tmp_path, files, unreadable, hers):
    """A worker has no key pair: that it is not there needs no look of the user's own."""
    (tmp_path / "home/.ssh").mkdir(parents=True)
    for name in files:
        (tmp_path / "home/.ssh" / name).write_text(f"of {name}\n")
    programs.add("getent", does=f"echo 'x:x:0:0:A, B:{tmp_path}/home:/bin/sh'")
    programs.add("runuser", does='shift 3; HERS=yes exec "$@"')
    programs.add("cat", does=f'case $1 in */{unreadable}) [ "$HERS" ] || exit 1 ;; esac; exec /bin/cat "$@"')
    found = Ssh().process(programs.run(Ssh().command(ME)).stdout.splitlines())
    assert found.home == f"{tmp_path}/home"
    assert found.public_key == ("of id_rsa.pub" if "id_rsa.pub" in files else "")
    assert found.authorized_keys == (("of authorized_keys",) if files else ())
    assert found.known_hosts == (("of known_hosts",) if "known_hosts" in files else ())
    assert len([call for call in programs.calls if call[0] == "runuser"]) == hers


@pytest.mark.parametrize("valid", [True, False])
def test_a_sudoers_file_counts_only_once_visudo_takes_it(programs, tmp_path, valid):
    programs.add("visudo", does=f"exit {0 if valid else 1}")
    path = tmp_path / "90-deploy"
    done = programs.run(script("ssh/write-sudoers.sh", str(path), HOSTILE))
    assert (done.returncode == 0) is path.exists() is valid
    assert not (tmp_path / "90-deploy.new").exists()
    assert programs.calls == [["visudo", "-cqf", f"{path}.new"]]
    if valid:
        assert (path.read_text(), mode(path)) == (f"{HOSTILE}\n", 0o440)


@pytest.fixture
def daemon_json(tmp_path):
    path = tmp_path / "daemon.json"
    path.write_text("old")
    (tmp_path / "daemon.json.new").write_text("new")
    return path


@pytest.mark.parametrize(
    ("dockerd", "taken"),
    [
        ("case $1 in --help) echo '  --validate  check' ;; *) exit 0 ;; esac", True),
        ("case $1 in --help) echo '  --validate  check' ;; *) echo 'unknown key' >&2; exit 1 ;; esac", False),
        ("case $1 in --help) echo '  --config-file' ;; *) exit 1 ;; esac", True),
    ],
    ids=["valid", "invalid", "cannot tell"],
)
@pytest.mark.parametrize("keep", ["keep", ""])
def test_dockers_file_is_replaced_if_dockerd_takes_it(programs, daemon_json, dockerd, taken, keep):
    programs.add("dockerd", does=dockerd)
    done = programs.run(script("docker/replace-config.sh", str(daemon_json), keep))
    assert (done.returncode == 0) is taken
    assert daemon_json.read_text() == ("new" if taken else "old")
    assert not daemon_json.with_name("daemon.json.new").exists()
    previous = daemon_json.with_name("daemon.json.previous")
    assert previous.exists() is bool(taken and keep)
    if taken:
        assert mode(daemon_json) == 0o644
        assert not keep or previous.read_text() == "old"


def restart(programs, daemon_json):
    """Docker restarted, as one that runs with any file but the one that says `bad`."""
    programs.add("systemctl", "journalctl", does='[ "$1" != -u ] || echo "failed to start daemon"')
    programs.add("timeout", does='shift; exec "$@"')
    programs.add("docker", does=f"! grep -q bad {daemon_json}")
    return programs.run(script("docker/restart.sh", str(daemon_json), 90))


def test_a_docker_that_comes_back_is_left_alone(programs, daemon_json):
    assert restart(programs, daemon_json).returncode == 0
    assert programs.calls == [
        ["systemctl", "restart", "docker.service"], ["timeout", "90", "docker", "info"], ["docker", "info"],
    ]  # fmt: skip


@pytest.mark.parametrize("previous", [True, False])
def test_a_docker_that_does_not_come_back_gets_its_previous_file(programs, daemon_json, previous):
    daemon_json.write_text("bad")
    if previous:
        daemon_json.with_name("daemon.json.previous").write_text("old")
    done = restart(programs, daemon_json)
    assert done.returncode == 1
    assert f"failed to start daemon\ndockerd does not start with {daemon_json}\n" in done.stderr
    assert ("runs again with the previous file" in done.stderr) is previous
    assert daemon_json.read_text() == ("old" if previous else "bad")
    assert daemon_json.with_name("daemon.json.rejected").exists() is previous


def test_the_runfile_takes_the_packages_place_with_the_kernels_compiler(programs, tmp_path):
    programs.add("systemctl", "apt-get", "modprobe", "nvidia-smi", "gcc-12")
    under_way, noted = tmp_path / "under-way", tmp_path / "noted.json"
    runfile = tmp_path / "the runfile.run"
    runfile.write_text(f'printf \'{{"cc": "%s", "options": "%s"}}\' "$CC" "$*" >"{noted}"\n')
    words = (str(under_way), str(runfile), "nvidia-driver libcuda1", "12", "--dkms")
    command = script("gpu/install-runfile.sh", *words, library=GPU_PROCESSES)
    done = programs.run(command)
    assert (done.returncode, done.stderr) == (0, "")
    options = "--silent --no-x-check --no-nouveau-check --no-opengl-files --dkms"
    assert json.loads(noted.read_text()) == {"cc": f"{programs.folder}/gcc-12", "options": options}
    tried, purge = (call for call in programs.calls if call[0] == "apt-get")
    assert tried[-4:] == ["purge", "--simulate", "nvidia-driver", "libcuda1"]
    assert purge[-3:] == ["purge", "nvidia-driver", "libcuda1"]
    stopped, started = (["systemctl", verb, "display-manager.service"] for verb in ("stop", "start"))
    assert programs.calls.index(stopped) < programs.calls.index(purge) < programs.calls.index(started)
    assert under_way.read_text() == "display-manager.service\n", "what is under way is ended by what comes after"


def runfile_command(tmp_path, packages="nvidia-driver libcuda1"):
    """The installation with this folder's `under-way`, `runfile` and loaded modules."""
    (tmp_path / "runfile").write_text(f"touch {tmp_path}/installed\n")
    words = (f"{tmp_path}/under-way", f"{tmp_path}/runfile", packages, "12")
    command = script("gpu/install-runfile.sh", *words, library=GPU_PROCESSES)
    return StringCommand(command.get_raw_value().replace("/sys/module", f"{tmp_path}/modules"))


def test_the_runfile_takes_no_package_of_others_with_it(programs, tmp_path):
    plan = (
        "Purg nvidia-fs-dkms [2.13]",
        "Purg libcuda1:i386 [535]",
        "Inst nvidia-open-kernel-dkms",
        "Purg libcuda1 [535]",
    )
    programs.add("systemctl", "modprobe", "nvidia-smi")
    programs.add("apt-get", does="printf '%s\\n' " + " ".join(f"'{line}'" for line in plan))
    done = programs.run(runfile_command(tmp_path))
    assert done.returncode == 1
    assert "without these of others: nvidia-fs-dkms nvidia-open-kernel-dkms; remove those yourself" in done.stderr
    assert [call for call in programs.calls if call[0] != "apt-get" or "--simulate" not in call] == []
    assert not (tmp_path / "under-way").exists() and not (tmp_path / "installed").exists()


def test_a_driver_in_use_is_neither_purged_nor_left_half_unloaded(programs, tmp_path):
    programs.real("find", "paste", "sort")
    for module in ("nvidia_uvm", "nvidia", "nvidia/holders/nvidia_fs"):
        (tmp_path / "modules" / module).mkdir(parents=True)
    programs.add("apt-get", "nvidia-smi", "systemctl")
    programs.add("modprobe", does='[ "$*" != "-r nvidia" ]')
    done = programs.run(runfile_command(tmp_path))
    assert done.returncode == 1
    assert "cannot be unloaded: it is used by" in done.stderr and "module nvidia_fs; end that" in done.stderr
    assert [call for call in programs.calls if call[0] == "apt-get" and "--simulate" not in call] == []
    assert [call[1:] for call in programs.calls if call[0] == "modprobe"] == [
        ["-r", "nvidia_uvm"],
        ["-r", "nvidia"],
        ["-a", "nvidia_uvm"],
    ]
    started = [call[2:] for call in programs.calls if call[:2] == ["systemctl", "start"]]
    services = ["nvidia-persistenced.service", "nvidia-fabricmanager.service"]
    assert started == [services, ["display-manager.service"]]
    assert not (tmp_path / "under-way").exists() and not (tmp_path / "installed").exists()
