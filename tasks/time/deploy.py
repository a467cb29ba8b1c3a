"""Time: a daemon installed, pointed at the configured servers, and synchronised (guide: `apt install ntp`)."""

from pyinfra import host
from pyinfra.api import deploy

from cluster.versions import numbers
from tasks import apt, systemd
from tasks.apt import AptPackages, Package, Release
from tasks.reach import config_of, put, render
from tasks.time import operations

# Package (its unit has the same name) and configuration file. A host that has one of these keeps it; where ntp and
# ntpsec are both installed, ntp is the transitional package.
DAEMONS = {
    "chrony": "/etc/chrony/chrony.conf",
    "ntpsec": "/etc/ntpsec/ntp.conf",
    "ntp": "/etc/ntp.conf",
}


@deploy("Time")
def synchronise() -> None:
    """A time daemon that is synchronised, to ntp_servers where the config names some."""
    servers = config_of(host).ntp_servers
    daemon = _daemon()
    conf = DAEMONS[daemon]
    apt.packages(name="A time daemon", names=[daemon], hold=False)
    if servers:
        template = "time/chrony.conf.j2" if daemon == "chrony" else "time/ntp.conf.j2"
        text = render(template, servers=servers, ntpsec=daemon == "ntpsec")
        put(name="Time servers from the config", content=text, dest=conf)
    systemd.fresh(name="The time daemon runs with its configuration", unit=f"{daemon}.service", files=[conf])
    operations.synchronised(name="The clock is synchronised", servers=servers)


def _daemon() -> str:
    """The installed daemon, else the one of the release: ntp became ntpsec with Debian 12 and Ubuntu 23.04."""
    packages = host.get_fact(AptPackages, names=list(DAEMONS))
    installed = next((name for name in DAEMONS if packages.get(name, Package()).installed), None)
    if installed:
        return installed
    release = host.get_fact(Release)
    return "ntp" if numbers(release.version) < {"debian": (12,), "ubuntu": (23, 4)}.get(release.id, ()) else "ntpsec"
