"""Kubernetes quantities: 23900m, 230000000Ki, 4."""

import re
from decimal import Decimal

MIB = 1 << 20
_SUFFIXES = {
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("", "k", "M", "G", "T", "P", "E"))},
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{suffix: Decimal(1000) ** -power for power, suffix in enumerate(("m", "u", "n"), 1)},
}
_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d{1,3})|([kMGTPEmun]|[KMGTPE]i)?)", re.ASCII)


def parse_quantity(value: object) -> Decimal:
    """The number that a quantity means; bytes for memory, cores for processors. Raises ValueError."""
    match = _QUANTITY.fullmatch(str(value))
    if not match or isinstance(value, bool):
        raise ValueError("expected a Kubernetes quantity such as 4, 23900m or 230000000Ki, not negative")
    scale = Decimal(10) ** int(match[2]) if match[2] else _SUFFIXES[match[3] or ""]
    return Decimal(match[1]) * scale
