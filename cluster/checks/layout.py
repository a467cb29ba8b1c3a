"""A layout.yaml by what upstream checks beyond its schema, and against the CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cluster.files import MASTERS, HostRow, YamlDocument
from cluster.openpai import Layout
from cluster.problems import Problem, shown


def check_layout(
    layout: Layout, document: YamlDocument, file: str, rows: Iterable[HostRow], hived: bool
) -> Iterator[Problem]:
    """What upstream checks beyond the schema, and the layout against the CSV files' rows."""
    known = {row.name: row for row in rows}
    listed = set()
    kinds = set()
    for index, machine in enumerate(layout.machines):
        line = document.line("machine-list", index)
        if machine.hostname in listed:
            yield Problem(file, line, f"{machine.hostname} stands twice", "remove one")
        listed.add(machine.hostname)
        if machine.sku not in layout.skus:
            message = f"{machine.hostname}: machine-type {shown(machine.sku)} is not in machine-sku"
            yield Problem(file, line, message, "define it, or name another")
        elif machine.worker == "true" and (device := layout.skus[machine.sku].device):
            kinds.add(device.type)
        row = known.get(machine.hostname)
        if row is None:
            yield Problem(file, line, f"{machine.hostname} is in no CSV file", "make the files agree")
        elif row.address != machine.hostip:
            yield Problem(
                file, line, f"{machine.hostname} has the address {row.address} in {row.place}", "make them agree"
            )
        elif (machine.master, machine.worker) != (("true", "false") if row.file == MASTERS else ("false", "true")):
            role = "pai-master" if row.file == MASTERS else "pai-worker"
            yield Problem(file, line, f"{machine.hostname} is in {row.place}", f'set {role}: "true", and no other role')
    for row in known.values():
        if row.name not in listed:
            yield Problem(row.file, row.line, f"{row.name} is not in {file}", "add it to the machine-list there")
    if not hived and len(kinds) > 1:
        said = f"{len(kinds)} types of computing device without HiveD: Kubernetes' own scheduler takes one"
        yield Problem(file, document.line("machine-sku"), said, "set enable_hived_scheduler: true in config.yaml")
