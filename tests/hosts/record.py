"""verify.json: what came of the checks, and what the probes heard on the way, for the cluster's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from tests.hosts import clocks, gpu_health, gpus
from tests.hosts.certificates import days_left
from tests.hosts.outcomes import Outcome, causes, not_asked
from tests.hosts.probes import Answer
from tests.hosts.report import hide_secrets
from tests.hosts.targets import Target

Answers = Mapping[str, Answer]


def document(targets: Sequence[Target], outcomes: Sequence[Outcome], heard: Mapping[str, Answers]) -> dict[str, Any]:
    """The content of verify.json; `heard`: the answers to all probes of a host, by its name."""
    cluster = targets[0].cluster
    tests = [{"host": one.host, "test": one.test, "outcome": one.outcome, "message": one.message} for one in outcomes]
    return {
        "kind": "verify",
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cluster": targets[0].inventory.stem,
        "roles": {target.name: target.host.role.value for target in targets},
        "tests": tests,
        "causes": [asdict(cause) for cause in causes(outcomes)],
        "not_asked": not_asked(outcomes),
        "hosts": {
            target.name: _without_secrets(_host(heard[target.name]), cluster)
            for target in targets
            if target.name in heard
        },
    }


def _host(answers: Answers) -> dict[str, Any]:
    found: dict[str, Any] = {}
    said = dict(answers)
    if "nvidia-smi" in said:
        found["gpus"] = [
            {"name": gpu.name, "driver": gpu.driver, "memory": gpu.memory, "persistence": gpu.persistence}
            for gpu in gpus.gpus(said["nvidia-smi"])
        ]
        found["gpus_on_bus"] = len(said["bus"].out.split())
        found["health"] = [*gpu_health.defects(said), *gpu_health.ailments(said)]
    if "running" in said:
        clock = clocks.reading(said)
        found["clock_seconds"] = clock.offset if clock and clock.server else None
    if "days of certificates" in said:
        found["certificates_days"] = days_left(said["days of certificates"])
    return found


def _without_secrets(value: Any, cluster: Any) -> Any:
    if isinstance(value, str):
        return hide_secrets(value, cluster)
    if isinstance(value, list):
        return [_without_secrets(each, cluster) for each in value]
    if isinstance(value, dict):
        return {key: _without_secrets(each, cluster) for key, each in value.items()}
    return value
