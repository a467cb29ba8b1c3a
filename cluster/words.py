"""Enumerations of words."""

from enum import Enum


class StrEnum(str, Enum):
    """Members that are their text wherever a text is wanted: Python's own, which Python 3.10 has not."""

    __str__ = str.__str__
