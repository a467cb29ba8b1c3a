"""Packages that must be installed, of a version, and held back from upgrades."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.hosts.probes import Answer, Probe
from tests.hosts.report import expect
from tests.hosts.targets import Target


def package_probes(*names: str) -> Iterator[Probe]:
    """The questions behind expect_held; dpkg-query fails where it does not know one of the names, and says the rest."""
    fields = "${Package} ${Version} ${db:Status-Status}\\n"
    yield Probe("packages", f"dpkg-query -W -f '{fields}' {' '.join(names)} 2>/dev/null; true")
    yield Probe("holds", "apt-mark showhold")


def expect_held(target: Target, answers: dict[str, Answer], package: str, version: str | None) -> None:
    """Fail unless `package` is installed and held, its upstream version being `version` or beginning with it."""
    found = {}
    for line in answers["packages"].out.splitlines():
        name, *rest = line.split()
        if rest[-1:] == ["installed"]:
            found[name] = rest[0]
    remedy = f"run the deploy: {target.deploy}"
    expect(package in found, target, found=f"{package} not installed", needed=package, remedy=remedy)
    upstream = found[package].rpartition(":")[2]
    expect(
        not version or re.match(rf"{re.escape(version)}(?!\d)", upstream) is not None,
        target,
        found=f"{package} {found[package]}",
        needed=f"version {version}",
        remedy=remedy,
    )
    expect(
        package in answers["holds"].out.split(),
        target,
        found=f"{package} {found[package]} not held",
        needed="a hold, so that no upgrade restarts or replaces it behind the cluster's back",
        remedy=f"run `apt-mark hold {package}` there, or the deploy",
    )
