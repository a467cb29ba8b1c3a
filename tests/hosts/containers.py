"""Running a container as a probe, so that none is left behind when it hangs."""

from __future__ import annotations

import shlex

from tests.hosts.probes import Probe

# Seconds to remove a container that did not end by itself.
REMOVAL = 15
# timeout(1) ends the client; only the daemon can end the container.
RUN = (
    "name=verify-$$; timeout {seconds} docker run --rm --name $name {arguments}; status=$?; "
    "[ $status != 124 ] || docker rm -f $name >/dev/null; exit $status"
)


def container_probe(name: str, image: str, *command: str, seconds: int) -> Probe:
    """A probe that runs `docker run --rm IMAGE COMMAND`; `seconds` include pulling the image."""
    return Probe(name, RUN.format(seconds=seconds, arguments=shlex.join((image, *command))), seconds + REMOVAL)
