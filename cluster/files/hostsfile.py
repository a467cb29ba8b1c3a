"""master.csv and worker.csv: `hostname,address` a line and nothing else, as the guide demands."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address

from cluster.model import Role
from cluster.problems import WARNING, Place, Problem, quoted

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
# RFC 5737: addresses that stand for others in documents, and are no host's.
DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
_NO_HOST = "csv-no-host"  # the cause of a flaw of a line that is not meant to name one


@dataclass(frozen=True)
class HostRow:
    """A line that names a host; its parts may be wrong, which is then among the problems."""

    name: str
    address: str
    place: Place

    @property
    def role(self) -> Role:
        """What the file makes of its hosts."""
        return Role.MASTER if self.place.file == MASTERS else Role.WORKER


def parse_hosts(text: str, file: str, problems: list[Problem]) -> list[HostRow]:
    """The rows of a CSV file; what is wrong with a line is appended to `problems`."""
    rows = []
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
        place = Place(file, number)
        fields = [field.strip(" \t\"'\u00a0\u3000") for field in re.split(rf"[,;\t{_FULL_WIDTH_COMMA}]", line)]
        fields = [field for field in fields if field]
        flaw = _line_flaw(line, first=number == 1)
        names_host = len(fields) == 2 and (flaw is None or flaw.cause != _NO_HOST)
        if flaw:
            fix = f"write {quoted(','.join(fields))[1:-1]}" if names_host else flaw.fix
            problems.append(replace(flaw, fix=fix, place=place))
        if not names_host:
            continue
        row = HostRow(fields[0], fields[1], place)
        problems.extend(flaw.at(place) for flaw in (name_flaw(row.name), address_flaw(row.address)) if flaw)
        if row.address.endswith(".255"):
            found = f"{row.address} is the broadcast address of a /24 network"
            problems.append(Problem(found, "make sure that it is a host's", place, WARNING, cause="csv-address"))
        rows.append(row)
    return rows


def _line_flaw(line: str, *, first: bool) -> Problem | None:
    """What is wrong with the shape of a line."""
    fields = line.split(",")
    if not line.strip():
        return Problem("blank line", "remove it", cause=_NO_HOST)
    if not line.strip(",; \t\"'"):
        return Problem("only separators: an empty row of a spreadsheet (Excel)", "remove the line", cause=_NO_HOST)
    if line.lstrip().startswith("#"):
        return Problem("comment; this file has none", "remove the line", cause=_NO_HOST)
    if first and len(fields) > 1 and all(_HEADERS.fullmatch(field.strip(" \"'")) for field in fields[:2]):
        return Problem("header row; this file has none", "remove the line", cause=_NO_HOST)
    found = None
    if '"' in line or "'" in line:
        found = "quotes, as Excel saves them"
    elif ";" in line:
        found = "semicolon between the columns, as Excel saves them in some countries"
    elif _FULL_WIDTH_COMMA in line:
        found = "full-width comma between the columns"
    elif "\t" in line:
        found = "tab between the columns, as Excel saves them as text"
    elif any(character.isspace() for character in line):
        found = "space in the line"
    elif len(fields) > 2 and not any(fields[2:]):
        found = "trailing comma, as Excel saves empty columns"
    elif len(fields) != 2:
        found = f"{len(fields)} column{'s' if len(fields) > 1 else ''} instead of 2: {quoted(line)}"
    elif not fields[0]:
        found = "no host name before the comma"
    elif not fields[1]:
        found = "no address after the comma"
    return Problem(found, "write `hostname,address`, as `openpai-001,10.0.0.1`", cause="csv-shape") if found else None


def name_flaw(name: str) -> Problem | None:
    """What keeps `name` from being a Kubernetes node name."""
    if re.fullmatch(r"[\d.]+\.[\d.]+", name):
        return Problem(
            f"{quoted(name)} stands where the host name belongs",
            "put the host name first, then the address",
            cause="csv-name",
        )
    if name.lower() != name and _NAME.fullmatch(name.lower()):
        return Problem(
            f"capital letters in the host name {quoted(name)}", f"rename the host to {name.lower()}", cause="csv-name"
        )
    if not _NAME.fullmatch(name):
        letters = "rename the host: a-z, 0-9, - and ., with a letter or digit at both ends of each part"
        # A letter may look like one of these and be another alphabet's.
        foreign = next((f" ({letter} is U+{ord(letter):04X})" for letter in name if letter > "\x7f"), "")
        return Problem(f"{quoted(name)} cannot be a Kubernetes node name{foreign}", letters, cause="csv-name")
    if len(name) > _NAME_LENGTH:
        found = f"the host name {quoted(name)} has {len(name)} characters"
        return Problem(found, f"rename the host: {_NAME_LENGTH} at most", cause="csv-name")
    if name in RESERVED:
        return Problem(
            f"the host name {name} is taken by a group or machine of that name", "rename the host", cause="csv-name"
        )
    return None


def address_flaw(text: str) -> Problem | None:
    """What keeps `text` from being a host's IPv4 address."""
    found = None
    try:
        address = IPv4Address(text)
    except AddressValueError:
        found = _not_ipv4(text)
    else:
        if address.is_loopback:
            found = f"{text} is a loopback address"
        elif address.is_multicast or address.is_reserved or text.startswith("0."):
            found = f"{text} is no address of a host"
        elif address.is_link_local:
            found = f"{text} is a link-local address"
        elif text.endswith(".0"):
            found = f"{text} is a network address"
        elif any(address in network for network in DOCUMENTATION):
            found = f"{text} is an address for examples in documents (RFC 5737)"
    return (
        Problem(found, "write the IPv4 address that the other hosts reach it by", cause="csv-address")
        if found
        else None
    )


def _not_ipv4(text: str) -> str:
    with suppress(AddressValueError):
        IPv6Address(text)
        return f"{text} is an IPv6 address"
    if "/" in text:
        return f"{quoted(text)} is a network, not an address"
    if re.fullmatch(r"\d+(\.\d+){3}", text, re.ASCII) and re.search(r"(^|\.)0\d", text):
        return f"leading zeros in the address {quoted(text)}"
    return f"{quoted(text)} is no IPv4 address"
