"""What ufw lets in, from its own words (`ufw status verbose`). Pure."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

# To, the interface that it came in by, From; rules for a port or a protocol, which end otherwise, let only those in.
_RULE = re.compile(r"(Anywhere|[\d.]+)(?: on (\S+))? +ALLOW IN +(Anywhere|[\d./]+) *(?:\(.*\) *)?(?:#.*)?")


def kept_out(status: Sequence[str], address: str, interface: str, nodes: Iterable[str], pods: str) -> list[str]:
    """Of the addresses `nodes`, who come by `interface`, and the network `pods`: who may not reach all of `address`."""
    if "Status: active" not in status or any(line.startswith("Default: allow (incoming)") for line in status):
        return []
    rules = [match for line in status if (match := _RULE.fullmatch(line.strip())) and match[1] in ("Anywhere", address)]
    allowed = [(rule[2], IPv4Network(rule[3].replace("Anywhere", "0.0.0.0/0"), strict=False)) for rule in rules]
    coming = [*((each, interface) for each in nodes), (pods, None)]
    return [
        each
        for each, by in coming
        if not any(on in (None, by) and IPv4Network(each).subnet_of(source) for on, source in allowed)
    ]
