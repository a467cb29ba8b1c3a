"""Which images hosts will pull for OpenPAI, and where their registries are asked for them. Pure."""

import base64

from pydantic import SecretStr

from cluster import Cluster, Config, Host, Role
from cluster.openpai import Nodes, images, paictl_image
from tasks.preflight.facts import Target
from tasks.preflight.targets import DOCKER_HUB, api, as_docker_asks, mirrors, proxy_for, registry_of


def pulled(cluster: Cluster, host: Host) -> list[str]:
    """The images that are asked for from `host`: the first worker asks for all workers, and the first master alone."""
    config = cluster.config
    if not config.openpai:
        return []
    if host.role is Role.DEV_BOX:
        return [paictl_image(config)] if config.paictl == "container" else []
    if host == cluster.masters[0]:
        return images(config, nodes=(Nodes.MASTER, Nodes.ALL))
    return images(config, nodes=(Nodes.WORKERS, Nodes.ALL)) if host == cluster.workers[0] else []


def targets(cluster: Cluster, host: Host) -> list[Target]:
    """Where `host` asks for the images."""
    found = [target for image in pulled(cluster, host) for target in manifests(image, cluster.config)]
    return as_docker_asks(found, cluster)


def manifests(image: str, config: Config) -> list[Target]:
    """Where the image's manifest is asked for: Docker Hub's mirrors, which Docker asks first, and its registry."""
    registry = registry_of(image)
    name = image.removeprefix(f"{registry}/")
    repository, _, version = name.partition("@") if "@" in name else name.rpartition(":")
    if not repository:
        repository, version = name, "latest"
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    own = registry == config.docker_registry_domain and config.docker_registry_username
    places = [f"{mirror.rstrip('/')}/v2/" for mirror in mirrors(config)] if registry == DOCKER_HUB else []
    found = [_target("image", place, repository, version, config) for place in places]
    return [*found, _target("image-login" if own else "image", api(registry, config), repository, version, config)]


def registry_login(config: Config) -> SecretStr | None:
    """The value of the Authorization header for docker_registry_domain, where the config has a login for it."""
    user, password = config.docker_registry_username, config.docker_registry_password
    if not (user and password):
        return None
    pair = base64.b64encode(f"{user}:{password.get_secret_value()}".encode()).decode()
    return SecretStr(f"Basic {pair}")


def _target(client: str, place: str, repository: str, version: str, config: Config) -> Target:
    url = f"{place}{repository}/manifests/{version}"
    return Target(f"image:{url}", client, url, proxy_for(url, config))
