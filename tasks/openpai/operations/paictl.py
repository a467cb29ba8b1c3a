"""OpenPAI's own tool, paictl: run apart from everything, watched, and judged by the cluster alone.

pyinfra runs a command to its end and shows what it printed; paictl waits for hours without a word of what for.
"""

import re
import time
from dataclasses import dataclass

import gevent
from pyinfra import logger
from pyinfra.api import Host, StringCommand

from cluster import Cluster
from cluster.openpai import paictl_image, replaced_images
from cluster.problems import identified
from tasks.openpai.facts import PaictlRun
from tasks.reach import detached, script

# Its unit, log and container; with a service's name, where it starts one beside others.
UNIT = "paictl"
CONTAINER = "openpai-deploy-paictl"
# Seconds between looks at it, and at the cluster meanwhile.
LOOK = 1


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

    def start(self, *arguments: str, answers: tuple[str, ...] = (), service: str = "") -> StringCommand:
        """Start `paictl ARGUMENTS` in a unit of its own; `answers` come before the cluster's id on its standard input.

        One for each `service` can be at work beside others. CONFIGURATION among the arguments stands for the folder of
        the configuration, wherever paictl runs.
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
        name = _named(CONTAINER, service)
        command = script(program, name, environment, source, self.configuration, self.kubeconfig, said, mends, *given)
        return detached.started(_named(UNIT, service), command, user=None if container else self.user)

    def stop(self) -> StringCommand:
        """End every paictl that runs; nothing of them is worth waiting for."""
        return StringCommand(
            f"systemctl stop '{detached.PREFIX}{UNIT}*.service' 2>/dev/null; "
            f"docker ps -aq --filter name=^{CONTAINER} 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1 || :"
        )


CONFIGURATION = "CONFIGURATION"


def _named(name: str, service: str) -> str:
    return f"{name}-{service}" if service else name


def log(service: str = "") -> str:
    """Where paictl's output is."""
    return detached.log(_named(UNIT, service))


def run(host: Host, paictl: Paictl, title: str, *arguments: str, answers: tuple[str, ...] = ()) -> bool:
    """Run paictl to its end, up to openpai_service_timeout; on failure show the end of its log."""
    alone(host)
    if not begin(host, paictl, *arguments, answers=answers):
        return False
    deadline = time.monotonic() + paictl.cluster.config.openpai_service_timeout
    while status(host) == "running":
        if time.monotonic() > deadline:
            host.run_shell_command(paictl.stop(), _sudo=True)
            return failed(host, f"{title} did not end within its time; the log: {log()}", cause="paictl-late")
        gevent.sleep(LOOK)
    ended = status(host)
    return ended == "0" or failed(
        host, f"{title} failed (exit status {ended or 'unknown'})", shown=log(), cause="paictl-failed"
    )


def begin(host: Host, paictl: Paictl, *arguments: str, answers: tuple[str, ...] = (), service: str = "") -> bool:
    """Start paictl, whose last run for this `service` has ended."""
    worked, output = host.run_shell_command(paictl.start(*arguments, answers=answers, service=service), _sudo=True)
    return worked or failed(host, f"paictl could not be started: {output.stderr.strip()[-200:]}", cause="paictl-failed")


def alone(host: Host) -> None:
    """Wait until every paictl that an earlier run left at work has ended."""
    if _status(host, f"{UNIT}*") == "running":
        host.log("waiting for paictl of an earlier run")
    while _status(host, f"{UNIT}*") == "running":
        gevent.sleep(LOOK)


def status(host: Host, service: str = "") -> str:
    """How paictl stands, as PaictlRun has it."""
    return _status(host, _named(UNIT, service))


def _status(host: Host, unit: str) -> str:
    return host.get_fact(PaictlRun, unit=f"{detached.PREFIX}{unit}.service", status=detached.status_file(unit))


def failed(host: Host, message: str, shown: str = "", *, cause: str) -> bool:
    """Say why this host fails, with the end of the log `shown`; always False. `cause` as in stop()."""
    host.log_styled(identified(message, cause=cause), fg="red", log_func=logger.error)
    if shown:
        _, output = host.run_shell_command(StringCommand("tail -n 15", shown), _sudo=True)
        for line in output.stdout_lines:
            host.log_styled(f"  {line}", fg="red", log_func=logger.error)
    return False
