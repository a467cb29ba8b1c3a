"""master.csv and worker.csv: `hostname,address` a line and nothing else, as the guide demands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from cluster.problems import WARNING, Problem, shown

MASTERS, WORKERS = "master.csv", "worker.csv"
# What spreadsheets and other tools call the two columns.
_HEADERS = re.compile(r"(host|node)?[ _-]?(name|ip|address|addr)|host|node|machine|ip[ _-]?address|ipv4", re.IGNORECASE)
# RFC 1123, as Kubernetes and kubespray check it. 63: the name is also the value of a label.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_LENGTH = 63
_FULL_WIDTH_COMMA = "\uff0c"
# Names that Ansible's inventory, our dev box or every machine has already.
RESERVED = frozenset(
    ("all", "calico-rr", "dev-box", "etcd", "gpu", "k8s-cluster", "kube-master", "kube-node", "localhost", "ungrouped")
)
_EXAMPLE = "write `hostname,address`, as `openpai-001,10.0.0.1`"


@dataclass(frozen=True)
class HostRow:
    """A line that names a host; its parts may be wrong, which is then among the problems."""

    name: str
    address: str
    file: str
    line: int

    @property
    def place(self) -> str:
        """The line as messages name it."""
        return f"{self.file}:{self.line}"


def parse_hosts(text: str, file: str, problems: list[Problem]) -> list[HostRow]:
    """The rows of a CSV file; what is wrong with a line is appended to `problems`."""
    rows = []
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        flaw = _layout_flaw(line, first=number == 1)
        fields = [field.strip(" \t\"'\u00a0\u3000") for field in re.split(rf"[,;\t{_FULL_WIDTH_COMMA}]", line)]
        fields = [field for field in fields if field]
        if flaw:
            message, remedy = flaw
            if len(fields) == 2 and "header" not in message and "comment" not in message:
                remedy = f"write {shown(','.join(fields))[1:-1]}"
            problems.append(Problem(file, number, message, remedy))
        if len(fields) != 2 or (flaw and ("header" in flaw[0] or "comment" in flaw[0])):
            continue
        row = HostRow(fields[0], fields[1], file, number)
        problems.extend(
            Problem(file, number, *flaw) for flaw in (name_flaw(row.name), address_flaw(row.address)) if flaw
        )
        if row.address.endswith(".255"):
            said = f"{row.address} is the broadcast address of a /24 network"
            problems.append(Problem(file, number, said, "make sure that it is a host's", WARNING))
        rows.append(row)
    return rows


def _layout_flaw(line: str, *, first: bool) -> tuple[str, str] | None:
    """What is wrong with the shape of a line, and the remedy."""
    fields = line.split(",")
    if not line.strip():
        return "blank line", "remove it"
    if not line.strip(",; \t\"'"):
        return "only separators: an empty row of a spreadsheet (Excel)", "remove the line"
    if line.lstrip().startswith("#"):
        return "comment; this file has none", "remove the line"
    if first and len(fields) > 1 and all(_HEADERS.fullmatch(field.strip(" \"'")) for field in fields[:2]):
        return "header row; this file has none", "remove the line"
    if '"' in line or "'" in line:
        return "quotes, as Excel saves them", _EXAMPLE
    if ";" in line:
        return "semicolon between the columns, as Excel saves them in some countries", _EXAMPLE
    if _FULL_WIDTH_COMMA in line:
        return "full-width comma between the columns", _EXAMPLE
    if "\t" in line:
        return "tab between the columns, as Excel saves them as text", _EXAMPLE
    if any(character.isspace() for character in line):
        return "space in the line", _EXAMPLE
    if len(fields) > 2 and not any(fields[2:]):
        return "trailing comma, as Excel saves empty columns", _EXAMPLE
    if len(fields) != 2:
        return f"{len(fields)} column{'s' if len(fields) > 1 else ''} instead of 2: {shown(line)}", _EXAMPLE
    if not fields[0]:
        return "no host name before the comma", _EXAMPLE
    if not fields[1]:
        return "no address after the comma", _EXAMPLE
    return None


def name_flaw(name: str) -> tuple[str, str] | None:
    """What keeps `name` from being a Kubernetes node name, and the remedy."""
    if re.fullmatch(r"[\d.]+\.[\d.]+", name):
        return f"{shown(name)} stands where the host name belongs", "put the host name first, then the address"
    if name.lower() != name and _NAME.fullmatch(name.lower()):
        return f"capital letters in the host name {shown(name)}", f"rename the host to {name.lower()}"
    if not _NAME.fullmatch(name):
        letters = "rename the host: a-z, 0-9, - and ., with a letter or digit at both ends of each part"
        return f"{shown(name)} cannot be a Kubernetes node name", letters
    if len(name) > _NAME_LENGTH:
        return f"the host name {shown(name)} has {len(name)} characters", f"rename the host: {_NAME_LENGTH} at most"
    if name in RESERVED:
        return f"the host name {name} is taken by a group or machine of that name", "rename the host"
    return None


def address_flaw(text: str) -> tuple[str, str] | None:
    """What keeps `text` from being a host's IPv4 address, and the remedy."""
    remedy = "write the IPv4 address that the other hosts reach it by"
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return _not_ipv4(text), remedy
    if address.is_loopback:
        return f"{text} is a loopback address", remedy
    if address.is_multicast or address.is_reserved or text.startswith("0."):
        return f"{text} is no address of a host", remedy
    if address.is_link_local:
        return f"{text} is a link-local address", remedy
    if text.endswith(".0"):
        return f"{text} is a network address", remedy
    return None


def _not_ipv4(text: str) -> str:
    if ":" in text:
        try:
            IPv6Address(text)
        except AddressValueError:
            pass
        else:
            return f"{text} is an IPv6 address"
    if "/" in text:
        return f"{shown(text)} is a network, not an address"
    if re.fullmatch(r"\d+(\.\d+){3}", text, re.ASCII) and re.search(r"(^|\.)0\d", text):
        return f"leading zeros in the address {shown(text)}"
    return f"{shown(text)} is no IPv4 address"
