"""The driver's module in the kernels to come: headers, modules, and what unattended upgrades may bring."""

import io

from pyinfra import host, logger
from pyinfra.api import operation
from pyinfra.operations import files

from cluster import Config
from tasks import apt
from tasks.apt import AptOffers
from tasks.gpu import kernel_policy
from tasks.gpu.facts.driver import INSTALL, MODULE, NvidiaDriver
from tasks.reach import Commands, detached, planning, render, script, text


@operation()
def headers(config: Config) -> Commands:
    """The headers that come with each kernel, and those of the next boot's, where DKMS builds the driver.

    Those that no source offers are left out: unattended upgrades then bring no kernel.
    """
    wanted = kernel_policy.headers(host.get_fact(NvidiaDriver), config)
    if wanted and _offered(wanted):
        yield apt.refresh()
        yield from apt.in_unit("install", *_offered(wanted))


def _offered(wanted: dict[str, str]) -> list[str]:
    offers = host.get_fact(AptOffers, names=list(wanted))
    return kernel_policy.chosen(wanted, offers)


@operation()
def next_boot(config: Config) -> Commands:
    """Have DKMS build the driver for the kernel of the next boot; warn where that will be without it."""
    driver = host.get_fact(NvidiaDriver)
    kernel = kernel_policy.to_build(driver)
    if kernel:
        yield detached.command(INSTALL, script("gpu/build-module.sh", kernel, text(MODULE), driver.installed or ""))
        driver = host.get_fact(NvidiaDriver)
    problem = kernel_policy.next_boot(driver, config)
    if problem and not planning():
        host.log(str(problem), logger.warning)


@operation()
def unattended(path: str) -> Commands:
    """Keep unattended upgrades off the driver, and off kernels that would come without its module."""
    kept = kernel_policy.kept_back(host.get_fact(NvidiaDriver))
    settings = render("gpu/unattended-upgrades.j2", kernels=kept)
    yield from files.put._inner(src=io.StringIO(settings), dest=path, mode="644")
