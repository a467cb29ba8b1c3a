"""Folders spoilt at random: `check` ends with 0 or 1, never a traceback; every failure names file and line."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.__main__ import main
from cluster.config import Config
from tests.unit.cluster_folder import CONFIG, MASTER, WORKER, C, L, M, W, write

LAYOUT = """\
machine-sku:
  a: {mem: 60Gi, cpu: {vcore: 24}}
machine-list:
  - {hostname: openpai-master-01, hostip: 10.1.0.1, machine-type: a, pai-master: "true"}
  - {hostname: openpai-001, hostip: 10.0.0.1, machine-type: a, pai-worker: "true"}
"""
RECORD = (
    "hosts:\n- {name: openpai-001, address: 10.0.0.1, role: worker}\n- {name: gone, address: 10.0.0.8, role: worker}\n"
)
GOOD = {
    M: MASTER,
    W: WORKER,
    C: CONFIG.replace("pai-1.0.y", "pai-1.8.y").replace("v1.0.0", "v1.8.0") + "password: hunter2\nssh_port: 22\n",
    L: LAYOUT,
    "deployed.yaml": RECORD,
}
# Bytes that mean something to one of the parsers, or to none.
PIECES = st.sampled_from(
    [
        *(
            b"",
            b",",
            b";",
            b"\n",
            b"\r\n",
            b" ",
            b"\t",
            b'"',
            b"'",
            b"\0",
            b"\xff",
            b"\xef\xbb\xbf",
            b"\x1b",
            b"\xe2\x80\xa8",
        ),
        *(
            b":",
            b": ",
            b"- ",
            b"[",
            b"]",
            b"{",
            b"}",
            b"&a ",
            b"*a",
            b"!x ",
            b"!!binary ",
            b"!!int ",
            b"%",
            b"|",
            b">",
            b"? ",
        ),
        *(
            b"#",
            b"~",
            b"null",
            b"true",
            b"0x",
            b"1e999",
            b"2020-99-99",
            b"-1",
            b".",
            b"<<: ",
            b"---\n",
            b"...\n",
            b"<x>",
        ),
        *("\u00e4".encode(), "\U0001f600".encode(), "\uff0c".encode(), b"A", b"10.0.0.1", b"::1", b"machine-list"),
    ]
)
KEYS = st.sampled_from([info.alias or name for name, info in Config.model_fields.items()])
VALUES = st.sampled_from(
    ["1", "x", "[1]", "{a: 1}", "{1: 2}", "[[x]]", "!x y", "~", "''", "1.5", "'@'", "*a", "&a b", "|\n  x", "0b_"]
)
LINE = re.compile(r"([\w./-]+?)(:\d+)?: (warning: |notice: )?\S.*; \S.*")


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, str | bytes]:
    """The good files with bytes put in or cut out, lines repeated or dropped, and keys of any kind added."""
    files: dict[str, str | bytes] = {}
    for name in draw(st.sets(st.sampled_from(sorted(GOOD)), min_size=1, max_size=3)):
        data = GOOD[name].encode()
        if name == C:
            data += b"".join(f"{draw(KEYS)}: {draw(VALUES)}\n".encode() for _ in range(draw(st.integers(0, 2))))
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(data)))
            data = data[:start] + draw(PIECES) + data[start + draw(st.integers(0, 12)) :]
        files[name] = data
    return files


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spoilt())
def test_a_spoilt_folder(files: dict[str, str | bytes]) -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder = write(Path(parent) / "c", {**GOOD, **files})
        (folder / "deployed.yaml").chmod(0o600)
        result = CliRunner().invoke(main, ["check", str(folder)])
    assert result.exception is None or isinstance(result.exception, SystemExit), (files, result.exc_info)
    lines = result.stdout.splitlines()
    said = [LINE.fullmatch(line) for line in lines]
    if result.exit_code == 0:
        assert ": can be used; next: " in lines[-1] and all(match and match[3] for match in said[:-1]), lines
    else:
        assert result.exit_code == 1 and all(said), lines
        assert any(match and not match[3] for match in said), lines
        assert {Path(match[1]).name for match in said if match} <= {*GOOD, "secrets.yaml"}
    assert "Traceback" not in result.output
    assert "hunter2" not in result.output or elsewhere(files[C]), files


class Tolerant(yaml.CSafeLoader):
    """YAML in which a tag that nobody knows is only that."""


def untagged(loader: Tolerant, _: str, node: yaml.Node) -> str:
    return str(node.value)


Tolerant.add_multi_constructor("", untagged)


def elsewhere(config: str | bytes) -> bool:
    """Whether the password has become part of something else: of another key, or of another key's value."""
    try:
        data = yaml.load(config, Tolerant)
    except (yaml.YAMLError, ValueError):
        return False
    return not isinstance(data, dict) or any(
        "hunter2" in f"{key}{value}" for key, value in data.items() if key != "password"
    )


def test_an_unknown_tag_does_not_hide_where_the_password_went() -> None:
    assert elsewhere("user: !x y\nssh_port: password hunter2\n")
    assert not elsewhere("user: !x y\npassword: hunter2\n")
