"""The picture of the three roles and the stages of a deploy, docs/pictures/roles.svg: written by tests/pictures.py, and
held to what deploy.py plans by tests/plan/test_roles.py."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from cluster import Role

ROLES = {
    Role.DEV_BOX: ("dev box", "by default where you run pyinfra"),
    Role.MASTER: ("master", "master.csv: the control plane"),
    Role.WORKER: ("workers", "worker.csv: the machines with GPUs"),
}
Cells = dict[Role, str]


def _all(text: str) -> Cells:
    return dict.fromkeys(ROLES, text)


# What a stage does on each role that it concerns, by its title.
STAGES: dict[str, Cells] = {
    "Preflight": _all("every requirement of every host, before anything changes"),
    "SSH trust": {
        Role.DEV_BOX: "a key pair",
        **dict.fromkeys((Role.MASTER, Role.WORKER), "take its key; sudo without a password; host keys pinned"),
    },
    "Time": _all("a time daemon that is in step"),
    "Docker": _all("its packages, proxy, mirrors and log limits; one daemon.json, merged"),
    "GPU driver": {Role.WORKER: "NVIDIA's, loaded; nouveau off"},
    "GPU container runtime": {Role.WORKER: "Docker's default runtime"},
    "Kubernetes": {
        Role.DEV_BOX: "kubectl and its access",
        Role.MASTER: "control plane, etcd, network",
        Role.WORKER: "nodes that advertise their GPUs",
    },
    "OpenPAI": {Role.DEV_BOX: "configuration; starts each service"},
}
# What comes of a stage on roles that it does nothing on by itself.
RESULTS: dict[str, Cells] = {
    "OpenPAI": {Role.MASTER: "its services and the portal", Role.WORKER: "its agents, and jobs"}
}

_LEFT, _WIDTH, _GAP, _TOP, _HEAD, _ROW = 206, 256, 10, 46, 54, 36
_COLOURS = {Role.DEV_BOX: "#1f6feb", Role.MASTER: "#1a7f37", Role.WORKER: "#9a6700"}
_STYLE = """\
text{font:13px system-ui,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.stage{font-weight:600}.head{font:600 16px system-ui,Helvetica,Arial,sans-serif;fill:#fff}.sub{fill:#fff}
.does{fill:#ddf4ff;stroke:#54aeff}.comes{fill:#f6f8fa;stroke:#d0d7de;stroke-dasharray:4 3}
.way{fill:none;stroke:#57606a;stroke-width:1.5;marker-end:url(#tip)}"""


def svg() -> str:
    """The picture."""
    height = _TOP + _HEAD + 12 + len(STAGES) * (_ROW + 8) + 8
    width = _LEFT + 3 * (_WIDTH + _GAP) + 6
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The three roles of a cluster, and what each stage of a deploy does on them</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
        '<path d="M0 0 6 3 0 6z" fill="#57606a"/></marker></defs>',
        '<rect width="100%" height="100%" rx="8" fill="#fff"/>',
        *_heads(), *_stages(), "</svg>\n",
    ))  # fmt: skip


def _x(role: Role) -> int:
    return _LEFT + list(ROLES).index(role) * (_WIDTH + _GAP)


def _text(x: float, y: float, text: str, look: str = "", anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{f" class={look!r}" if look else ""}>{escape(text)}</text>'


def _heads() -> Iterator[str]:
    """The roles, and the way from the first to the others."""
    for role, (name, about) in ROLES.items():
        middle = _x(role) + _WIDTH / 2
        yield f'<rect x="{_x(role)}" y="{_TOP}" width="{_WIDTH}" height="{_HEAD}" rx="6" fill="{_COLOURS[role]}"/>'
        yield _text(middle, _TOP + 23, name, "head")
        yield _text(middle, _TOP + 42, about, "sub")
    begin = _x(Role.DEV_BOX) + _WIDTH / 2
    for role in (Role.MASTER, Role.WORKER):
        yield f'<path class="way" d="M{begin:g} {_TOP}V22H{_x(role) + _WIDTH / 2:g}V{_TOP - 2}"/>'
    yield _text(begin + (_WIDTH + _GAP) / 2, 16, "SSH")


def _stages() -> Iterator[str]:
    """A line a stage: what it does on each role, once for roles beside each other that it does the same on."""
    for number, (stage, cells) in enumerate(STAGES.items(), 1):
        y = _TOP + _HEAD + 12 + (number - 1) * (_ROW + 8)
        yield _text(16, y + 23, f"{number}  {stage}", "stage", "start")
        for look, row in (("does", cells), ("comes", RESULTS.get(stage, {}))):
            for text, roles in groupby(row, key=lambda role: row[role]):
                alike = list(roles)
                width = _x(alike[-1]) + _WIDTH - _x(alike[0])
                yield f'<rect class="{look}" x="{_x(alike[0])}" y="{y}" width="{width}" height="{_ROW}" rx="5"/>'
                yield _text(_x(alike[0]) + width / 2, y + 23, text)
