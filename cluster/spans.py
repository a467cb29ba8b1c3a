"""Many hosts' names in few words. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable

# A name's last number, and what stands before and after it.
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)


def spans(names: Iterable[str]) -> str:
    """`names` in order of first appearance, those that differ by a number alone as one: node-[001-018,020]."""
    groups: dict[tuple[str, int, str], list[int]] = {}
    parts = [(name, _NUMBERED.fullmatch(name)) for name in dict.fromkeys(names)]
    # 099 and 100 are written alike; 9 and 10 are as well.
    padded = {(one[1], len(one[2]), one[3]) for _, one in parts if one and one[2].startswith("0") and len(one[2]) > 1}
    for name, one in parts:
        if one is None:
            groups[name, 0, ""] = []
            continue
        width = len(one[2]) if (one[1], len(one[2]), one[3]) in padded else 0
        groups.setdefault((one[1], width, one[3]), []).append(int(one[2]))
    return ", ".join(f"{before}{_ranges(numbers, width)}{after}" for (before, width, after), numbers in groups.items())


def _ranges(numbers: list[int], width: int) -> str:
    if len(numbers) < 2:
        return "".join(str(number).zfill(width) for number in numbers)
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    ends = [dict.fromkeys((run[0], run[-1])) for run in runs]
    return "[" + ",".join("-".join(str(number).zfill(width) for number in pair) for pair in ends) + "]"
