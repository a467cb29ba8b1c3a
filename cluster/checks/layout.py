"""A layout.yaml by what upstream checks beyond its schema, and against the CSV files."""

from collections.abc import Iterable, Iterator

from cluster.files import HostRow, YamlDocument
from cluster.model import Role
from cluster.openpai import Layout
from cluster.problems import Problem, quoted


def check_layout(layout: Layout, document: YamlDocument, rows: Iterable[HostRow], *, hived: bool) -> Iterator[Problem]:
    """What upstream checks beyond the schema, and the layout against the CSV files' rows."""
    known = {row.name: row for row in rows}
    listed = set()
    kinds = set()
    for index, machine in enumerate(layout.machines):
        place = document.place("machine-list", index)
        if machine.hostname in listed:
            yield Problem(f"{machine.hostname} stands twice", "remove one", place, cause="layout-machines")
        listed.add(machine.hostname)
        if machine.sku not in layout.skus:
            found = f"{machine.hostname}: machine-type {quoted(machine.sku)} is not in machine-sku"
            yield Problem(found, "define it, or name another", place, cause="layout-sku")
        elif machine.worker == "true" and (device := layout.skus[machine.sku].device):
            kinds.add(device.type)
        row = known.get(machine.hostname)
        if row is None:
            yield Problem(
                f"{machine.hostname} is in no CSV file", "make the files agree", place, cause="layout-machines"
            )
        elif row.address != machine.hostip:
            found = f"{machine.hostname} has the address {row.address} in {row.place}"
            yield Problem(found, "make them agree", place, cause="layout-machines")
        elif (machine.master == "true", machine.worker == "true") != (row.role is Role.MASTER, row.role is Role.WORKER):
            fix = f'set pai-{row.role}: "true", and no other role'
            yield Problem(f"{machine.hostname} is in {row.place}", fix, place, cause="layout-machines")
    for row in known.values():
        if row.name not in listed:
            yield Problem(
                f"{row.name} is not in {document.file}",
                "add it to the machine-list there",
                row.place,
                cause="layout-machines",
            )
    if not hived and len(kinds) > 1:
        found = f"{len(kinds)} types of computing device without HiveD: Kubernetes' own scheduler takes one"
        yield Problem(
            found,
            "set enable_hived_scheduler: true in config.yaml",
            document.place("machine-sku"),
            cause="layout-devices",
        )
