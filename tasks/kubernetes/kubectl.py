"""kubectl as this project calls it: with whose kubeconfig, and how long it waits for an API server that is silent."""

from __future__ import annotations

from pyinfra.api import StringCommand

from tasks.reach import quoted

ADMIN_CONF, KUBELET_CONF = "/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet.conf"


def kubectl(kubeconfig: str, *words: str, seconds: int | None = 10) -> list[str]:
    """The words of a kubectl command that gives up after `seconds`; None for one that waits by itself."""
    limit = [f"--request-timeout={seconds}s"] if seconds else []
    return ["kubectl", *limit, "--kubeconfig", kubeconfig, *words]


def by_admin(*words: str, seconds: int | None = 10) -> StringCommand:
    """The kubectl command of `words` on the master, which may do anything."""
    return quoted(kubectl(ADMIN_CONF, *words, seconds=seconds))
