"""The cluster from the dev box: kubectl, the kubeconfig where the guide has it, etcd's snapshots."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host, state
from pyinfra.api import FactBase, FunctionCommand, deploy, operation

from tasks.context import config_of
from tasks.elsewhere import ask, the_master
from tasks.facts.kubernetes_node import ADMIN_CONF
from tasks.facts.sections import SECTION, parse_sections
from tasks.kubernetes_host import binary
from tasks.operations import etcd


class Account(FactBase[tuple[str, str]]):
    """Name and home of the login account; asked with `_sudo=False`."""

    @staticmethod
    def default() -> tuple[str, str]:
        return ("root", "/root")

    def command(self) -> str:
        return 'id -un; echo "$HOME"'

    def process(self, output: list[str]) -> tuple[str, str]:
        return (output[0], output[1])


class Kubeconfig(FactBase[str]):
    """Sum, mode and owner of a kubeconfig, as one text; never its content."""

    default = str

    def command(self, path: str) -> str:
        return f"{SECTION}\nsection sum sha256sum {path}\nsection stat stat -c '%a %U' {path}"

    def process(self, output: list[str]) -> str:
        found = parse_sections(output)
        return f"{found['sum'][:64]} {found['stat']}".strip()


@deploy("Kubernetes, the dev box")
def establish() -> None:
    """kubectl, ~/pai-deploy/kube/config (0600, the user's), and copies of etcd's snapshots beside it."""
    config = config_of(host)
    user, home = host.get_fact(Account, _sudo=False)
    binary("kubectl", config)
    kubeconfig(name="Kubeconfig in ~/pai-deploy/kube/config", folder=f"{home}/pai-deploy", owner=user)
    etcd.fetched(name="Copies of etcd's snapshots", folder=f"{home}/pai-deploy/etcd-snapshots", owner=user)


@operation()
def kubeconfig(folder: str, owner: str) -> Generator[Any]:
    """Have the master's admin.conf as FOLDER/kube/config, readable by `owner` alone; its content passes by stdin."""
    path = f"{folder}/kube/config"
    master = the_master(host)
    if master in state.failed_hosts:
        return
    wanted = master.get_fact(Kubeconfig, path=ADMIN_CONF)[:64]
    if not wanted or host.get_fact(Kubeconfig, path=path) != f"{wanted} 600 {owner}":
        yield FunctionCommand(_hand_over, (path, folder, owner), {})


def _hand_over(state: Any, host: Any, path: str, folder: str, owner: str) -> bool:
    content = ask(the_master(host), f"cat {ADMIN_CONF}")
    ask(
        host,
        f"umask 077; group=$(id -gn {owner}) && install -d -m 755 -o {owner} -g $group {folder} && "
        f"install -d -m 700 -o {owner} -g $group {folder}/kube && "
        f"cat >{path}.new && chown {owner}: {path}.new && chmod 600 {path}.new && mv -f {path}.new {path}",
        stdin=content,
    )
    return True
