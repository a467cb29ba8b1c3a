"""What people read: many host names, openpai-[001-018,020], text that is the same for many, and times. Pure: no I/O."""

import re
from collections.abc import Iterable

# The last number of the host's own label, before any domain; where that has none, the name stands alone.
_NUMBERED = re.compile(r"([^.]*?)(\d+)([^.\d]*(?:\..*)?)", re.ASCII)


def short(names: Iterable[str]) -> str:
    """`names` in one phrase, in the form of Slurm, pdsh and ClusterShell: `openpai-[001-018,020], spare`.

    The same for any order of `names`, each named once; nothing is left out, and leading zeros stay.
    """
    numbers: dict[tuple[str, str], list[str]] = {}
    alone = []
    for name in sorted(set(names)):
        if match := _NUMBERED.fullmatch(name):
            before, number, after = match.groups()
            numbers.setdefault((before, after), []).append(number)
        else:
            alone.append((name, name))
    folded = [(before + after, before + _ranges(found) + after) for (before, after), found in numbers.items()]
    return ", ".join(phrase for _, phrase in sorted(folded + alone))


def _ranges(numbers: list[str]) -> str:
    runs: list[list[str]] = []
    for number in sorted(numbers, key=lambda digits: (len(digits), digits)):
        # The next number as it would be written after the last one: 099, 100 and 9, 10 follow, 9 and 010 do not.
        if runs and number == str(int(runs[-1][-1]) + 1).zfill(len(runs[-1][-1])):
            runs[-1].append(number)
        else:
            runs.append([number])
    listed = [run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return listed[0] if len(numbers) == 1 else f"[{','.join(listed)}]"


def unnamed(text: str, name: str, address: str = "") -> str:
    """`text` with the words HOST and ADDRESS for a host's own, so that what befalls many hosts alike reads alike."""
    for word, own in (("HOST", name), ("ADDRESS", address)):
        if own:
            # Neither a part of a longer name, address or path (openpai/dev-box is an image); a full stop may follow.
            text = re.sub(rf"(?<![\w.-])(?<!\w/){re.escape(own)}(?![\w-]|\.\w)", word, text)
    return text


def leading_address(text: str) -> str:
    """The IPv4 address that `text` begins with, as the words on a host that was not reached do; else nothing."""
    found = re.match(r"\d+(?:\.\d+){3}(?=:)", text)
    return found[0] if found else ""


def duration(seconds: float) -> str:
    """A time as people say it: `45 s`, `3 min 20 s`, `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
