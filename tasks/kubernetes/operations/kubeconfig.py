"""The master's kubeconfig on the dev box."""

from pyinfra import host, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation

from tasks.kubernetes.facts.node import ADMIN_CONF, Kubeconfig
from tasks.reach import Commands, copied, the_master


@operation()
def handed_over(folder: str, owner: str) -> Commands:
    """Have the master's admin.conf as FOLDER/kube/config, readable by `owner` alone; its content passes by stdin."""
    path = f"{folder}/kube/config"
    master = the_master(host)
    if master in state.failed_hosts:
        return
    wanted = master.get_fact(Kubeconfig, path=ADMIN_CONF)[:64]
    if not wanted or host.get_fact(Kubeconfig, path=path) != f"{wanted} 600 {owner}":
        outer, inner, user = map(QuoteString, (folder, f"{folder}/kube", f"{owner}:"))
        yield StringCommand("install -d -m 755", outer, "&& install -d -m 700", inner, "&& chown", user, outer, inner)
        yield FunctionCommand(copied, (master, ADMIN_CONF, path, owner), {})
