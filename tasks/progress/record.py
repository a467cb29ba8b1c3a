"""What a run did, as data: by host and by stage; and the same as deploy.json. Pure: no pyinfra, no I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from cluster.names import leading_address, unnamed

WELL, CHANGED, FAILED, NOT_RUN = "well", "changed", "failed", "not run"
NOT_REACHED, LEFT_OUT, NOT_FINISHED = "not reached", "left out", "not finished"


def now() -> str:
    """The present time as the report writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Failure:
    """Why a host failed."""

    stage: str
    operation: str
    reason: str
    remedy: str
    log: str

    def of_many(self, name: str) -> Failure:
        """The same without what is its host's own: `name`, its address, and the log."""
        address = leading_address(self.reason)
        reason, remedy = (unnamed(text, name, address) for text in (self.reason, self.remedy))
        return replace(self, reason=reason, remedy=remedy, log="")


@dataclass(frozen=True)
class Change:
    """An operation that changed a host."""

    stage: str
    operation: str
    at: str


@dataclass
class HostRecord:
    """What came of one host."""

    role: str
    state: str = WELL
    stages: dict[str, str] = field(default_factory=dict)
    changed: list[Change] = field(default_factory=list)
    failure: Failure | None = None


@dataclass
class Record:
    """What came of a run; `stages` are seconds by name."""

    cluster: str
    dry: bool
    begun: str = field(default_factory=now)
    stages: dict[str, float] = field(default_factory=dict)
    hosts: dict[str, HostRecord] = field(default_factory=dict)
    executed: bool = False
    """Whether it came to changing hosts."""
    status: int = 0
    next: str = ""

    def named(self, *states: str) -> list[str]:
        """The hosts in any of these states."""
        return [name for name, host in self.hosts.items() if host.state in states]

    def failures(self) -> list[tuple[Failure, list[str]]]:
        """Each failure with its hosts, equal ones together, without what is each host's own but the first one's log."""
        found: dict[Failure, tuple[Failure, list[str]]] = {}
        for name, host in self.hosts.items():
            if host.failure:
                found.setdefault(host.failure.of_many(name), (host.failure, []))[1].append(name)
        return [
            (replace(common, log=first.log) if len(names) > 1 else first, names)
            for common, (first, names) in found.items()
        ]

    def changes(self) -> Counter[str]:
        """How many operations changed a host, by stage."""
        return Counter(change.stage for host in self.hosts.values() for change in host.changed)

    def document(self) -> dict[str, Any]:
        """The content of deploy.json."""
        stages = [{"name": name, "seconds": round(seconds, 1)} for name, seconds in self.stages.items()]
        return {
            "kind": "deploy",
            "cluster": self.cluster,
            "begun": self.begun,
            "ended": now(),
            "dry": self.dry,
            "status": self.status,
            "stages": stages,
            "hosts": {name: asdict(host) for name, host in self.hosts.items()},
            "next": self.next,
        }
