"""The lab's bridge, its firewall rules, and the wiring of a host that boots."""

from __future__ import annotations

import ipaddress
import json
import os
import shlex
from pathlib import Path

from lab import state as states
from lab.shell import LabError, run
from lab.state import LabState
from lab.wait import wait_until


def free_index() -> int:
    """The first /24 of 10.77.0.0/16 that no lab has and no route of this machine meets."""
    taken = {lab.index for lab in states.every()}
    routes = json.loads(run("ip", "-json", "-4", "route").stdout or "[]")
    nets = [ipaddress.ip_network(route["dst"], strict=False) for route in routes if route["dst"] != "default"]
    for index in range(256):
        net = ipaddress.ip_network(f"10.77.{index}.0/24")
        if index not in taken and not any(net.overlaps(other) for other in nets):
            return index
    raise LabError("no /24 of 10.77.0.0/16 is free on this machine; take some labs down")


def create(lab: LabState) -> None:
    """Make the bridge with the gateway address; hosts reach each other and the gateway, and nothing else.

    The bridge forwards only so that what leaves the lab is refused at once instead of vanishing.
    """
    if not Path("/sys/class/net", lab.bridge).exists():
        run("ip", "link", "add", lab.bridge, "type", "bridge")
    _rules(lab, remove=True)
    run("ip", "address", "replace", f"{lab.gateway}/24", "dev", lab.bridge)
    _rule(lab, "INPUT", "-i", lab.bridge, "-j", "ACCEPT")
    # Docker on this machine sets FORWARD to DROP, and bridged frames pass that chain where br_netfilter is loaded.
    _rule(lab, "FORWARD", "-i", lab.bridge, "-o", lab.bridge, "-j", "ACCEPT")
    _rule(lab, "FORWARD", "!", "-i", lab.bridge, "-o", lab.bridge, "-j", "DROP")
    _rule(
        lab, "FORWARD", "-i", lab.bridge, "!", "-o", lab.bridge, "-j", "REJECT", "--reject-with", "icmp-net-unreachable"
    )
    Path("/proc/sys/net/ipv4/conf", lab.bridge, "forwarding").write_text("1")
    ipv6 = Path("/proc/sys/net/ipv6/conf", lab.bridge, "disable_ipv6")
    if ipv6.exists():  # a kernel may have no IPv6 at all
        ipv6.write_text("1")
    run("ip", "link", "set", lab.bridge, "up")


def remove(name: str) -> None:
    """Remove the bridge of a lab, the host ends on it and its firewall rules; none of them need exist."""
    lab = LabState(name, index=0, folder="")
    _rules(lab, remove=True)
    if Path("/sys/class/net", lab.bridge).exists():
        for port in Path("/sys/class/net", lab.bridge, "brif").iterdir():
            run("ip", "link", "delete", port.name, check=False)  # a port goes by itself with its host
        run("ip", "link", "delete", lab.bridge)


def reach_directly(gateway: str) -> None:
    """Let this process and what it starts speak to a lab's services without the machine's own proxy."""
    for name in ("no_proxy", "NO_PROXY"):
        words = [word for word in os.environ.get(name, "").split(",") if word]
        os.environ[name] = ",".join(dict.fromkeys([*words, gateway]))


def plug(lab: LabState, address: str, leader: int) -> None:
    """Give the host whose init is `leader` its address, as systemd-networkd cannot do without udev."""
    inside = ("nsenter", "--target", str(leader), "--net")
    run(*inside, "ip", "link", "set", "lo", "up")
    run(*inside, "ip", "address", "replace", f"{address}/24", "dev", "host0")
    run(*inside, "ip", "link", "set", "host0", "up")
    for port in Path("/sys/class/net", lab.bridge, "brif").iterdir():
        run("ip", "link", "set", port.name, "up", check=False)  # another host's port may go while we look
    run(*inside, "ip", "route", "replace", "default", "via", lab.gateway)


def wait_until_unplugged(machine: str) -> None:
    """Wait until the machine's end of a host's cable is gone: the kernel removes it some time after the host's end.

    `machine` is the host's name for systemd-nspawn, which could not plug the next boot's cable beside the old one. The
    kernel takes one network after the other down, those of a node's pods and of other labs among them.
    """
    wait_until(lambda: not _plugged(f"vb-{machine}"), 120, f"the cable of {machine}, which has ended, does not go away")


def _plugged(cable: str) -> bool:
    """Whether there is an interface of that name; the kernel takes one of more than 15 characters as a second name."""
    links = json.loads(run("ip", "-json", "link", "show").stdout or "[]")
    return any(cable in (link["ifname"], *link.get("altnames", ())) for link in links)


def _rule(lab: LabState, chain: str, *rule: str) -> None:
    run("iptables", "--wait", "--insert", chain, *rule, "--match", "comment", "--comment", f"openpai-lab-{lab.name}")


def _rules(lab: LabState, remove: bool) -> list[list[str]]:
    found = []
    for line in run("iptables", "--wait", "--list-rules").stdout.splitlines():
        words = shlex.split(line)
        if f"openpai-lab-{lab.name}" in words:
            found.append(words)
            if remove:
                run("iptables", "--wait", "--delete", *words[1:])
    return found
