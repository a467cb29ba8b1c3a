"""The master's kubeconfig on the dev box."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host, state
from pyinfra.api import FunctionCommand, operation

from tasks.kubernetes.facts.node import ADMIN_CONF, Kubeconfig
from tasks.reach import ask, the_master


@operation()
def handed_over(folder: str, owner: str) -> Generator[Any]:
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
