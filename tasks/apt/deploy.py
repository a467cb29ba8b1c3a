"""How a host's apt reaches its repositories."""

from ipaddress import ip_network

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from cluster import Config
from tasks.reach import config_of, put, render

APT_PROXY = "/etc/apt/apt.conf.d/90openpai-deploy-proxy"


@deploy("Apt goes through the proxy")
def go_through_proxy() -> None:
    """The config's proxy for apt (guide, Docker, step 5, which sets it for dockerd only); no proxy, no file."""
    proxy_file(APT_PROXY, "apt/proxy.conf.j2", config_of(host))


def proxy_file(path: str, template: str, config: Config) -> None:
    """A file that exists only with a proxy configured; the config's check refuses proxies with a password."""
    proxies = {"http": config.http_proxy, "https": config.https_proxy or config.http_proxy}
    if not any(proxies.values()):
        files.file(name=f"No proxy in {path}", path=path, present=False)
        return
    content = render(template, proxies=proxies, no_proxy=config.no_proxy, hosts=_hosts(config))
    put(name=f"Proxy in {path}", content=content, dest=path)


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
