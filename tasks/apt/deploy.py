"""How a host's apt reaches its repositories."""

from collections.abc import Iterable
from ipaddress import ip_network

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from cluster import Config
from tasks.reach import config_of, put, render

APT_PROXY = "/etc/apt/apt.conf.d/90openpai-deploy-proxy"
APT_TEMPLATE = "apt/proxy.conf.j2"


@deploy("Apt goes through the proxy")
def go_through_proxy() -> None:
    """The config's proxy for apt (guide, Docker, step 5, which sets it for dockerd only); no proxy, no file."""
    proxy_file(APT_PROXY, APT_TEMPLATE, config_of(host))


def proxy_settings(config: Config) -> str:
    """The proxies as apt is told of them."""
    return proxy_text(APT_TEMPLATE, config)


def proxy_file(path: str, template: str, config: Config, inside: Iterable[str] = ()) -> None:
    """A file that exists only with a proxy configured; the config's check refuses proxies with a password.

    `inside` is reached past the proxy, beside the config's no_proxy.
    """
    content = proxy_text(template, config, inside)
    if content:
        put(name=f"Proxy in {path}", content=content, dest=path)
    else:
        files.file(name=f"No proxy in {path}", path=path, present=False)


def proxy_text(template: str, config: Config, inside: Iterable[str] = ()) -> str:
    """What proxy_file() writes; nothing with no proxy configured."""
    proxies = {"http": config.http_proxy, "https": config.https_proxy or config.http_proxy}
    if not any(proxies.values()):
        return ""
    return render(template, proxies=proxies, no_proxy=[*config.no_proxy, *inside], hosts=_hosts(config))


def _hosts(config: Config) -> list[str]:
    """The entries of no_proxy that apt can express: single hosts, not networks or suffixes."""
    found = []
    for entry in config.no_proxy:
        try:
            network = ip_network(entry, strict=False)
        except ValueError:
            if not entry.startswith((".", "*")):
                found.append(entry)
            continue
        if network.num_addresses == 1:
            found.append(str(network.network_address))
    return found
