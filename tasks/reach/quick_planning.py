"""What pyinfra asks of Python again and again while it plans, answered at less cost; figures: docs/performance.md.

pyinfra orders operations by the lines of the call stack. It takes them from inspect.stack() and, for each frame, from
inspect.getframeinfo(): both find and read the source around the line, of which only file and number are used, and look
through all modules for deploy.py, which belongs to none. And for each fact and operation it evaluates the annotations
of its global arguments anew, and looks for each of them through all layers of the host's data. Until pyinfra does the
like itself, its names for these functions are given others.
"""

from __future__ import annotations

import sys
from functools import cache
from types import FrameType
from typing import Any, NamedTuple

from pyinfra.api import arguments, util
from pyinfra.api.host import HostData

# Where the keys of a host's data are noted: no name that an inventory can have.
FIXED = "the keys that do not change"


class Place(NamedTuple):
    """What pyinfra uses of inspect's Traceback."""

    filename: str
    lineno: int


def stack() -> list[tuple[FrameType]]:
    """The caller's frame and those that called it, the innermost first, each where inspect.stack() has its frame."""
    frames = []
    frame: FrameType | None = sys._getframe(1)
    while frame:
        frames.append((frame,))
        frame = frame.f_back
    return frames


def getframeinfo(frame: FrameType) -> Place:
    """File and line at which `frame` stands."""
    return Place(frame.f_code.co_filename, frame.f_lineno)


def given(data: HostData, key: str, default: Any) -> Any:
    """getattr() of a host's data; six layers are looked through only for a key that one of them has.

    What comes from the inventory and --data does not change in a run, so its keys are noted beside it.
    """
    known = vars(data)
    if FIXED not in known:
        known[FIXED] = frozenset(data.dict())
    if key in known[FIXED] or key in data.override_datas or key in data.host.get_deploy_data():
        return getattr(data, key, default)
    return default


vars(util).update(stack=stack, getframeinfo=getframeinfo)
vars(arguments).update(all_global_arguments=cache(arguments.all_global_arguments), getattr=given)
