"""What is at work on a host, and would end with its boot. Pure: lines of files/systemd/at-work.sh in, words out."""

from collections.abc import Iterable

# Kinds that a driver which is replaced in place takes along; the others end with the boot alone.
ON_GPUS = ("container", "gpu")
_WORDS = {
    "gpu": "processes use GPUs",
    "vm": "virtual machines run",
    "job": "jobs of Slurm run",
    "person": "people are logged in",
}
_KINDS = ("container", *_WORDS)
# Names of a kind that are told.
_MOST = 5


def read_lines(text: str) -> tuple[str, ...]:
    """The lines of `text`; ValueError where one says something else."""
    lines = tuple(text.splitlines())
    for line in lines:
        if line.partition(" ")[0] not in _KINDS:
            raise ValueError(f"{line!r} is no kind of work")
    return lines


def shims(at_work: Iterable[str]) -> int:
    """How many containers of Docker and of Kubernetes run."""
    return sum(line.startswith("container containerd-shim") for line in at_work)


def beyond_pods(at_work: Iterable[str]) -> tuple[str, ...]:
    """What is at work on a node whose pods have left: what DaemonSets run and use is made anew by them.

    >>> beyond_pods(["container containerd-shim", "gpu dcgm", "person ann"])
    ('person ann',)
    """
    return tuple(line for line in at_work if line.partition(" ")[0] not in ON_GPUS)


def in_words(at_work: Iterable[str], kinds: Iterable[str] = _KINDS) -> str:
    """What is at work of `kinds`, in words; empty where nothing is.

    >>> in_words(["container containerd-shim", "container conmon", "person ann", "job 7", "job 7", "person bob"])
    '2 containers run, jobs of Slurm run (7), people are logged in (ann, bob)'
    """
    found: dict[str, list[str]] = {}
    for line in at_work:
        kind, _, name = line.partition(" ")
        found.setdefault(kind, []).append(name)
    said = []
    for kind in kinds:
        names = found.get(kind, [])
        if kind == "container" and names:
            said.append(f"{len(names)} containers run")
        elif names:
            each = list(dict.fromkeys(names))
            said.append(f"{_WORDS[kind]} ({', '.join(each[:_MOST])}{', ...' if len(each) > _MOST else ''})")
    return ", ".join(said)
