"""Ansible as its users tune it: in an environment of its own, pipelining, kept connections, a fork for each host."""

from __future__ import annotations

import re
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path

import yaml

from bench.running import Cost, timed
from lab.api import Lab
from lab.settings import CACHE, PROXY_PORT, USER
from lab.shell import LabError

RELEASES = "ansible-core>=2.19"
HERE = Path(__file__).parent


def program(name: str = "ansible-playbook") -> Path:
    """The newest ansible-core that this Python runs, installed outside the checkout; made once."""
    folder = CACHE / "bench-ansible-core"
    if not (folder / "bin/ansible-playbook").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin/pip", "install", "-qq", RELEASES], check=True)
    return folder / "bin" / name


def version() -> str:
    """The version of ansible-core."""
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition("core ")[2].partition("]")[0]


def prepare(lab: Lab) -> None:
    """What Ansible needs of a host and the project does not: Python, and Python's apt."""
    apt = f"apt-get -q -o Acquire::http::Proxy=http://{lab.gateway}:{PROXY_PORT}"
    script = (
        f"set -e; ! python3 -c 'import apt' || exit 0; export DEBIAN_FRONTEND=noninteractive; {apt} update; "
        f"{apt} -y install --no-install-recommends python3 python3-apt procps"
    )
    for host in lab.hosts:
        done = lab.run(host.name, script)
        if done.returncode != 0:
            raise LabError(f"{host.name}: {done.stderr.strip()}")


def inventory(lab: Lab, key: Path, variables: Mapping[str, object]) -> Path:
    """The lab as Ansible's inventory, logged in to with `key`; `variables` are the playbook's."""
    groups: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for host in lab.hosts:
        groups.setdefault(host.role, {"hosts": {}})["hosts"][host.name] = {"ansible_host": host.address}
    web = f"http://{lab.gateway}:8080"
    common = {
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(key),
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={lab.folder}/known_hosts",
        "registry_url": f"http://{lab.gateway}:5000/v2/",
        "source_url": f"{web}/docker/linux/debian/dists/bookworm/InRelease",
        "dev_box": next(host.address for host in lab.hosts if host.role == "dev_box"),
        "min_memory_mb": 1024,
    }
    path = lab.folder / "ansible.yml"
    path.write_text(yaml.safe_dump({"all": {"children": groups, "vars": {**common, **variables}}}))
    return path


def play(inventory: Path, playbook: Path, *options: str, hosts: int, changes: bool = False) -> Cost:
    """Run a playbook on as many hosts at once as there are; LabError where it changes something and should not."""
    settings = {
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": str(hosts),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
    }
    cost, said = timed([program(), "-i", inventory, playbook, *options], settings=settings)
    changed = sum(map(int, re.findall(r" changed=(\d+) ", said)))
    if changed and not changes:
        raise LabError(f"the playbook changed something:\n{said[-6000:]}")
    return cost
