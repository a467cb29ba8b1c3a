"""Time: a daemon installed, pointed at the configured servers, and synchronised (guide: `apt install ntp`)."""

from pyinfra import host
from pyinfra.api import deploy

from cluster.versions import numbers
from tasks import apt, systemd
from tasks.apt import AptPackages, Package, Release
from tasks.reach import config_of, put, render
from tasks.time import operations
from tasks.time.facts import TIMESYNCD, TimeSync

# Package (its unit has the same name) and configuration file. A host that has one of these keeps it; where ntp and
# ntpsec are both installed, ntp is the transitional package.
DAEMONS = {
    "chrony": "/etc/chrony/chrony.conf",
    "ntpsec": "/etc/ntpsec/ntp.conf",
    "ntp": "/etc/ntp.conf",
}
TIMESYNCD_CONF = "/etc/systemd/timesyncd.conf.d/90-openpai-deploy.conf"
TEMPLATES = {"chrony": "time/chrony.conf.j2", TIMESYNCD: "time/timesyncd.conf.j2"}


@deploy("Time")
def synchronise(wait: bool = True) -> None:
    """A time daemon that is synchronised, to ntp_servers where the config names some.

    A systemd-timesyncd that is synchronised stays; of one that gives way the servers are taken over. A daemon takes
    half a minute: without `wait` a clock that is nearly right is left to it, until settle().
    """
    servers = config_of(host).ntp_servers
    present = host.get_fact(TimeSync)
    if present.unit == TIMESYNCD and present.synchronised:
        daemon, conf = TIMESYNCD, TIMESYNCD_CONF
    else:
        servers = servers or list(present.servers)
        daemon = _daemon()
        conf = DAEMONS[daemon]
        apt.packages(name="A time daemon", names=[daemon], hold=False)
    if servers:
        text = render(TEMPLATES.get(daemon, "time/ntp.conf.j2"), servers=servers, ntpsec=daemon == "ntpsec")
        put(name="Time servers", content=text, dest=conf)
    systemd.fresh(name="The time daemon runs with its configuration", unit=f"{daemon}.service", files=[conf])
    operations.synchronised(name="The clock is synchronised", servers=servers, later=not wait)


@deploy("Synchronised clocks")
def settle() -> None:
    """Wait for clocks that synchronise(wait=False) has left to their daemons."""
    operations.awaited(name="Every clock is synchronised")


def _daemon() -> str:
    """The installed daemon, else that of the release's main component.

    Ubuntu has chrony there; Debian has ntp, which became ntpsec with Debian 12.
    """
    packages = host.get_fact(AptPackages, names=list(DAEMONS))
    installed = next((name for name in DAEMONS if packages.get(name, Package()).installed), None)
    if installed:
        return installed
    release = host.get_fact(Release)
    if release.id == "ubuntu":
        return "chrony"
    return "ntp" if numbers(release.version) < (12,) else "ntpsec"
