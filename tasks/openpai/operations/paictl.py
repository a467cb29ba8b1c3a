"""OpenPAI's own tool, paictl: run apart from everything, watched, and judged by the cluster alone.

pyinfra runs a command to its end and shows what it printed; paictl waits for hours without a word of what for.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
from pyinfra import logger
from pyinfra.api import Host, StringCommand

from cluster import Cluster
from cluster.openpai import Service, paictl_image, replaced_images
from tasks.openpai.facts import PaictlRun, Pods
from tasks.openpai.judge import Patience, Steadiness, shown, troubles
from tasks.reach import detached, script

UNIT = "paictl"
CONTAINER = "openpai-deploy-paictl"
# Seconds between looks at the cluster, and between lines on the screen while nothing changes.
LOOK, SAY = 2, 15
# Seconds that a pod may be unable to start: a registry may stumble, a volume may be late.
PATIENCE = 30
# Seconds that a service must stay up to be called running: one that cannot work mostly ends within its first.
STEADY = 6
# Times that paictl may fail at a service in a row; what makes it fail at the start of each is not mended by a fourth.
TRIES = 3
SILENT = "the API server does not answer"


@dataclass(frozen=True)
class Paictl:
    """How to run paictl on the dev box: its `user` there, the guide's `folder` (~/pai-deploy), and the cluster."""

    cluster: Cluster
    user: str
    folder: str

    @property
    def kubeconfig(self) -> str:
        """The kubeconfig of the dev box."""
        return f"{self.folder}/kube/config"

    @property
    def configuration(self) -> str:
        """The folder of OpenPAI's configuration, as the guide calls it."""
        return f"{self.folder}/cluster-cfg"

    def start(self, *arguments: str, answers: tuple[str, ...] = ()) -> StringCommand:
        """Start `paictl ARGUMENTS` in a unit of its own; `answers` come before the cluster's id on its standard input.

        CONFIGURATION among the arguments stands for the folder of the configuration, wherever paictl runs.
        """
        config = self.cluster.config
        container = config.paictl == "container"
        inside = "/cluster-configuration" if container else self.configuration
        given = [inside if word == CONFIGURATION else word for word in arguments]
        program = "openpai/paictl-in-container" if container else "openpai/paictl-by-python2"
        environment = paictl_image(config) if container else f"{self.folder}/paictl-venv"
        said = "\n".join((*answers, config.openpai_cluster_id))
        source = f"{self.folder}/pai"
        mends = "\n".join(f"s|{re.escape(old)}|{new}|g" for old, new in replaced_images(config).items())
        command = script(program, environment, source, self.configuration, self.kubeconfig, said, mends, *given)
        return detached.started(UNIT, command, user=None if container else self.user)

    def stop(self) -> StringCommand:
        """End a paictl that runs; nothing of it is worth waiting for."""
        return StringCommand(
            f"systemctl stop {detached.PREFIX}{UNIT}.service 2>/dev/null; docker rm -f {CONTAINER} >/dev/null 2>&1 || :"
        )


CONFIGURATION = "CONFIGURATION"


def run(host: Host, paictl: Paictl, title: str, *arguments: str, answers: tuple[str, ...] = ()) -> bool:
    """Run paictl to its end, up to openpai_service_timeout; on failure show the end of its log."""
    if not begin(host, paictl, *arguments, answers=answers):
        return False
    deadline = time.monotonic() + paictl.cluster.config.openpai_service_timeout
    while (status := _status(host)) == "running":
        if time.monotonic() > deadline:
            host.run_shell_command(paictl.stop(), _sudo=True)
            return failed(host, f"{title} did not end within its time; the log: {detached.log(UNIT)}")
        gevent.sleep(LOOK)
    return status == "0" or failed(host, f"{title} failed (exit status {status or 'unknown'})", log=True)


def begin(host: Host, paictl: Paictl, *arguments: str, answers: tuple[str, ...] = ()) -> bool:
    """Start paictl once one that an earlier run left at work has ended."""
    while _status(host) == "running":
        host.log("waiting for paictl of an earlier run")
        gevent.sleep(LOOK)
    worked, output = host.run_shell_command(paictl.start(*arguments, answers=answers), _sudo=True)
    return worked or failed(host, f"paictl could not be started: {output.stderr.strip()[-200:]}")


def watch(
    host: Host,
    paictl: Paictl,
    service: Service,
    done: Callable[[], str | None],
    again: Callable[[], bool] | None = None,
) -> bool:
    """Wait until `done()` says None of `service`; say what is waited for; end at once where a pod cannot start.

    `done` gives what is still lacking, or SILENT. Where paictl fails without the service being there, `again` starts it
    once more, as its own five tries may all have met the same silent API server; up to TRIES times in all.
    """
    started, said, failures = time.monotonic(), ("", 0.0), 0
    patience, steadiness = Patience(PATIENCE), Steadiness(STEADY)
    limit = paictl.cluster.config.openpai_service_timeout
    while True:
        now = time.monotonic()
        missing = done()
        pods = pods_of(host, paictl, service)
        steady, busy = steadiness.holds(pods if missing is None else (), now), _status(host) == "running"
        if missing is None and steady and not busy:
            host.log(f"{service.name}: running ({now - started:.0f} s)")
            return True
        line = f"{service.name}: {missing or ('its script ends' if busy else 'it stays up')} [{shown(pods)}]"
        if line != said[0] or now - said[1] >= SAY:
            host.log(f"{line} {now - started:.0f} s")
            said = (line, now)
        trouble = patience.over(troubles(pods), now)
        if trouble:
            host.run_shell_command(paictl.stop(), _sudo=True)
            failed(host, f"{service.name}: pod {trouble.pod} cannot start: {trouble.reason}: {trouble.message}"[:400])
            return _diagnose(host, paictl, trouble.namespace, trouble.pod)
        if now - started > limit:
            host.run_shell_command(paictl.stop(), _sudo=True)
            return failed(
                host,
                f"{service.name}: {missing or 'not steady'} after {limit} s; raise openpai_service_timeout if images "
                f"are still being pulled; paictl's log: {detached.log(UNIT)}",
            )
        if again and missing not in (None, SILENT) and service.by_paictl and _status(host) not in ("running", "0"):
            failures += 1
            if failures == TRIES:
                return failed(host, f"{service.name}: {missing}; paictl failed {TRIES} times, its log ends:", log=True)
            if not again():
                return False
        gevent.sleep(LOOK)


def pods_of(host: Host, paictl: Paictl, service: Service) -> list[dict[str, Any]]:
    """The pods of a service's workloads, as Kubernetes' API has them."""
    return [pod for pod in host.get_fact(Pods, kubeconfig=paictl.kubeconfig) if _is_of(pod, service)]


def _is_of(pod: dict[str, Any], service: Service) -> bool:
    owners = [owner["name"] for owner in pod["metadata"].get("ownerReferences", ())]
    return any(
        owner == workload.name or owner.startswith(f"{workload.name}-")
        for workload in service.workloads
        for owner in owners
    )


def _status(host: Host) -> str:
    return host.get_fact(PaictlRun, unit=f"{detached.PREFIX}{UNIT}.service", status=detached.status_file(UNIT))


def _diagnose(host: Host, paictl: Paictl, namespace: str, pod: str) -> bool:
    _, output = host.run_shell_command(script("openpai/diagnose", paictl.kubeconfig, namespace, pod), _sudo=True)
    for line in output.stdout_lines:
        failed(host, f"  {line}")
    return False


def failed(host: Host, message: str, log: bool = False) -> bool:
    """Say why this host fails, with the end of paictl's log where asked; always False."""
    host.log_styled(message, fg="red", log_func=logger.error)
    if log:
        _, output = host.run_shell_command(StringCommand("tail -n 15", detached.log(UNIT)), _sudo=True)
        for line in output.stdout_lines:
            host.log_styled(f"  {line}", fg="red", log_func=logger.error)
    return False
