"""A stand-in for the connections of the verification: it notes what the fake ssh is to answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tests.hosts import probes
from tests.hosts.connections import Connections
from tests.hosts.probes import Probe, RunAs
from tests.hosts.targets import Target
from tests.unit.hosts_gpus import Said


class Recorder(Connections):
    """Writes what the fake ssh will answer to each command that the suite is going to send."""

    def __init__(self, folder: Path, said: dict[str, Said]):
        super().__init__(folder)
        self.said = said

    def _ask(self, target: Target, questions: Sequence[Probe], run_as: RunAs) -> dict[str, probes.Answer]:
        answers = []
        for number, probe in enumerate(questions):
            status, out, err = self.said[probe.name]
            sizes = f"{len(out.encode())} {len(err.encode())}"
            answers.append(f"{probes.HEADER} {number} {status} {sizes}\n{out}{err}")
        command = probes.script(questions, as_root=run_as is RunAs.ROOT)
        key = hashlib.sha256(command.encode()).hexdigest()
        folder = self.folder / target.name
        folder.mkdir(exist_ok=True)
        (folder / key).write_text("".join(answers))
        return {}
