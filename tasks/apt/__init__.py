"""Debian packages: their sources, versions and holds, and files that apt's own helper fetches."""

from tasks.apt.deploy import go_through_proxy, proxy_file, proxy_settings
from tasks.apt.facts import AptOffers, AptPackages, AptRemovals, Binaries, OsRelease, Package, Release, parse_release
from tasks.apt.operations import (
    alone,
    aside,
    downloaded,
    fetch,
    get,
    in_unit,
    key,
    mark,
    packages,
    program,
    refresh,
    source,
)
