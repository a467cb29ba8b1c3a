"""A second operator at another machine: the lab's dev box, with a checkout and a copy of the cluster folder."""

from __future__ import annotations

import subprocess

import yaml

from lab.api import INSIDE, Lab
from lab.settings import DEV_BOX, PROJECT, PROXY_PORT, USER
from tests.lab.harness import out

CHECKOUT = f"/home/{USER}/openpai-deploy"
UNIT = "operator.service"


def moved_in(lab: Lab, **keys: object) -> None:
    """Have the project on the dev box, installed as docs/install.md tells, and the folder with `keys` in its config.

    The dev box of that folder is @local. It comes with what the first operator has: host keys, the key pair."""
    out(lab, DEV_BOX, "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install python3-venv")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, stdout=subprocess.PIPE, check=True).stdout
    _copied(lab, ["-C", str(PROJECT), "--null", "--files-from=-"], CHECKOUT, tracked)
    left = [f"--exclude={lab.name}/{name}" for name in ("run.lock", "config.yaml")]
    inventory = ["-C", str(lab.folder.parent), *left, lab.name, lab.inventory.name]
    _copied(lab, inventory, f"{CHECKOUT}/inventories")
    config = {**yaml.safe_load((lab.folder / "config.yaml").read_text()), **keys}
    del config["dev_box"]
    path = f"{CHECKOUT}/inventories/{lab.name}/config.yaml"
    lab.run(DEV_BOX, f"umask 077; cat >{path}", stdin=yaml.safe_dump(config, sort_keys=False), check=True)
    proxy = f"http://{lab.gateway}:{PROXY_PORT}"
    install = (
        f"cd {CHECKOUT} && python3 -m venv .venv && https_proxy={proxy} .venv/bin/pip install -qr requirements.txt"
    )
    out(lab, DEV_BOX, f"chown -R {USER}: {CHECKOUT} && su - {USER} -c '{install}'")


def _copied(lab: Lab, what: list[str], to: str, names: bytes = b"") -> None:
    """Unpack on the dev box what tar packs here."""
    packed = subprocess.run(["tar", "-c", *what], input=names, stdout=subprocess.PIPE, check=True).stdout
    unpack = ["sh", "-c", f"mkdir -p {to} && tar -x --no-same-owner -C {to}"]
    subprocess.run([*lab.enter(DEV_BOX), *unpack], env=INSIDE, input=packed, check=True)


def pyinfra(lab: Lab, *arguments: str, file: str = "deploy.py") -> list[str]:
    """The command line of a run of theirs, in the dev box's unit UNIT."""
    unit = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={UNIT}", f"--uid={USER}"]
    place = [f"--working-directory={CHECKOUT}", "--setenv=PYINFRA_PROGRESS=off"]
    run = [f"{CHECKOUT}/.venv/bin/pyinfra", f"inventories/{lab.inventory.name}", file, *arguments]
    return [*lab.enter(DEV_BOX), *unit, *place, *run]


def killed(lab: Lab) -> None:
    """End their run by SIGKILL, with all that it started on the dev box."""
    out(lab, DEV_BOX, f"systemctl kill -s KILL {UNIT}")
