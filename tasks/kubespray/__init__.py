"""Kubernetes by kubespray."""

from tasks.kubespray.deploy import install
