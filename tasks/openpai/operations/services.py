"""OpenPAI's services: started after their prerequisites, stopped the other way, judged by the cluster."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, operation

from cluster.openpai import Service
from tasks.openpai.facts import kubectl
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
from tasks.openpai.operations.configuration import services_of
from tasks.openpai.operations.paictl import Paictl, alone, begin, failed, run
from tasks.openpai.operations.watch import Watch, ended, pods_of, seen, wanted
from tasks.reach import Commands, quoted, render, stop

RECORD = "openpai-deploy"
NOW = ("--force", "--grace-period=0")
# The service device-plugin, as far as the Kubernetes stage has not brought it: upstream's is on a server that is gone.
FUSE_PLUGIN = "openpai/fuse-device-plugin.yaml.j2"


@operation()
def of_this_version(paictl: Paictl) -> Commands:
    """Stop where OpenPAI runs at another version: an upgrade interrupts its services, so it is asked for by name."""
    other = other_version(services_of(host, paictl), seen(paictl, host))
    if other:
        tag = paictl.cluster.config.docker_image_tag
        yield stop(
            f"{other} runs, the config asks for {tag}; upgrade with: pyinfra INVENTORY tasks.openpai.upgrade",
            cause="openpai-upgrade",
        )


@operation()
def running(paictl: Paictl, only: list[str] | None = None) -> Commands:
    """Have the services as they should be, in order (those named in `only` alone); one that is stays untouched."""
    state, services = seen(paictl, host), _selected(services_of(host, paictl), only)
    expected = wanted(paictl, state)
    lame = [service for service in services if not _is_right(service, state, expected)]
    if lame:
        yield FunctionCommand(_have_running, (paictl, services, lame, expected), {})


def _is_right(service: Service, state: ClusterState, expected: Wanted) -> bool:
    return not (lacking(service, state, expected) or outdated(service, state, expected) or stale(service, state))


def _have_running(
    state: Any, host: Host, paictl: Paictl, services: list[Service], lame: list[Service], expected: Wanted
) -> bool:
    alone(host)
    work = _Work(host, paictl, expected.configuration, seen(paictl, host))
    return Watch(host, paictl, expected, work).have_running(lame, services)


@dataclass(frozen=True)
class _Work:
    """What starting a service takes; `before` is how the cluster was before any was started."""

    host: Host
    paictl: Paictl
    configuration: str
    before: ClusterState

    def start(self, service: Service) -> bool:
        for pod in held_back(pods_of(self.host, self.paictl, [service])):
            # With its usual grace the kubelet of 1.20 takes more than a minute over a pod that has never run.
            self._kubectl("delete", "pod", "-n", pod.namespace, pod.pod, "--ignore-not-found", *NOW)
        if service.by_paictl:
            return begin(self.host, self.paictl, "service", "start", "-n", service.name, service=service.name)
        return _apply(self.host, self.paictl, FUSE_PLUGIN)

    def restarted(self, service: Service) -> bool:
        old = stale(service, seen(self.paictl, self.host)) if present(service, self.before) else []
        for workload in old:
            restart = ("rollout", "restart", workload.kind.lower(), "-n", workload.namespace, workload.name)
            self._kubectl(*restart)
        return bool(old)

    def proven(self, service: Service) -> bool:
        entry = f"--from-literal={service.name}={self.configuration}"
        return _noted(self.host, self.paictl, service, self.configuration) or self._kubectl(
            "create", "configmap", RECORD, entry, quiet=True
        )

    def _kubectl(self, *words: str, quiet: bool = False) -> bool:
        return _kubectl(self.host, self.paictl, *words, quiet=quiet)


def _noted(host: Host, paictl: Paictl, service: Service, configuration: str | None) -> bool:
    """Note what `service` was started with (None: it is no more); false where there is no record yet."""
    patch = json.dumps({"data": {service.name: configuration}})
    return _kubectl(host, paictl, "patch", "configmap", RECORD, "--type", "merge", "-p", patch, quiet=True)


def _apply(host: Host, paictl: Paictl, template: str) -> bool:
    text = render(template, image=paictl.cluster.config.openpai_fuse_plugin_image)
    command = quoted([*kubectl(paictl.kubeconfig), "apply", "-f", "-"])
    worked, output = host.run_shell_command(command, _sudo=True, _stdin=text)
    return worked or failed(host, output.stderr.strip()[-300:], cause="kubectl-failed")


def _kubectl(host: Host, paictl: Paictl, *words: str, quiet: bool = False) -> bool:
    worked, output = host.run_shell_command(quoted([*kubectl(paictl.kubeconfig), *words]), _sudo=True)
    return worked or (not quiet and failed(host, output.stderr.strip()[-300:], cause="kubectl-failed"))


@operation()
def stopped(paictl: Paictl, only: list[str] | None = None, delete: bool = False) -> Commands:
    """Have none of the services running (none of `only`), the last one first; with `delete` their data ends too."""
    state = seen(paictl, host)
    services = _selected(services_of(host, paictl), only)
    yield from _stopping(paictl, [service for service in services if there(service, state)], delete)


def _selected(services: list[Service], only: list[str] | None) -> list[Service]:
    return [service for service in services if only is None or service.name in only]


def _stopping(paictl: Paictl, services: list[Service], delete: bool = False) -> Commands:
    """The last one first; then their pods, which take up to half a minute each, are waited for together."""
    for service in reversed(services):
        yield FunctionCommand(_stop, (paictl, service, delete), {})
    if services:
        yield FunctionCommand(_ended, (paictl, services), {})


def _ended(state: Any, host: Host, paictl: Paictl, services: list[Service]) -> bool:
    ended(host, paictl, services)
    return True


def _stop(state: Any, host: Host, paictl: Paictl, service: Service, delete: bool) -> bool:
    host.log(f"{service.name}: {'deleting' if delete else 'stopping'}")
    if not service.by_paictl:
        names = [(one.kind, one.namespace, one.name) for one in service.workloads]
        names += [(one.kind, one.namespace, one.name) for one in service.objects]
        for kind, namespace, name in names:
            if not _kubectl(host, paictl, "delete", kind.lower(), "-n", namespace, name, "--ignore-not-found"):
                return False
        return True
    verb, answers = ("delete", ("Y",)) if delete else ("stop", ())
    if not run(host, paictl, f"{verb} {service.name}", "service", verb, "-n", service.name, answers=answers):
        return False
    left = present(service, seen(paictl, host))
    if left:
        return failed(
            host,
            f"{service.name}: {left[0]} is still there after paictl service {verb}; run again",
            cause="service-remains",
        )
    _noted(host, paictl, service, None)  # a record that is not there has nothing to forget
    return True


@operation()
def of_another_version_stopped(paictl: Paictl) -> Commands:
    """Have nothing running of another version than the config's, the last service first."""
    state = seen(paictl, host)
    yield from _stopping(paictl, [one for one in services_of(host, paictl) if other_version([one], state)])


@operation()
def removed(paictl: Paictl, confirmed: str | None, delete: bool) -> Commands:
    """Have nothing of OpenPAI in the cluster, where `confirmed` is its name; with `delete` its data go too."""
    state, name = seen(paictl, host), paictl.cluster.folder.name
    services = [service for service in services_of(host, paictl) if there(service, state)]
    if not services and "pai-configuration" not in state.configmaps:
        return
    if confirmed != name:
        lost = "its users, jobs and data are lost" if delete else "its data stay on the master"
        yield stop(
            f"this takes OpenPAI off the cluster {name}; {lost}; to go on: --data confirm={name}",
            cause="confirm-uninstall",
        )
        return
    yield from _stopping(paictl, services, delete)
    for configmap in ("pai-configuration", "pai-cluster-id", RECORD):
        yield quoted([*kubectl(paictl.kubeconfig), "delete", "configmap", configmap, "--ignore-not-found"])


def summary(services: Iterable[Service], state: ClusterState, expected: Wanted) -> list[tuple[str, str]]:
    """Each service with what is wrong with it, or `running`."""
    return [(service.name, lacking(service, state, expected) or "running") for service in services]
