"""Kubernetes by kubespray."""

from tasks.kubespray.deploy import install

__all__ = [
    "install",
]
