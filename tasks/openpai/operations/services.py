"""OpenPAI's services: started one by one after their prerequisites, stopped the other way, judged by the cluster."""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, operation

from cluster.openpai import Service
from tasks.openpai.facts import OpenPai, kubectl
from tasks.openpai.judge import (
    ClusterState,
    Wanted,
    held_back,
    lacking,
    other_version,
    outdated,
    present,
    stale,
    there,
)
from tasks.openpai.operations.configuration import services_of, wanted_sum
from tasks.openpai.operations.paictl import SILENT, Paictl, begin, failed, pods_of, run, watch
from tasks.reach import Commands, quoted, render, stop

RECORD = "openpai-deploy"
AT_ONCE = ("--force", "--grace-period=0")
# The service device-plugin, as far as the Kubernetes stage has not brought it: upstream's is on a server that is gone.
FUSE_PLUGIN = "openpai/fuse-device-plugin.yaml.j2"


def wanted(paictl: Paictl, state: ClusterState) -> Wanted:
    """What the cluster's services are judged against."""
    cluster = paictl.cluster
    masters, workers = (tuple(one.name for one in hosts) for hosts in (cluster.masters[:1], cluster.workers))
    return Wanted(wanted_sum(cluster, state.files), masters, workers)


def seen(paictl: Paictl, host: Host, brief: bool = False) -> ClusterState:
    """OpenPAI as the cluster has it now; `brief`: as far as it tells whether services run."""
    return host.get_fact(OpenPai, kubeconfig=paictl.kubeconfig, folder=paictl.configuration, brief=brief)


@operation()
def of_this_version(paictl: Paictl) -> Commands:
    """Stop where OpenPAI runs at another version: an upgrade interrupts its services, so it is asked for by name."""
    other = other_version(services_of(host, paictl), seen(paictl, host))
    if other:
        tag = paictl.cluster.config.docker_image_tag
        yield stop(f"{other} runs, the config asks for {tag}; upgrade with: pyinfra INVENTORY tasks.openpai.upgrade")


@operation()
def running(paictl: Paictl, only: list[str] | None = None) -> Commands:
    """Have the services as they should be, in order (those named in `only` alone); one that is stays untouched."""
    state, services = seen(paictl, host), _selected(services_of(host, paictl), only)
    lame = [service for service in services if not _is_right(service, state, wanted(paictl, state))]
    for service in lame:
        yield FunctionCommand(_start, (paictl, service), {})
    if lame:
        yield FunctionCommand(_all_run, (paictl, services), {})


def _is_right(service: Service, state: ClusterState, expected: Wanted) -> bool:
    return not (lacking(service, state, expected) or outdated(service, state, expected) or stale(service, state))


def _start(state: Any, host: Host, paictl: Paictl, service: Service) -> bool:
    now = seen(paictl, host)
    expected = wanted(paictl, now)
    if _is_right(service, now, expected):
        return True

    def missing() -> str | None:
        return _missing(host, paictl, service, expected)

    def start() -> bool:
        if service.by_paictl:
            return begin(host, paictl, "service", "start", "-n", service.name)
        return _apply(host, paictl, FUSE_PLUGIN)

    for pod in held_back(pods_of(host, paictl, service)):
        # With its usual grace the kubelet of 1.20 takes more than a minute over a pod that has never run.
        _kubectl(host, paictl, "delete", "pod", "-n", pod.namespace, pod.pod, "--ignore-not-found", *AT_ONCE)
    if not (start() and watch(host, paictl, service, missing, start)):
        return False
    old = stale(service, seen(paictl, host))
    for workload in old:
        restart = ("rollout", "restart", workload.kind.lower(), "-n", workload.namespace, workload.name)
        _kubectl(host, paictl, *restart)
    if old and not watch(host, paictl, service, missing, start):
        return False
    entry = f"--from-literal={service.name}={expected.configuration}"
    return _noted(host, paictl, service, expected.configuration) or _kubectl(
        host, paictl, "create", "configmap", RECORD, entry
    )


def _all_run(state: Any, host: Host, paictl: Paictl, services: list[Service]) -> bool:
    """Whether what ran a while ago still runs, or does again: a service may end for want of one that came after it."""
    now = seen(paictl, host)
    expected = wanted(paictl, now)
    return all(
        watch(host, paictl, service, partial(_missing, host, paictl, service, expected))
        for service in services
        if lacking(service, now, expected)
    )


def _missing(host: Host, paictl: Paictl, service: Service, expected: Wanted) -> str | None:
    current = seen(paictl, host, brief=True)
    return lacking(service, current, expected) if current.answers else SILENT


def _noted(host: Host, paictl: Paictl, service: Service, configuration: str | None) -> bool:
    """Note what `service` was started with (None: it is no more); false where there is no record yet."""
    patch = json.dumps({"data": {service.name: configuration}})
    return _kubectl(host, paictl, "patch", "configmap", RECORD, "--type", "merge", "-p", patch, quiet=True)


def _apply(host: Host, paictl: Paictl, template: str) -> bool:
    text = render(template, image=paictl.cluster.config.openpai_fuse_plugin_image)
    command = quoted([*kubectl(paictl.kubeconfig), "apply", "-f", "-"])
    worked, output = host.run_shell_command(command, _sudo=True, _stdin=text)
    return worked or failed(host, output.stderr.strip()[-300:])


def _kubectl(host: Host, paictl: Paictl, *words: str, quiet: bool = False) -> bool:
    worked, output = host.run_shell_command(quoted([*kubectl(paictl.kubeconfig), *words]), _sudo=True)
    return worked or (not quiet and failed(host, output.stderr.strip()[-300:]))


@operation()
def stopped(paictl: Paictl, only: list[str] | None = None, delete: bool = False) -> Commands:
    """Have none of the services running (none of `only`), the last one first; with `delete` their data ends too."""
    state = seen(paictl, host)
    for service in reversed(_selected(services_of(host, paictl), only)):
        if there(service, state):
            yield FunctionCommand(_stop, (paictl, service, delete), {})


def _selected(services: list[Service], only: list[str] | None) -> list[Service]:
    return [service for service in services if only is None or service.name in only]


def _stop(state: Any, host: Host, paictl: Paictl, service: Service, delete: bool) -> bool:
    host.log(f"{service.name}: {'deleting' if delete else 'stopping'}")
    if not service.by_paictl:
        names = [(one.kind, one.namespace, one.name) for one in service.workloads]
        names += [(one.kind, one.namespace, one.name) for one in service.objects]
        return all(
            _kubectl(host, paictl, "delete", kind.lower(), "-n", namespace, name, "--ignore-not-found")
            for kind, namespace, name in names
        )
    verb, answers = ("delete", ("Y",)) if delete else ("stop", ())
    if not run(host, paictl, f"{verb} {service.name}", "service", verb, "-n", service.name, answers=answers):
        return False
    left = present(service, seen(paictl, host))
    if left:
        return failed(host, f"{service.name}: {left[0]} is still there after paictl service {verb}; run again")
    _noted(host, paictl, service, None)  # a record that is not there has nothing to forget
    return True


@operation()
def of_another_version_stopped(paictl: Paictl) -> Commands:
    """Have nothing running of another version than the config's, the last service first."""
    state = seen(paictl, host)
    for service in reversed(services_of(host, paictl)):
        if other_version([service], state):
            yield FunctionCommand(_stop, (paictl, service, False), {})


@operation()
def removed(paictl: Paictl, confirmed: str | None, delete: bool) -> Commands:
    """Have nothing of OpenPAI in the cluster, where `confirmed` is its name; with `delete` its data go too."""
    state, name = seen(paictl, host), paictl.cluster.folder.name
    services = [service for service in reversed(services_of(host, paictl)) if there(service, state)]
    if not services and "pai-configuration" not in state.configmaps:
        return
    if confirmed != name:
        lost = "its users, jobs and data are lost" if delete else "its data stay on the master"
        yield stop(f"this takes OpenPAI off the cluster {name}; {lost}; to go on: --data confirm={name}")
        return
    for service in services:
        yield FunctionCommand(_stop, (paictl, service, delete), {})
    for configmap in ("pai-configuration", "pai-cluster-id", RECORD):
        yield quoted([*kubectl(paictl.kubeconfig), "delete", "configmap", configmap, "--ignore-not-found"])


def summary(services: Iterable[Service], state: ClusterState, expected: Wanted) -> list[tuple[str, str]]:
    """Each service with what is wrong with it, or `running`."""
    return [(service.name, lacking(service, state, expected) or "running") for service in services]
