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

UNIT = "paictl"
CONTAINER = "openpai-deploy-paictl"
LOG = detached.log(UNIT)
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
    while at_work(host):
        if time.monotonic() > deadline:
            host.run_shell_command(paictl.stop(), _sudo=True)
            return failed(host, f"{title} did not end within its time; the log: {LOG}", cause="paictl-late")
        gevent.sleep(LOOK)
    ended = status(host)
    return ended == "0" or failed(
        host, f"{title} failed (exit status {ended or 'unknown'})", log=True, cause="paictl-failed"
    )


def begin(host: Host, paictl: Paictl, *arguments: str, answers: tuple[str, ...] = ()) -> bool:
    """Start paictl once one that an earlier run left at work has ended."""
    while at_work(host):
        host.log("waiting for paictl of an earlier run")
        gevent.sleep(LOOK)
    worked, output = host.run_shell_command(paictl.start(*arguments, answers=answers), _sudo=True)
    return worked or failed(host, f"paictl could not be started: {output.stderr.strip()[-200:]}", cause="paictl-failed")


def at_work(host: Host) -> bool:
    """True while a paictl runs."""
    return status(host) == "running"


def status(host: Host) -> str:
    """How paictl stands, as PaictlRun has it."""
    return host.get_fact(PaictlRun, unit=f"{detached.PREFIX}{UNIT}.service", status=detached.status_file(UNIT))


def failed(host: Host, message: str, log: bool = False, *, cause: str) -> bool:
    """Say why this host fails, with the end of paictl's log where asked; always False. `cause` as in stop()."""
    host.log_styled(identified(message, cause=cause), fg="red", log_func=logger.error)
    if log:
        _, output = host.run_shell_command(StringCommand("tail -n 15", LOG), _sudo=True)
        for line in output.stdout_lines:
            host.log_styled(f"  {line}", fg="red", log_func=logger.error)
    return False
