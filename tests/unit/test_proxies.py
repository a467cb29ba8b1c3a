"""Proxies of /etc/environment, which every login gets: the cluster's own programs run without them."""

import os
import subprocess

import pytest

from cluster import Cluster, Config, Host, Role
from tasks.docker.deploy import inside
from tasks.reach import DIRECT, FILES
from tests.unit.fact_samples import SAMPLES

NAMES = ("http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
ASKING = [sample for sample in SAMPLES if "kubectl" in sample.command()]


@pytest.fixture
def shims(tmp_path):
    """kubectl and kubeadm that note which proxies they were given, and the environment of a login that has some."""
    for name in ("kubectl", "kubeadm"):
        (tmp_path / name).write_text(
            f"#!/bin/sh\nenv | grep -i _proxy= >>{tmp_path}/proxied\necho x >>{tmp_path}/asked\n"
        )
        (tmp_path / name).chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}", **dict.fromkeys(NAMES, "http://proxy.example.com:3128")}


@pytest.mark.parametrize("sample", ASKING, ids=str)
def test_facts_ask_the_api_past_the_proxies(sample, shims, tmp_path):
    # What the fact looks at first, a kubeconfig, is not there.
    looks, missed = ("test ! -e", "test -e") if "test ! -e" in sample.command() else ("test -e", "test ! -e")
    text = sample.command().replace(looks, missed)
    subprocess.run(["sh", "-c", text], env=shims, capture_output=True, timeout=60, check=False)
    assert (tmp_path / "asked").exists()
    assert (tmp_path / "proxied").read_text() == ""


def test_direct_takes_every_proxy_away(shims, tmp_path):
    subprocess.run(["sh", "-c", f"{DIRECT} kubeadm init"], env=shims, check=True)
    assert (tmp_path / "proxied").read_text() == ""


def test_scripts_that_ask_the_api_unset_them():
    for name in ("openpai/hardware.sh", "openpai/cluster-state.sh", "openpai/diagnose", "kubernetes/reset.sh"):
        before, unset, _after = (FILES / name).read_text().partition("unset http_proxy https_proxy")
        assert unset and "\nkubeadm" not in before and "command kubectl" not in before, name


def test_docker_reaches_hosts_pods_and_services_past_the_proxy(tmp_path):
    master = Host("m", "10.1.0.1", Role.MASTER)
    workers = tuple(
        Host(f"w{number}", f"10.0.{number // 300}.{number % 250 + 1}", Role.WORKER) for number in range(400)
    )
    config = Config.model_validate({"user": "a"})
    found = inside(Cluster(tmp_path, Host("dev-box", "@local", Role.DEV_BOX), (master,), workers, config))
    assert found == ["10.0.0.0/24", "10.0.1.0/24", "10.1.0.0/24", "10.200.0.0/13", "10.192.0.0/13"]
