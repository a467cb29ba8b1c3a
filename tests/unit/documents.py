"""The documents: their blocks, and the commands, keys and links in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# `<!-- not run: REASON -->` before a block, or on a line of its own at the top of a document, for all of it.
MARK = re.compile(r"<!-- (?:not run|transcript): \S[^>]* -->")
# What a line of a block begins with where it is a command.
PROGRAMS = {
    *("apt-get", "docker", "git", "kubeadm", "kubectl", "make", "openpai-deploy", "pip", "pipx", "pyinfra", "pytest"),
    *("python", "python3", "sed", "ssh", "ssh-keygen", "sudo", "systemctl"),
}


@dataclass(frozen=True)
class Block:
    """Code of a document: what is indented or fenced."""

    document: Path
    line: int
    marked: bool
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    def commands(self) -> Iterator[str]:
        """Its commands, without the comments behind them."""
        for line in self.lines:
            bare = re.sub(r"\s{2,}#.*", "", line.removeprefix("$ ")).strip()
            words = re.sub(r"^([A-Z_]+=\S+ +)+", "", bare)
            if words.split(" ")[0] in PROGRAMS:
                yield words


def blocks(document: Path) -> Iterator[Block]:
    """The blocks of `document`, in order."""
    lines = document.read_text(encoding="utf-8").split("\n")
    whole = any(MARK.fullmatch(line) for line in lines[:5])
    fenced, before, start = False, "", 0
    found: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.lstrip().startswith("```"):
            if fenced and found:
                yield Block(document, start, whole or bool(MARK.fullmatch(before)), tuple(found))
            fenced, found, start = not fenced, [], number + 1
            continue
        if fenced:
            found.append(line.strip())
        elif re.match(r" {4,}\S", line) and (found or not lines[number - 2].strip()):
            start = start if found else number
            found.append(line.strip())
        elif found and line.strip():
            yield Block(document, start, whole or bool(MARK.fullmatch(before)), tuple(found))
            found, before = [], line.strip()
        elif line.strip():
            before = line.strip()
    if found:
        yield Block(document, start, whole or bool(MARK.fullmatch(before)), tuple(found))


def anchors(document: Path) -> set[str]:
    """What a link may name behind a #: the headings, as GitHub writes them, and anchors by name."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    headings = re.findall(r"^#+ +(.*?) *$", text, re.M)
    named = re.findall(r'<a id="([^"]+)"></a>', text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings} | set(named)


def links(document: Path) -> Iterator[tuple[str, str]]:
    """The file and the anchor of each link that stays in the repository."""
    text = re.sub(r"`[^`\n]*`", "", document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield path, anchor
