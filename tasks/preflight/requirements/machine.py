"""Requirements on the machine itself: release, processor, memory, disks, name and address."""

from collections.abc import Iterable
from ipaddress import ip_interface, ip_network

from cluster import Config, Problem, Role
from cluster.versions import numbers
from tasks.preflight.model import CONTROLLED, EVERY, Severity, Subject, each_host, shortfall

MB, GB = 10**6, 10**9
# The oldest releases whose apt reads armoured keys by signed-by, and those that the deploy was run on.
OLDEST = {"debian": (11,), "ubuntu": (18, 4)}
KNOWN = {"debian": ("11", "12", "13"), "ubuntu": ("18.04", "20.04", "22.04", "24.04")}
# The guide was written for Ubuntu 16.04, so people ask why: apt 1.2 and systemd 229 are too old.
GUIDES = (
    "install Ubuntu 18.04 or newer: the apt of 16.04 takes no vendor's armoured key for a single source (from 1.4 on), "
    "its systemd cannot wait for what it was given to run (from 232 on), and it has had no updates since 2021"
)
# OpenPAI publishes its images for this architecture alone.
ARCHITECTURE = "x86_64"


def resources(config: Config) -> bool:
    """Whether hardware is judged: the guide's resource_check."""
    return config.resource_check


@each_host("sudo", EVERY)
def sudo(subject: Subject) -> Iterable[Problem]:
    """The SSH user may become root by sudo, with the config's password or with none."""
    if subject.seen.sudo_error is not None:
        user = subject.config.user
        yield shortfall(
            subject.seen.sudo_error[-200:],
            f"sudo works for {user}",
            f"as root on the host: `apt-get install sudo`, `adduser {user} sudo`; check password in config.yaml",
        )


@each_host("release", EVERY)
def release(subject: Subject) -> Iterable[Problem]:
    """Debian 11 or Ubuntu 18.04, or newer."""
    seen = subject.seen
    oldest = OLDEST.get(seen.os.id)
    # Debian's testing and unstable have no version.
    if oldest is None or (seen.os.version and numbers(seen.os.version) < oldest):
        fix = GUIDES if seen.os.id == "ubuntu" else "install a supported release on this host"
        yield shortfall(seen.os.name or "unknown", "Debian 11 or Ubuntu 18.04, or newer", fix)


@each_host("release-known", EVERY, Severity.SHOULD)
def release_known(subject: Subject) -> Iterable[Problem]:
    """A release that this deploy knows: Debian 11 to 13, Ubuntu LTS 18.04 to 24.04."""
    seen = subject.seen
    known = KNOWN.get(seen.os.id, ())
    older = numbers(seen.os.version) < OLDEST.get(seen.os.id, ()) if seen.os.version else False
    if known and not older and seen.os.version not in known:
        yield shortfall(seen.os.name, f"one of {', '.join(known)}", "try it on one host first (--limit)")


@each_host("architecture", EVERY)
def architecture(subject: Subject) -> Iterable[Problem]:
    """An x86-64 machine: OpenPAI has no images for others."""
    if subject.seen.architecture != ARCHITECTURE:
        yield shortfall(subject.seen.architecture, ARCHITECTURE, "use another machine")


@each_host("systemd", EVERY)
def systemd(subject: Subject) -> Iterable[Problem]:
    """systemd runs the host's services."""
    if not subject.seen.systemd:
        yield shortfall("another init", "systemd", "boot the host with systemd")


@each_host("memory", CONTROLLED, when=resources)
def memory(subject: Subject) -> Iterable[Problem]:
    """Total memory of master_min_memory_mb or worker_min_memory_mb (the guide: 40 GB and 16 GB)."""
    key = f"{subject.host.role.value}_min_memory_mb"
    needed = getattr(subject.config, key)
    found = subject.seen.memory // MB
    if found < needed:
        yield shortfall(f"{found} MB", f"{needed} MB", f"add memory, or lower {key} in config.yaml")


@each_host("processors", CONTROLLED, when=resources)
def processors(subject: Subject) -> Iterable[Problem]:
    """Processors: master_min_cpus or worker_min_cpus."""
    key = f"{subject.host.role.value}_min_cpus"
    needed = getattr(subject.config, key)
    if subject.seen.cpus < needed:
        yield shortfall(str(subject.seen.cpus), str(needed), f"add processors, or lower {key} in config.yaml")


@each_host("disk-docker", EVERY, when=resources)
def disk_docker(subject: Subject) -> Iterable[Problem]:
    """Free space where Docker keeps its data: docker_data_root_min_free_gb."""
    config = subject.config
    needed = config.docker_data_root_min_free_gb
    yield from room(subject, config.docker_data_root, needed, "docker_data_root_min_free_gb")


@each_host("disk-var", EVERY, when=resources)
def disk_var(subject: Subject) -> Iterable[Problem]:
    """Free space in /var: var_min_free_gb."""
    yield from room(subject, "/var", subject.config.var_min_free_gb, "var_min_free_gb")


def room(subject: Subject, folder: str, needed: int, key: str) -> Iterable[Problem]:
    """Nothing where `folder` has so many GB free; `key` is what lowers them."""
    found = subject.seen.space.get(folder)
    fix = f"free space or add a disk for {folder}, or lower {key} in config.yaml"
    if found is None:
        yield shortfall(
            f"{folder}: df does not answer", f"{needed} GB free", "look for a dead mount (`mount`, `dmesg`)"
        )
    elif found < needed * GB:
        yield shortfall(f"{folder}: {found / GB:.1f} GB free", f"{needed} GB free", fix)


@each_host("hostname", CONTROLLED)
def hostname(subject: Subject) -> Iterable[Problem]:
    """The host's own name is the CSV's; with set_hostnames the deploy sees to it, but for a Kubernetes node."""
    found, needed = subject.seen.hostname, subject.host.name
    if found == needed:
        return
    file = f"{subject.host.role.value}.csv"
    if subject.seen.node:
        fix = f"correct {file}, or take the host out of its cluster first: its node has the old name"
        yield shortfall(f"{found}, a Kubernetes node", needed, fix)
    elif subject.config.set_hostnames:
        yield shortfall(found, needed, "the deploy renames it", True)
    else:
        fix = f"on the host: `hostnamectl set-hostname {needed}`; set set_hostnames: true; or correct {file}"
        yield shortfall(found, needed, fix)


@each_host("hostname-resolves", EVERY, Severity.SHOULD)
def hostname_resolves(subject: Subject) -> Iterable[Problem]:
    """The host can look its own name up; where it cannot, every sudo waits for the name server."""
    name = subject.seen.hostname
    if not subject.seen.resolves:
        yield shortfall(f"no address for {name}", "an entry", f"on the host: `echo 127.0.1.1 {name} >>/etc/hosts`")


@each_host("address", CONTROLLED)
def address(subject: Subject) -> Iterable[Problem]:
    """The CSV's address is on an interface of the host, not translated on the way."""
    found = [each.address for each in subject.seen.addresses if not each.address.startswith("127.")]
    if subject.host.address not in found:
        yield shortfall(
            ", ".join(found) or "none", subject.host.address, f"write the host's own address in {subject.host.role}.csv"
        )


@each_host("address-static", CONTROLLED, Severity.SHOULD)
def address_static(subject: Subject) -> Iterable[Problem]:
    """The address is fixed, not lent by DHCP for a time."""
    for each in subject.seen.addresses:
        if each.address == subject.host.address and each.dynamic:
            yield shortfall(
                f"{each.address} from DHCP", "a fixed address", "configure it on the host, or reserve it in DHCP"
            )


@each_host("subnets", CONTROLLED, when=lambda config: config.installer != "none")
def subnets(subject: Subject) -> Iterable[Problem]:
    """The host's network overlaps neither kube_pods_subnet nor kube_service_addresses."""
    config = subject.config
    for each in subject.seen.addresses:
        if each.address != subject.host.address:
            continue
        network = ip_interface(f"{each.address}/{each.prefix}").network
        for key in ("kube_pods_subnet", "kube_service_addresses"):
            if network.overlaps(ip_network(getattr(config, key))):
                yield shortfall(
                    f"{network} on {each.interface}",
                    f"a network outside {key} ({getattr(config, key)})",
                    f"change {key} in config.yaml",
                )


@each_host("dev-box", frozenset({Role.DEV_BOX}))
def dev_box(subject: Subject) -> Iterable[Problem]:
    """The dev box is a machine of its own, neither master nor worker."""
    own = {each.address for each in subject.seen.addresses}
    for host in (*subject.survey.cluster.masters, *subject.survey.cluster.workers):
        if host.address in own:
            yield shortfall(
                f"it has the address of {host.name}", "a machine of its own", "set dev_box, or run from another machine"
            )


@each_host("dev-box-user", frozenset({Role.DEV_BOX}))
def dev_box_user(subject: Subject) -> Iterable[Problem]:
    """The config's user has an account on the dev box: keys, kubeconfig and OpenPAI's configuration go to its home."""
    user = subject.config.user
    if not subject.seen.account:
        fix = f"as root on the dev box: `adduser {user}`; or correct user or dev_box in config.yaml"
        yield shortfall(f"no account {user}", "the account of the config's user", fix)


ALL = (
    sudo, release, release_known, architecture, systemd, memory, processors, disk_docker, disk_var,
    hostname, hostname_resolves, address, address_static, subnets, dev_box, dev_box_user,
)  # fmt: skip
