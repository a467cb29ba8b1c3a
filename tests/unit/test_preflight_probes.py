"""Single probes of the snapshot, run by a shell over a host's files in a folder and with stand-ins for its programs."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pyinfra.api import StringCommand

from tasks.preflight.facts import PACKAGES
from tasks.reach import FILES
from tests.unit.stand_ins import StandIns

TEXTS = [(FILES / f"preflight/{name}.sh").read_text() for name in ("urls", "snapshot")]
SNAPSHOT = "\n".join(TEXTS).partition("\nsnapshot </dev/null")[0]


@pytest.fixture
def host(tmp_path):
    """Programs, and what a probe says with other paths in place of some of the host's."""
    (tmp_path / "bin").mkdir()
    programs = StandIns(tmp_path / "bin")

    def ask(probe: str, given: str = "", given_after: str = "", **paths: object) -> list[str]:
        text = SNAPSHOT.replace("PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "")
        for name, path in paths.items():
            text = text.replace("/" + name.replace("_", "/"), str(path))
        command = StringCommand(f"LOCK_WAIT=0 dir={tmp_path}\n{given}\n{text}\n{given_after}\nprobe_{probe}")
        return programs.run(command).stdout.splitlines()

    return programs, ask


def test_one_process_tells_the_room_of_all_folders(host, tmp_path):
    """Of a folder that is not there yet, where it will be; in the order of the question, whatever mount is whose."""
    programs, ask = host
    programs.real("timeout")
    programs.add("df", does='shift; echo Head; for at; do echo "dev ${#at}0 1 ${#at} 9% /"; done')
    (tmp_path / "there").mkdir()
    depth = len(str(tmp_path))
    folders = f"{tmp_path}/there {tmp_path}/not/yet {tmp_path}/there/either /nowhere/at/all"
    assert ask("space", f"FOLDERS='{folders}'") == [
        f"{tmp_path}/there {depth + 6} {depth + 6}0", f"{tmp_path}/not/yet {depth} {depth}0",
        f"{tmp_path}/there/either {depth + 6} {depth + 6}0", "/nowhere/at/all 1 10",
    ]  # fmt: skip
    assert [call[0] for call in programs.calls] == ["df"]


def test_a_folder_whose_room_cannot_be_told_hides_no_other(host, tmp_path):
    programs, ask = host
    programs.real("timeout")
    programs.add(
        "df", does='shift; echo Head; for at; do [ "$at" = /proc ] || echo "dev 10 1 5 9% /"; done; [ $# = 1 ]'
    )
    assert ask("space", "FOLDERS='/usr /proc /etc'") == ["/usr 5 10", "/etc 5 10"]


def test_dpkgs_database_is_read_once_for_what_is_there_and_what_is_unfinished(host):
    programs, ask = host
    lines = (
        "installed docker-ce 5:24.0", "installed docker-ce-cli 5:24.0", "config-files runc 1.1",
        "half-configured curl 8", "triggers-pending libc-bin 2", "installed runc-extra 1",
    )  # fmt: skip
    programs.add("dpkg-query", does="printf '%s\\n' " + " ".join(f"'{line}'" for line in lines))
    said = ask("packages", f"PACKAGES='{' '.join(PACKAGES)}'")
    assert said == ["docker-ce 5:24.0", "", "@@@ unfinished", "half-configured curl", "triggers-pending libc-bin", ""]
    assert len(programs.calls) == 1


@pytest.mark.parametrize("with_ss", [True, False])
def test_a_port_that_is_listened_on_is_named_with_its_process(host, with_ss):
    programs, ask = host
    programs.real("find", "timeout", *["ss"] * with_ss)
    if with_ss and not shutil.which("ss"):
        # `make test` installs it; unit tests alone run on machines that have what they have.
        pytest.skip("this machine has no ss, which some hosts lack too; make packages installs it")
    with (
        socket.create_server(("127.0.0.1", 0)) as old,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as new,
        socket.create_connection(old.getsockname()) as connected,
    ):
        said = ask("ports")
        ports = {line.split()[0]: line.split()[1:] for line in said}
        assert len(ports) == len(said)
        for server in (old, new):
            number, group, *name = ports[str(server.getsockname()[1])]
            assert (number, group) == (str(os.getpid()), "-") and " ".join(name).startswith("py")
        assert str(connected.getsockname()[1]) not in ports


@pytest.mark.parametrize(
    ("group", "container"),
    [
        ("12:pids:/system.slice/ssh.service\n0::/system.slice/ssh.service\n", "-"),
        ("12:pids:/docker/c0ffee\n1:name=systemd:/docker/c0ffee\n", "docker"),
        ("0::/system.slice/docker-c0ffee.scope\n", "docker"),
        ("2:cpu:/kubepods.slice/docker-c0ffee.scope\n", "kubernetes"),
        ("12:pids:/docker/c0ffee\n1:cpu:/kubepods/burstable\n0::/docker\n", "kubernetes"),
    ],
)
def test_whose_container_listens_is_told_by_its_group(host, tmp_path, group, container):
    programs, _ = host
    programs.real("find", "timeout")
    programs.add(
        "ss", does="echo State; echo 'LISTEN 0 128 [::]:8080 [::]:* ino:77 sk:1 <->'; echo 'LISTEN 0 1 *:9 *:* ino:8'"
    )
    for number, name in (("12", "web server"), ("13", "other")):
        (tmp_path / f"proc/{number}/fd").mkdir(parents=True)
        (tmp_path / f"proc/{number}/comm").write_text(f"{name}\n")
        (tmp_path / f"proc/{number}/cgroup").write_text(group)
    (tmp_path / "proc/12/fd/3").symlink_to("socket:[77]")
    (tmp_path / "proc/13/fd/3").symlink_to("socket:[78]")
    text = SNAPSHOT.replace("/proc/", f"{tmp_path}/proc/")
    done = programs.run(StringCommand(f"LOCK_WAIT=0\n{text}\nprobe_ports"))
    assert sorted(done.stdout.splitlines()) == [f"8080 12 {container} web server", "9 - - "]


def test_interfaces_without_an_address_are_passed_over(host, tmp_path):
    (tmp_path / "net/eth0").mkdir(parents=True)
    (tmp_path / "net/eth0/address").write_text("00:11:22:33:44:55\n")
    (tmp_path / "net/bonding_masters").write_text("bond0\n")
    assert host[1]("links", sys_class_net=tmp_path / "net") == ["eth0 00:11:22:33:44:55"]


def test_the_controllers_are_those_that_the_kernel_has_enabled(host, tmp_path):
    listed = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t2\t40\t1\nmemory\t0\t40\t0\npids\t0\t40\t1\n"
    (tmp_path / "cgroups").write_text(listed)
    paths = {"proc_cgroups": tmp_path / "cgroups", "sys_fs_cgroup": tmp_path / "cgroup"}
    assert host[1]("controllers", **paths) == ["cpuset", "pids"]
    (tmp_path / "cgroup").mkdir()
    (tmp_path / "cgroup/cgroup.controllers").write_text("cpuset cpu io\n")
    assert host[1]("controllers", **paths) == ["cpuset cpu io"]


def test_the_largest_initramfs_counts(host, tmp_path):
    for name, size in (("5.15.0-91", 9), ("6.1.0-1", 12), ("6.1.0-1.old", 10)):
        (tmp_path / f"initrd.img-{name}").write_bytes(b"x" * size)
    assert host[1]("initramfs", boot=tmp_path) == ["12"]
    assert host[1]("initramfs", boot=tmp_path / "none") == ["0"]


def test_swaps_are_those_after_the_heading(host, tmp_path):
    (tmp_path / "swaps").write_text("Filename\tType\n/dev/sda2  partition 1\n/swap\\040file file 2\n")
    assert host[1]("swaps", proc_swaps=tmp_path / "swaps") == ["/dev/sda2  partition 1", "/swap\\040file file 2"]


@pytest.mark.parametrize(("lost", "helpers"), [((), 1), (("two",), 4), (("one", "two", "three"), 4)])
def test_apts_urls_are_asked_by_one_process_where_all_are_well(tmp_path, lost, helpers):
    """Where one is not, each is asked by itself, so that only that one is named."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "web").mkdir()
    for name in {"one", "two", "three"} - set(lost):
        (tmp_path / "web" / name).write_text("there\n")
    helper = tmp_path / "apt-helper"
    helper.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\nexec /usr/lib/apt/apt-helper "$@"\n')
    helper.chmod(0o755)
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=f"{tmp_path}/web")
    ) as server:
        threading.Thread(target=server.serve_forever).start()
        base = f"http://127.0.0.1:{server.server_port}"
        urls = "\n".join(f"{name}-source apt - {base}/{name}" for name in ("one", "two", "three"))
        text = SNAPSHOT.replace("/usr/lib/apt/apt-helper", str(helper))
        program = f"LOCK_WAIT=0 dir={tmp_path} URLS='{urls}'\n{text}\nprobe_urls"
        done = subprocess.run(
            ["sh", "-c", program], env={**os.environ, "http_proxy": "", "APT_CONFIG": "/dev/null"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        server.shutdown()
    found = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert found == {f"{name}-source": "404" if name in lost else "200" for name in ("one", "two", "three")}
    assert len((tmp_path / "calls").read_text().splitlines()) == helpers


@pytest.mark.parametrize(
    ("needless", "packages", "asked"),
    [
        ("", "docker-ce 5:24.0", True),
        ("docker-ce", "", True),
        ("docker-ce", "runc 1.1\ndocker-ce 5:24.0\ncurl 8", False),
        ("docker-ce", "docker-ce-cli 5:24.0\nold-docker-ce 1", True),
        ("kubelet", "docker-ce 5:24.0", True),
        ("timeout", "docker-ce 5:24.0", False),
    ],
)
@pytest.mark.parametrize("others", [0, 2])
def test_where_it_comes_from_is_not_asked_of_what_is_there(host, tmp_path, needless, packages, asked, others):
    programs, ask = host
    programs.real("timeout")
    programs.add("apt-helper")
    (tmp_path / "packages").write_text(f"@@@ packages\n{packages}\n\n@@@ unfinished\nhalf-configured docker-ce\n\n")
    urls = "\n".join([f"source apt - http://a/source {needless}", *[f"{n} apt - http://a/{n} " for n in range(others)]])
    said = ask("urls", f"URLS='{urls}'", **{"usr_lib_apt_apt-helper": "apt-helper"})
    assert {line.split()[0] for line in said} == {*map(str, range(others)), *["source"] * asked}
    assert len(programs.calls) == bool(others or asked)


REACH = (FILES / "preflight/reach.pl").read_text()


def test_each_peer_is_told_by_itself_and_sees_nothing_of_it(host):
    """One that listens, one that refuses, one that there is no way to, one that never answers."""
    programs, ask = host
    programs.real("perl", "timeout")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.2", 0), backlog=0) as busy,
        socket.create_connection(busy.getsockname()),
    ):
        listens, silent = (f"{one.getsockname()[0]}:{one.getsockname()[1]}" for one in (server, busy))
        peers = f"{listens} 127.0.0.1:9 255.255.255.255:22 {silent}"
        said = ask("peers", f"PEERS='{peers}' REACH={shlex.quote(REACH)}", given_after="CONNECT=1")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    assert sorted(said) == sorted(
        [f"{listens} ok", "127.0.0.1:9 Connection refused", "255.255.255.255:22 Network is unreachable"]
    )


def test_a_name_is_asked_for_at_each_of_its_addresses(host):
    programs, ask = host
    programs.real("perl", "timeout")
    with socket.create_server(("127.0.0.1", 0)) as server:
        number, given = server.getsockname()[1], f"REACH={shlex.quote(REACH)}"
        said = ask("peers", f"PEERS='127.0.0.1:{number} localhost:{number} [::1]:{number} no-such:1' {given}")
    assert {f"127.0.0.1:{number} ok", f"localhost:{number} ok", f"[::1]:{number} Connection refused"} <= {*said}
    assert any(line.startswith("no-such:1 ") for line in said)


def test_nobody_is_asked_where_there_is_nobody(host):
    assert host[1]("peers", "PEERS=") == []
