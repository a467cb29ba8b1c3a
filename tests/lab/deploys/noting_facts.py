"""Before another deploy: every fact that it reads is written, with its value, to the file that --data facts=FILE names.

A line is JSON: host, fact, arguments, value. Facts that rest on time, which no two runs share, are left out, and those
whose program is standard input: these are run by themselves in any case.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import facts

from tasks.reach.asking import Holds

NOTED = "noted by the tests"
FLEETING = ("SystemTime", "NFd", "NGoroutines", "NEventsListener")
"""What `docker info` says of the moment."""


def plain(value: Any) -> Any:
    """For JSON, sets in one order, which is another in each process; moments are reckoned from a clock and differ."""
    if is_dataclass(value):
        return [type(value).__name__, {field.name: plain(getattr(value, field.name)) for field in fields(value)}]
    if isinstance(value, dict):
        return sorted(([plain(key), plain(one)] for key, one in value.items() if key not in FLEETING), key=repr)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=repr)
    return "a moment" if isinstance(value, float | datetime) else repr(value)


def noting(get_fact: Any, file: Path) -> Any:
    def get(state: Any, host: Any, cls: Any, *arguments: Any, **more: Any) -> Any:
        value = get_fact(state, host, cls, *arguments, **more)
        asked, words = arguments[:2]
        if getattr(cls, "holds", None) is Holds.NOT or (words or {}).get("_stdin"):
            return value
        line = [host.name, cls.__name__, *map(plain, (asked, words, value))]
        with file.open("a") as notes:
            notes.write(json.dumps(line) + "\n")
        return value

    get.__doc__ = NOTED
    return get


if facts._get_fact.__doc__ != NOTED:
    vars(facts).update(_get_fact=noting(facts._get_fact, Path(host.data.facts)))
