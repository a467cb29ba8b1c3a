"""Docker as the kubelet can drive it: an API version both speak, one cgroup driver.

pyinfra's docker facts tell neither.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, operation

from cluster.kubernetes import docker_fits
from tasks import daemon_json
from tasks.facts.docker import Docker
from tasks.operations.stop import planning, stop

DRIVER = "native.cgroupdriver=systemd"


class DockerApi(FactBase[list[str]]):
    """The lowest and the highest API version that the Docker daemon serves; nothing where none answers."""

    default = list

    def command(self) -> str:
        return "docker version --format '{{.Server.MinAPIVersion}} {{.Server.APIVersion}}' 2>/dev/null || :"

    def process(self, output: list[str]) -> list[str]:
        return output[0].split() if output else []


@operation()
def suits(version: str) -> Generator[Any]:
    """Stop a host whose Docker the kubelet of `version` (v1.20.2) could not drive."""
    served = host.get_fact(DockerApi)
    if not served:
        if not planning():
            yield stop("Docker does not answer; see: systemctl status docker")
        return
    if not docker_fits(version, *served):
        yield stop(
            f"Docker serves API {served[0]} to {served[1]}, which the kubelet of {version} does not speak; "
            "set docker_version to 20.10 or newer and below 29, as 28"
        )
    try:
        options = daemon_json.parse(host.get_fact(Docker).file).get("exec-opts", [])
    except ValueError:
        return
    others = [one for one in options if one.startswith("native.cgroupdriver=") and one != DRIVER]
    if others:
        yield stop(f"daemon.json sets {others[0]}, the kubelet needs {DRIVER}; remove it from exec-opts")
