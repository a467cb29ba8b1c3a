"""What a worker's watch over its GPUs knows already."""

import re

from pyinfra.api import StringCommand

from tasks.reach import Fact, probes

SERVICE = "/etc/systemd/system/openpai-gpu-health.service"


class WatchedGpus(Fact[int]):
    """How many GPUs the watch of a worker misses where they do not answer; 0 where there is no watch."""

    default = int

    def command(self) -> StringCommand:
        return probes(unit=["cat", SERVICE])

    def read(self, found: dict[str, str]) -> int:
        match = re.search(r"^ExecStart=.* (\d+)$", found["unit"], re.M)
        return int(match[1]) if match else 0
