"""Preflight against an Ansible playbook with OpenPAI's own checks, on the same lab hosts in one run.

    python -m bench.preflight [--workers N] [--rounds N]

Makes a lab of its own, gives its hosts what Ansible needs (Python) and both sides the same SSH key, sudo without a
password and a warm page cache, then times both in turn and prints the medians and their ratio. Preflight's time is that
of the whole pyinfra command. Ansible runs with pipelining, persistent connections and as many forks as hosts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import yaml

from lab import commands
from lab.api import Lab
from lab.settings import CACHE, PREFIX, PROXY_PORT, USER
from lab.shell import LabError

HERE = Path(__file__).parent
ANSIBLE = "ansible-core>=2.16,<2.20"
# Everything is measured at rest of this length before each run, so that neither side pays for the other's end.
PAUSE = 2.0


def ansible() -> Path:
    """ansible-core in an environment of its own, outside the checkout; made once."""
    folder = CACHE / "bench-ansible"
    program = folder / "bin/ansible-playbook"
    if not program.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin/pip", "install", "-qq", ANSIBLE], check=True)
    return program


def prepare(lab: Lab, key: Path) -> None:
    """Python, the key, and sudo without a password on every host."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text()
    apt = f"apt-get -q -o Acquire::http::Proxy=http://{lab.gateway}:{PROXY_PORT}"
    script = (
        f"set -e; export DEBIAN_FRONTEND=noninteractive; {apt} update; "
        f"{apt} -y install --no-install-recommends python3 procps; "
        f"install -d -m 700 -o {USER} -g {USER} ~{USER}/.ssh; cat >~{USER}/.ssh/authorized_keys; "
        f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/bench"
    )
    for host in lab.hosts:
        done = lab.run(host.name, script, stdin=public)
        if done.returncode != 0:
            raise LabError(f"{host.name}: {done.stderr.strip()}")


def inventory(lab: Lab, key: Path) -> Path:
    """The lab as Ansible's inventory."""
    groups: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for host in lab.hosts:
        groups.setdefault(host.role, {"hosts": {}})["hosts"][host.name] = {"ansible_host": host.address}
    registry, web = f"http://{lab.gateway}:5000/v2/", f"http://{lab.gateway}:8080"
    variables = {
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(key),
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={lab.folder}/known_hosts",
        "registry_url": registry,
        "source_url": f"{web}/docker/linux/debian/dists/bookworm/InRelease",
        "dev_box": next(host.address for host in lab.hosts if host.role == "dev_box"),
        "min_memory_mb": 1024,
    }
    path = lab.folder / "ansible.yml"
    path.write_text(yaml.safe_dump({"all": {"children": groups, "vars": variables}}))
    return path


def timed(argv: Sequence[str | Path], settings: Mapping[str, str] = commands.SETTINGS) -> float:
    """Seconds that a command takes; its output is shown only when it fails."""
    time.sleep(PAUSE)
    start = time.monotonic()
    done = commands.run(argv, settings=settings)
    took = time.monotonic() - start
    if done.status:
        raise LabError(f"{argv[0]} failed:\n{done.output}")
    return took


@click.command()
@click.option("--workers", default=4, show_default=True, help="Workers beside the dev box and the master.")
@click.option("--rounds", default=3, show_default=True, help="Times that each side runs.")
def main(workers: int, rounds: int) -> None:
    """Time preflight and the playbook in turn; print the medians and their ratio."""
    lab = Lab(f"{PREFIX}benchp", click.echo)
    lab.down()
    lab.up(workers=workers)
    try:
        key = lab.folder / "id_ed25519"
        prepare(lab, key)
        hosts = len(lab.hosts)
        ours = commands.pyinfra(lab, file="tasks.preflight.check")
        theirs: list[str | Path] = [ansible(), "-i", inventory(lab, key), HERE / "playbook.yml"]
        settings = {
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_FORKS": str(hosts),
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
            "ANSIBLE_NOCOWS": "1",
        }
        # Once each untimed: host keys get pinned, caches filled, connections of Ansible opened.
        timed(ours)
        timed(theirs, settings)
        figures: dict[str, list[float]] = {"preflight": [], "ansible": []}
        for _ in range(rounds):
            figures["preflight"].append(timed(ours))
            figures["ansible"].append(timed(theirs, settings))
    finally:
        lab.down()
    for side, seconds in figures.items():
        shown = " ".join(f"{each:.2f}" for each in seconds)
        click.echo(f"{side:10} {hosts} hosts  median {statistics.median(seconds):6.2f} s  ({shown})")
    ratio = statistics.median(figures["ansible"]) / statistics.median(figures["preflight"])
    click.echo(f"preflight is {ratio:.1f} times as fast")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
