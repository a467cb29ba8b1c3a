"""Running the project's own commands against a lab, as an operator would."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab import commands
from lab.api import Lab
from lab.commands import Run
from lab.settings import PREFIX
from lab.wait import wait_until


@contextmanager
def new_lab(name: str, **wanted: Any) -> Iterator[Lab]:
    """A new lab with what Lab.up takes, taken down after it.

    Its name is `name`, of 6 characters at most, after OPENPAI_LAB_PREFIX: two runs of these tests go side by side
    with two prefixes.
    """
    assert len(name) <= 6
    lab = Lab(PREFIX + name)
    lab.down()
    try:
        lab.up(**wanted)
        yield lab
    finally:
        lab.down()


def pyinfra(lab: Lab, *arguments: str, file: str = "deploy.py", timeout: int = 900) -> Run:
    """Run pyinfra to its end."""
    return commands.run(commands.pyinfra(lab, *arguments, file=file), timeout=timeout)


def deploy(lab: Lab, *arguments: str, timeout: int = 900) -> Run:
    """Converge the lab without questions."""
    return pyinfra(lab, "-y", *arguments, timeout=timeout)


def converged(lab: Lab, *arguments: str) -> Run:
    """Converge the lab; anything but success is a failure of the test, with all that was printed."""
    run = deploy(lab, *arguments)
    assert run.status == 0, run.output
    return run


def channels(lab: Lab) -> dict[str, int]:
    """How many channels a run without changes opens on each host: what it runs there by itself, its shells among it.

    The run before it notes what is asked."""
    converged(lab)
    run = converged(lab, "--debug")
    assert run.changed == 0, run.changes()
    return {host.name: run.output.count(f"Running command on {host.name}:") for host in lab.state.hosts}


def killed_when(
    lab: Lab, reached: Callable[[], Any], *arguments: str, timeout: int = 600, file: str = "deploy.py"
) -> str:
    """Start a deploy and SIGKILL it as soon as `reached()` is true; gives what it had printed."""
    log = lab.folder / "killed.log"
    with log.open("w") as output:
        process = commands.start(commands.pyinfra(lab, "-y", *arguments, file=file), output)
        try:
            wait_until(lambda: reached() or process.poll() is not None, timeout, step=0.02)
            assert process.poll() is None, f"the run ended before it could be killed:\n{log.read_text()}"
            process.send_signal(signal.SIGKILL)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    return log.read_text()


def printed(lab: Lab, text: str) -> Callable[[], bool]:
    """A condition for killed_when: the run has printed `text`."""
    return lambda: text in (lab.folder / "killed.log").read_text(errors="replace")


def out(lab: Lab, host: str, shell: str) -> str:
    """Standard output of a command run as root inside a host; a failing command fails the test."""
    done = lab.run(host, shell)
    assert done.returncode == 0, f"{host}: {shell}: {done.stderr}"
    return done.stdout.strip()
