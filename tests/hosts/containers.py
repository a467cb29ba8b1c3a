"""Running a container as a probe, so that none is left behind when it hangs."""

from __future__ import annotations

import shlex

from tests.hosts.probes import KILLED, TIMED_OUT, Probe

# Seconds: to pull an image that is not there yet; and to remove a container that did not end by itself.
PULL = 300
REMOVAL = 15
# timeout(1) ends the client alone, and by force: it hands SIGTERM on to the container. Only the daemon can end that.
RUN = f"""\
docker image inspect {{image}} >/dev/null 2>&1 || timeout {PULL} docker pull -q {{image}} >/dev/null || {{{{
    echo "docker pull {{image}} failed or took more than {PULL} s" >&2
    exit 125
}}}}
name=verify-$$
timeout -k 1 {{seconds}} docker run --rm --name $name {{image}} {{command}}
status=$?
case $status in {TIMED_OUT} | {KILLED}) docker rm -f $name >/dev/null ;; esac
exit $status
"""


def container_probe(name: str, image: str, *command: str, seconds: int) -> Probe:
    """A probe that runs `docker run --rm IMAGE COMMAND` for up to `seconds`, and pulls the image before if need be."""
    script = RUN.format(image=shlex.quote(image), command=shlex.join(command), seconds=seconds)
    return Probe(name, script, seconds, grace=PULL + REMOVAL)
