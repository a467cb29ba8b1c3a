"""The lab itself: hosts like real machines, services on the gateway, and nothing left behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from cluster import load
from lab import process, services, state
from lab.api import Lab
from lab.settings import CACHE, PREFIX, PROJECT, STATE
from lab.shell import LabError, run
from lab.wait import wait_until
from tests.lab.boots import boot_id, booted_after
from tests.lab.harness import new_lab

NAME = f"{PREFIX}lt"
HALF = f"{PREFIX}lthalf"
VENDOR = """
set -e
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/docker /etc/apt/keyrings
cat > /etc/apt/keyrings/docker.asc
echo "Acquire::http::Proxy \\"http://{gateway}:3128\\";" > /etc/apt/apt.conf.d/90proxy
. /etc/os-release
echo "deb [signed-by=/etc/apt/keyrings/docker.asc] http://{gateway}:8080/docker/linux/$ID $VERSION_CODENAME stable" \
    > /etc/apt/sources.list.d/docker.list
echo '{{"insecure-registries": ["{gateway}:5000"], "registry-mirrors": ["http://{gateway}:5000"]}}' \
    > /etc/docker/daemon.json
apt-get -q update >&2
apt-get -qy install --no-install-recommends docker-ce docker-ce-cli containerd.io >&2
"""


@pytest.fixture(scope="module")
def small():
    """A lab of one worker, which the tests may break."""
    with new_lab("lt", workers=1) as made:
        yield made


def cli(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m lab` with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *arguments], cwd=PROJECT, input=stdin, capture_output=True, text=True, check=False
    )


def inside(lab: Lab, host: str, command: str) -> str:
    """Output of a command that must succeed on the host."""
    done = lab.run(host, command)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def traces(lab_name: str, gateway: str) -> dict[str, list[str]]:
    """Everything on the machine that belongs to the lab of that name; other labs may come and go meanwhile."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    # Not by a walk through all cgroups: other labs' and the machine's own go at any time.
    hierarchies = [Path(line.split()[1]) for line in mounts if line.split()[2] in ("cgroup", "cgroup2")]
    cgroups = [str(path) for path in hierarchies if (path / "openpai-lab" / lab_name).exists()]
    links = json.loads(run("ip", "-json", "link", "show").stdout)
    interfaces = [name for link in links for name in (link["ifname"], *link.get("altnames", ()))]
    rules = [shlex.split(line) for line in run("iptables-save").stdout.splitlines()]
    sockets = run("ss", "-Hltun").stdout.splitlines()
    commands = [process.command_line(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return {
        "processes": [str(pid) for pid in process.find(lab_name)],
        "commands": [str(line) for line in commands if f"/openpai-lab/{lab_name}/".encode() in line],
        "mounts": [line for line in mounts if f"/openpai-lab/{lab_name}/" in line],
        "interfaces": [name for name in interfaces if name == f"pai-{lab_name}" or name.startswith(f"vb-{lab_name}-")],
        "rules": [" ".join(rule) for rule in rules if {f"openpai-lab-{lab_name}", f"pai-{lab_name}"} & set(rule)],
        "sockets": [line for line in sockets if f" {gateway}:" in line],
        "cgroups": cgroups,
        "nspawn": [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{lab_name}-*")],
        "state": [str(path) for path in STATE.glob(lab_name)],
        "folder": [str(path) for path in (PROJECT / "inventories").glob(f"{lab_name}*") if path.stem == lab_name],
    }


def test_a_command_that_its_host_stops_is_not_waited_for_for_ever(lab):
    """A shutdown stops every process of the host before it ends them, and nsenter stops itself with its own."""
    pool = ThreadPoolExecutor(1)
    said = pool.submit(lab.run, "openpai-001", "kill -STOP $$; cat", "went on")
    try:
        assert said.result(timeout=20).stdout == "went on"
    finally:
        pool.shutdown(wait=False)


def test_a_host_is_reached_over_ssh_with_the_password(small):
    done = cli("ssh", "--name", NAME, "openpai-001", "id -un; hostname; sudo -n true")
    assert done.stdout.split() == ["paiadmin", "openpai-001"]
    assert done.returncode == 1 and "password is required" in done.stderr


def test_sudo_takes_the_password(small):
    done = cli("ssh", "--name", NAME, "openpai-001", "sudo -S -p '' id -u", stdin=f"{small.password}\n")
    assert done.stdout.strip() == "0", done.stderr


def test_the_cluster_folder_is_valid_and_private(small):
    cluster = load(small.folder)
    assert {host.name: host.address for host in cluster.hosts} == {host.name: host.address for host in small.hosts}
    assert (small.folder / "config.yaml").stat().st_mode & 0o777 == 0o600
    assert small.inventory == small.folder.with_suffix(".py")


def test_the_password_is_in_the_folder_alone(small):
    found = subprocess.run(
        ["grep", "-rlF", small.password, STATE / NAME, small.inventory], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""


def test_hosts_are_bare_and_differ(small):
    names = [host.name for host in small.hosts]
    for program in ("docker", "python3", "curl", "gpg", "ntpd", "chronyd"):
        assert small.run("openpai-001", f"command -v {program}").returncode != 0, program
    for file in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub", "/sys/class/net/host0/address"):
        assert len({inside(small, name, f"cat {file}") for name in names}) == len(names), file
    assert [inside(small, name, "cat /etc/hostname") for name in names] == names
    assert inside(small, "openpai-001", "systemctl is-system-running --wait") == "running"


def test_hosts_reach_each_other_whatever_the_machines_forward_policy(small):
    with state.lock("forward-policy"):  # another run of this test would take DROP for what to put back
        policy = run("iptables", "-S", "FORWARD").stdout.split()[2]
        run("iptables", "-P", "FORWARD", "DROP")
        try:
            inside(small, "dev-box", f"ping -c 1 -W 2 {small.address('openpai-001')}")
        finally:
            run("iptables", "-P", "FORWARD", policy)


def test_hosts_have_no_way_out(small):
    start = time.monotonic()
    assert "Net Unreachable" in small.run("dev-box", "ping -c 1 -W 5 192.0.2.200").stdout
    assert time.monotonic() - start < 4, "what cannot be reached is refused at once"


def test_hosts_cannot_set_the_machines_clock(small):
    set_to_now = "sudo -S -p '' sh -c 'date -s @$(date +%s)'"
    done = cli("ssh", "--name", NAME, "dev-box", set_to_now, stdin=f"{small.password}\n")
    assert done.returncode == 1 and "not permitted" in done.stderr


def test_another_labs_hosts_are_out_of_reach(small, lab):
    assert small.gateway != lab.gateway
    assert small.run("dev-box", f"ping -c 1 -W 1 {lab.address('dev-box')}").returncode != 0


def test_the_vendors_way_to_docker_runs_containers(small):
    key = (small.web_root / "docker/linux/debian/gpg").read_text()
    done = small.run("openpai-001", VENDOR.format(gateway=small.gateway), stdin=key)
    assert done.returncode == 0, done.stderr
    versions = inside(small, "openpai-001", "apt-cache madison docker-ce").splitlines()
    assert [line.split("|")[1].strip().split("~")[1] for line in versions] == ["3-0", "2-0"]
    assert "Hello from Docker!" in inside(small, "openpai-001", "docker run --rm hello-world")
    image = f"{small.gateway}:5000/busybox"
    assert inside(small, "openpai-001", f"docker run --rm --privileged {image} echo yes") == "yes"
    inside(small, "openpai-001", f"docker run -d --name box --oom-score-adj=-500 {image} sleep 600")
    assert inside(small, "openpai-001", "docker exec --privileged box echo yes") == "yes"
    inside(small, "openpai-001", "docker rm -f box")  # it would hold up the next reboot


def test_a_host_survives_its_reboot(small):
    before = boot_id(small, "openpai-001")
    inside(small, "openpai-001", "echo kept > /root/mark; systemctl reboot")
    booted_after(small, "openpai-001", before)
    assert inside(small, "openpai-001", "cat /root/mark") == "kept"
    assert cli("ssh", "--name", NAME, "openpai-001", "hostname").stdout.strip() == "openpai-001"
    inside(small, "openpai-001", f"ping -c 1 -W 2 {small.gateway}")


def test_status_is_a_table_and_tells_what_is_down(small):
    assert cli("status", "--name", NAME).returncode == 0
    small.stop("openpai-001")
    done = cli("status", "--name", NAME)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["LAB", "HOST", "ROLE", "SUITE", "ADDRESS", "STATE"]
    assert [row[1:3] + row[-1:] for row in rows[1:4]] == [
        ["dev-box", "dev_box", "up"],
        ["openpai-master-01", "master", "up"],
        ["openpai-001", "worker", "down"],
    ]
    assert rows[4][2:] == ["proxy", "-", f"{small.gateway}:3128", "up"]
    assert done.returncode == 1


def test_up_boots_what_is_down_from_its_disk_and_keeps_the_config(small):
    small.configure(ntp_hosts="master")
    inside(small, "dev-box", "echo kept > /root/mark")
    small.stop("dev-box")
    small.up()
    assert inside(small, "dev-box", "cat /root/mark") == "kept"
    assert load(small.folder).config.ntp_hosts == "master"


def test_up_after_everything_was_killed(small):
    process.kill(NAME)
    small.up()
    assert cli("status", "--name", NAME).returncode == 0


def test_a_host_without_its_supervisor_is_booted_again(small):
    for pid in process.find(NAME, "host:dev-box"):
        if b"lab.supervisor" in process.command_line(pid):
            os.kill(pid, signal.SIGKILL)
            wait_until(partial(process.ended, pid), 10)
    before = boot_id(small, "dev-box")
    small.up()
    assert boot_id(small, "dev-box") != before


def test_a_worker_is_added_and_none_is_dropped(small):
    small.up(workers=2)
    assert [host.name for host in load(small.folder).workers] == ["openpai-001", "openpai-002"]
    assert inside(small, "openpai-002", "hostname") == "openpai-002"
    with pytest.raises(LabError, match="has openpai-002 as well"):
        small.up(workers=1)
    with pytest.raises(LabError, match="there already, with another suite"):
        small.up(suite="trixie")


def test_a_reset_host_is_bare_again(small):
    key = inside(small, "openpai-002", "touch /root/mark; cat /etc/ssh/ssh_host_ed25519_key.pub")
    small.reset("openpai-002")
    assert small.run("openpai-002", "test -e /root/mark").returncode == 1
    assert inside(small, "openpai-002", "cat /etc/ssh/ssh_host_ed25519_key.pub") != key
    assert cli("ssh", "--name", NAME, "openpai-002", "hostname").stdout.strip() == "openpai-002"


def test_a_password_that_was_taken_out_is_missed(small):
    password = small.password
    small.configure(password=None)
    done = cli("ssh", "--name", NAME, "dev-box", "true")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "has no password any more" in done.stderr
    small.configure(password=password)
    assert cli("ssh", "--name", NAME, "dev-box", "true").returncode == 0


def test_a_service_that_ended_is_started_again(small):
    process.kill(NAME, "registry")
    process.kill(NAME, "clock")
    # Another process has the number that the killed chronyd left in its file.
    (small.state.directory / "services/clock.pid").write_text(f"{os.getpid()}\n")
    small.up()
    assert cli("status", "--name", NAME).returncode == 0


def test_a_taken_port_is_named(small):
    process.kill(NAME, "registry")
    with socket.create_server((small.gateway, 5000)), pytest.raises(LabError, match=r"port 5000 of .* is taken"):
        small.up()
    small.up()


def test_a_folder_with_somebodys_cluster_is_refused(tmp_path):
    (tmp_path / "master.csv").write_text("m,10.0.0.1\n")
    with pytest.raises(LabError, match="holds files that no lab made"):
        Lab(HALF).up(folder_path=tmp_path)
    assert not (STATE / HALF).exists()


def test_a_half_made_lab_is_cleared():
    left = STATE / HALF / "hosts/dev-box/upper"
    left.mkdir(parents=True)
    subprocess.run(["ip", "link", "add", f"pai-{HALF}", "type", "bridge"], check=True)
    assert cli("down", "--name", HALF).returncode == 0
    assert not any(traces(HALF, "no address").values())


def test_down_leaves_nothing(small):
    gateway = small.gateway
    present = traces(NAME, gateway)
    assert all(present[kind] for kind in present if kind != "mounts"), "the test must see what it looks for"
    small.down()
    assert not any(traces(NAME, gateway).values())
    assert cli("down", "--name", NAME).returncode == 0, "there is nothing to end, which is no error"


def test_a_cached_base_is_used_by_every_lab(lab):
    assert {Path(host.base).parent for host in lab.hosts} == {CACHE}
    assert all(services.running(lab.state, service) for service in services.SERVICES)
