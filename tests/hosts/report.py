"""What a failed check says, and the reports: JUnit and self-contained HTML, none with a secret in it."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import NoReturn

import pytest
import yaml
from pydantic import SecretStr

from cluster import Cluster
from cluster.names import short
from tests.hosts.probes import Answer
from tests.hosts.targets import Target

HIDDEN = "***"
URL_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)")
notes_key = pytest.StashKey[list[tuple[str, str]]]()


def secret_values(cluster: Cluster) -> list[str]:
    """The cluster's passwords and tokens, those made for OpenPAI's services among them, longest first."""
    values = [value.get_secret_value() for _, value in cluster.config if isinstance(value, SecretStr)]
    made = cluster.folder / "secrets.yaml"
    if made.is_file():
        values += (yaml.safe_load(made.read_text()) or {}).values()
    return sorted(filter(None, [*values, os.environ.get("OPENPAI_PASSWORD")]), key=len, reverse=True)


def hide_secrets(text: str, cluster: Cluster) -> str:
    """`text` without the cluster's passwords and tokens, and without passwords inside of URLs."""
    for value in secret_values(cluster):
        text = text.replace(value, HIDDEN)
    return URL_PASSWORD.sub(rf"\1{HIDDEN}", text)


def fail(target: Target, message: str) -> NoReturn:
    """Fail the running test with one sentence that begins with the host's name."""
    pytest.fail(hide_secrets(f"{target.name}: {message}", target.cluster), pytrace=False)


def expect(ok: bool, target: Target, *, found: str, needed: str, remedy: str) -> None:
    """Unless `ok`, fail with what was found, what is needed, and what to do."""
    if not ok:
        fail(target, f"found {found}; needed {needed}; {remedy}")


def expect_answer(answer: Answer, target: Target, *, needed: str, remedy: str) -> str:
    """The output of a probe that has to succeed, else fail() with the way in which it did not."""
    expect(answer.ok, target, found=f"`{answer.probe.name}`: {answer.problem}", needed=needed, remedy=remedy)
    return answer.out


def write_to(config: pytest.Config, folder: Path) -> None:
    """Have pytest write verify.xml and verify.html in `folder`, where the command line does not say otherwise."""
    config.option.xmlpath = config.option.xmlpath or str(folder / "verify.xml")
    config.option.htmlpath = config.option.htmlpath or str(folder / "verify.html")
    config.option.self_contained_html = True
    config.stash[notes_key] = []


def note(config: pytest.Config, text: str, target: Target | None = None) -> None:
    """Show `text`, of `target` or of the cluster, at the end of the run and on top of the HTML report: no failure."""
    config.stash[notes_key].append(
        (target.name if target else "", hide_secrets(text, target.cluster) if target else text)
    )


def notes(config: pytest.Config) -> list[str]:
    """The notes; one on many hosts is said once, with their names."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for host, text in config.stash.get(notes_key, []):
        hosts.setdefault((text, "host" if host else ""), []).append(host)
    return [f"Warning: {short(names)}: {text}" if of else f"Warning: {text}" for (text, of), names in hosts.items()]


def notes_as_html(config: pytest.Config) -> list[str]:
    """The notes, for the HTML report."""
    return [f"<pre>{html.escape(text)}</pre>" for text in notes(config)]
