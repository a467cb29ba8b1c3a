"""What deploy, preflight and verification left in reports/NAME, as typed values; a file that is wrong is named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

# A safeguard: who writes these files hides secrets by name; a password inside of a URL is known by its form.
_URL_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)")


class Record(BaseModel):
    """Data as another run wrote it: what is missing is empty, what is unknown is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _without_passwords(cls, value: Any) -> Any:
        return _URL_PASSWORD.sub(r"\1***", value) if isinstance(value, str) else value


class Stage(Record):
    """A stage of a deploy and how long it took, for all hosts together."""

    name: str
    seconds: float


class Change(Record):
    """An operation that changed a host."""

    stage: str
    operation: str
    at: str


class Failure(Record):
    """Why a host did not get through a deploy."""

    stage: str = ""
    operation: str = ""
    reason: str = ""
    remedy: str = ""
    log: str = ""


class DeployedHost(Record):
    """What came of a host in a deploy."""

    role: str = ""
    state: str = "not run"
    stages: dict[str, str] = {}
    changed: list[Change] = []
    failure: Failure | None = None


class Deploy(Record):
    """deploy.json: the last deploy, dry or not."""

    begun: str = ""
    ended: str = ""
    dry: bool = False
    status: int = 0
    stages: list[Stage] = []
    hosts: dict[str, DeployedHost] = {}
    next: str = ""


class Cause(Record):
    """One thing wrong on `hosts`, by preflight (requirement, found, needed, fix) or verification (tests, message)."""

    hosts: list[str] = []
    severity: str = "must"
    requirement: str = ""
    found: str = ""
    needed: str = ""
    fix: str = ""
    tests: list[str] = []
    outcome: str = "failed"
    message: str = ""


class Row(Record):
    """An unmet requirement of a host."""

    host: str
    requirement: str
    severity: str
    outcome: str


class SeenHost(Record):
    """What preflight saw of a host."""

    release: str = ""
    kernel: str = ""
    driver: str | None = None
    gpus: str = "none"
    gpus_on_bus: int = 0
    peers_asked: int = 0
    peers_reached: int = 0


class Preflight(Record):
    """preflight.json: the last look before a deploy."""

    time: str = ""
    met: bool = True
    skipped: list[str] = []
    roles: dict[str, str] = {}
    rows: list[Row] = []
    causes: list[Cause] = []
    hosts: dict[str, SeenHost] = {}


class Test(Record):
    """A check of the verification on a host; an empty host is the cluster."""

    host: str = ""
    test: str
    outcome: str
    message: str = ""


class Gpu(Record):
    """A GPU by nvidia-smi; memory in MiB."""

    name: str
    driver: str = ""
    memory: str = ""
    persistence: str = ""


class VerifiedHost(Record):
    """What the verification's probes heard of a host; certificates: days left by file."""

    gpus: list[Gpu] | None = None
    gpus_on_bus: int = 0
    health: list[str] = []
    clock_seconds: float | None = None
    certificates_days: dict[str, int] = {}


class Verify(Record):
    """verify.json: the last verification."""

    time: str = ""
    roles: dict[str, str] = {}
    tests: list[Test] = []
    causes: list[Cause] = []
    not_asked: int = 0
    hosts: dict[str, VerifiedHost] = {}


class Records(BaseModel):
    """All that is known of a cluster; None where it was never done, `unread` names files that cannot be read."""

    cluster: str
    preflight: Preflight | None = None
    deploy: Deploy | None = None
    verify: Verify | None = None
    unread: list[str] = []
    files: list[str] = []


_Kind = TypeVar("_Kind", bound=Record)
# Beside the records, what a reader may want to open.
_OTHERS = ("verify.html", "run.log", "openpai.json")


def read(folder: Path) -> Records:
    """The records in `folder`, whose name is the cluster's."""
    unread: list[str] = []

    def one(kind: type[_Kind], name: str) -> _Kind | None:
        try:
            return kind.model_validate_json((folder / name).read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            unread.append(f"{name}: {error.strerror}")
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            unread.append(f"{name}: {place + ': ' if place else ''}{first['msg']}")
        return None

    return Records(
        cluster=folder.name,
        preflight=one(Preflight, "preflight.json"),
        deploy=one(Deploy, "deploy.json"),
        verify=one(Verify, "verify.json"),
        unread=unread,
        files=[name for name in _OTHERS if (folder / name).is_file()],
    )
