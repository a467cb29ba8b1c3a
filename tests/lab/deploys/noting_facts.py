"""Before another deploy: every fact that it reads is written, with its value, to the file that --data facts=FILE names.

A line is JSON: host, fact, arguments, how its answer holds, value.
"""

from __future__ import annotations

import json
from pathlib import Path
from pprint import pformat
from typing import Any

from pyinfra import host
from pyinfra.api import facts

from tasks.reach.asking import Holds

NOTED = "noted by the tests"


def noting(get_fact: Any, file: Path) -> Any:
    def get(state: Any, host: Any, cls: Any, *arguments: Any, **more: Any) -> Any:
        value = get_fact(state, host, cls, *arguments, **more)
        holds = getattr(cls, "holds", Holds.UNTIL_THE_HOST_CHANGES)
        # pformat() orders sets and dicts, which repr() has in another order in each process.
        line = [host.name, cls.__name__, pformat(arguments[:2], width=10**6), holds.name, pformat(value, width=10**6)]
        with file.open("a") as notes:
            notes.write(json.dumps(line) + "\n")
        return value

    get.__doc__ = NOTED
    return get


if facts._get_fact.__doc__ != NOTED:
    vars(facts).update(_get_fact=noting(facts._get_fact, Path(host.data.facts)))
