"""What the hosts find on the gateway: a forward proxy and its names, a web server, an image registry and a clock."""

from __future__ import annotations

import os
import socket
import sys
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import process
from lab.settings import PROXY_PORT, REGISTRY_PORT, WEB_PORT
from lab.shell import run
from lab.state import LabState
from lab.wait import wait_until


@dataclass(frozen=True)
class Service:
    """One service: what to run, what to write before, and the TCP port that tells it is there (None: UDP 123)."""

    name: str
    port: int | None
    command: Callable[[LabState], list[str]]
    settings: Callable[[LabState], str]


def directory(lab: LabState) -> Path:
    """Where the services keep their settings, logs and data."""
    return lab.directory / "services"


def web_root(lab: LabState) -> Path:
    """What http://GATEWAY:8080/ serves; others may add to it."""
    return lab.directory / "www"


def _proxy_settings(lab: LabState) -> str:
    lines = [
        "User nobody", "Group nogroup", f"Port {PROXY_PORT}", f"Listen {lab.gateway}", "Timeout 600",
        "LogLevel Notice", "MaxClients 100", f"Allow {lab.network}", "DisableViaHeader Yes", *_upstream(),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _upstream() -> list[str]:
    """The machine's own way out when it has one: its environment's proxy, or apt's."""
    apt = run("apt-config", "shell", "PROXY", "Acquire::http::Proxy").stdout.partition("=")[2].strip().strip("'")
    environment = os.environ.get("https_proxy") or os.environ.get("http_proxy") or os.environ.get("HTTP_PROXY")
    proxy = urllib.parse.urlsplit(environment or apt)
    if not proxy.hostname:
        return []
    login = f"{proxy.username}:{proxy.password}@" if proxy.username else ""
    exceptions = os.environ.get("no_proxy", "").split(",")
    return [
        f"Upstream http {login}{proxy.hostname}:{proxy.port or 3128}",
        *(f'Upstream none "{name.strip()}"' for name in exceptions if name.strip()),
    ]


def _registry_settings(lab: LabState) -> str:
    return (
        "version: 0.1\nlog: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {directory(lab)}/images}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{lab.registry}'}}\n"
    )


def _clock_settings(lab: LabState) -> str:
    return (
        f"local stratum 8\nallow {lab.network}\nbindaddress {lab.gateway}\ncmdport 0\nbindcmdaddress /\n"
        f"pidfile {directory(lab)}/clock.pid\nuser root\n"
    )


def _settings_file(lab: LabState, name: str) -> str:
    return str(directory(lab) / f"{name}.conf")


def _web_command(lab: LabState) -> list[str]:
    return [sys.executable, "-m", "lab.web", lab.gateway, str(WEB_PORT), str(web_root(lab))]


def _proxy_command(lab: LabState) -> list[str]:
    # Every program asks the name server of /etc/resolv.conf: the proxy has one of its own.
    started = 'mount --bind "$1" /etc/resolv.conf && exec tinyproxy -d -c "$2"'
    names = directory(lab) / "resolv.conf"
    names.write_text(f"nameserver {lab.gateway}\n")
    return ["unshare", "--mount", "sh", "-c", started, "sh", str(names), _settings_file(lab, "proxy")]


def _names_settings(lab: LabState) -> str:
    """Answers are kept, and lost ones asked for again at once.

    Proxies keep no names. Of the questions of ten hosts at a time a third was seen to get no answer, which cost each of
    them the seconds of resolver(5).
    """
    return (
        f"listen-address={lab.gateway}\nbind-interfaces\nno-hosts\nuser=nobody\npid-file\nlog-facility=-\n"
        "cache-size=1000\nmin-cache-ttl=60\nneg-ttl=60\nfast-dns-retry=100\n"
    )


def _names_command(lab: LabState) -> list[str]:
    return ["dnsmasq", "--keep-in-foreground", f"--conf-file={_settings_file(lab, 'names')}"]


SERVICES = (
    Service("proxy", PROXY_PORT, _proxy_command, _proxy_settings),
    Service("names", 53, _names_command, _names_settings),
    Service("web", WEB_PORT, _web_command, lambda lab: ""),
    Service(
        "registry",
        REGISTRY_PORT,
        lambda lab: ["docker-registry", "serve", _settings_file(lab, "registry")],
        _registry_settings,
    ),
    # -x: it tells the time and never sets the machine's clock.
    Service("clock", None, lambda lab: ["chronyd", "-x", "-d", "-f", _settings_file(lab, "clock")], _clock_settings),
)


def start(lab: LabState) -> None:
    """Start the services that do not run, and wait until all of them answer."""
    directory(lab).mkdir(parents=True, exist_ok=True)
    web_root(lab).mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        if running(lab, service):
            continue
        _check_port(lab, service)
        Path(_settings_file(lab, service.name)).write_text(service.settings(lab))
        # A killed chronyd leaves its pid file, and does not start while any process has that number.
        (directory(lab) / f"{service.name}.pid").unlink(missing_ok=True)
        process.spawn(lab.name, service.name, service.command(lab), log(lab, service))
    for service in SERVICES:
        _wait(lab, service)


def running(lab: LabState, service: Service) -> bool:
    """Whether the service's process is there."""
    return bool(process.find(lab.name, service.name))


def log(lab: LabState, service: Service) -> Path:
    """Where the service's output goes."""
    return directory(lab) / f"{service.name}.log"


def address(lab: LabState, service: Service) -> str:
    """Where the hosts find the service."""
    return f"{lab.gateway}:{service.port or 123}"


def _check_port(lab: LabState, service: Service, patience: float = 2) -> None:
    """LabError when the service's port stays taken for `patience` seconds: what just ended may hold it still."""
    wait_until(
        lambda: _free(lab.gateway, service),
        patience,
        f"port {service.port or 123} of {lab.gateway} is taken: another program listens on every address; "
        f"the lab's {service.name} needs it: stop that program while the lab runs (`ss -ltunp` names it)",
    )


def _free(gateway: str, service: Service) -> bool:
    kind = socket.SOCK_STREAM if service.port else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((gateway, service.port or 123))
        except OSError:
            return False
    return True


def _wait(lab: LabState, service: Service, timeout: float = 15) -> None:
    def complaint() -> str:
        told = log(lab, service).read_text(errors="replace").strip().splitlines()[-3:]
        return f"the lab's {service.name} did not start: {' / '.join(told) or 'no output'}"

    wait_until(lambda: _answers(lab, service), timeout, complaint)


def _answers(lab: LabState, service: Service) -> bool:
    return _tells_time(lab.gateway) if service.port is None else _takes_connections(lab.gateway, service.port)


def _takes_connections(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def _tells_time(server: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.connect((server, 123))
        try:
            client.send(b"\x23" + bytes(47))  # version 4, client
            return len(client.recv(128)) >= 48
        except OSError:
            return False
