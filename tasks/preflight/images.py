"""Which images hosts will pull, and where their registries are asked for them. Pure."""

from dataclasses import dataclass, replace

from cluster import Cluster, Config, Host, Role
from cluster.kubernetes import control_plane_images, node_images
from cluster.openpai import Nodes, images, paictl_image
from tasks.gpu import vendor
from tasks.preflight.facts import Target
from tasks.preflight.targets import DOCKER_HUB, api, as_docker_asks, mirrors, proxy_for, registry_of

KUBERNETES_KEYS = "kubernetes_version, kube_image_repo and the other *_image_repo"
OPENPAI_KEYS = "docker_image_tag, docker_registry_domain, docker_registry_namespace and openpai_image_replacements"


@dataclass(frozen=True)
class Pulled:
    """An image that hosts pull: its name, and the config's keys that choose it.

    `deploy` is false of one that the verification or the first job pulls, and nothing else.
    """

    name: str
    keys: str
    deploy: bool = True


def pulled(config: Config, role: Role) -> list[Pulled]:
    """The images that hosts of `role` pull, each once."""
    found: dict[str, Pulled] = {}
    for one in (*_kubernetes(config, role), *_openpai(config, role), *_verification(config, role)):
        found.setdefault(one.name, one)
    return list(found.values())


def _kubernetes(config: Config, role: Role) -> list[Pulled]:
    if role is Role.DEV_BOX or config.installer == "none":
        return []
    found = []
    if config.installer == "kubeadm":
        names = node_images(config, "amd64") + (control_plane_images(config) if role is Role.MASTER else [])
        found = [Pulled(name, KUBERNETES_KEYS) for name in names]
    if role is Role.WORKER and vendor(config):
        found.append(Pulled(config.nvidia_device_plugin_image, "nvidia_device_plugin_image"))
    return found


def _openpai(config: Config, role: Role) -> list[Pulled]:
    if not config.openpai:
        return []
    if role is Role.DEV_BOX:
        return [Pulled(paictl_image(config), "paictl_image and docker_image_tag")] * (config.paictl == "container")
    nodes = (Nodes.MASTER if role is Role.MASTER else Nodes.WORKERS, Nodes.ALL)
    return [
        Pulled(name, "openpai_fuse_plugin_image" if name == config.openpai_fuse_plugin_image else OPENPAI_KEYS)
        for name in images(config, nodes=nodes)
    ]


def _verification(config: Config, role: Role) -> list[Pulled]:
    """What the verification starts containers of, and the first job's image."""
    found = [Pulled(config.docker_check_image, "docker_check_image", deploy=False)]
    if role is Role.WORKER and vendor(config):
        found.append(Pulled(config.cuda_image, "cuda_image", deploy=False))
        if config.openpai and config.first_job_image:
            found.append(Pulled(config.first_job_image, "first_job_image", deploy=False))
    return found


def asks_for_all(cluster: Cluster, host: Host) -> bool:
    """Whether `host` asks for every image of its role: its first one does, for all."""
    return host in (cluster.dev_box, cluster.masters[0], cluster.workers[0])


def asked(cluster: Cluster, host: Host) -> list[Pulled]:
    """The images that are asked for from `host`: all of its role's, or one of each registry, to see the way there."""
    found = pulled(cluster.config, host.role)
    if asks_for_all(cluster, host):
        return found
    return list({registry_of(one.name): one for one in found if one.deploy}.values())


def targets(cluster: Cluster, host: Host) -> list[Target]:
    """Where `host` asks for the images."""
    return [target for image in asked(cluster, host) for target in manifests(image.name, cluster)]


def manifests(image: str, cluster: Cluster) -> list[Target]:
    """Where the image's manifest is asked for, in Docker's order: Docker Hub's mirrors, then the registry."""
    config = cluster.config
    registry = registry_of(image)
    name = image.removeprefix(f"{registry}/")
    repository, _, version = name.partition("@") if "@" in name else name.rpartition(":")
    if not repository:
        repository, version = name, "latest"
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    own = registry == config.docker_registry_domain.partition("/")[0] and config.docker_registry_username
    places = [f"{mirror.rstrip('/')}/v2/" for mirror in mirrors(config)] if registry == DOCKER_HUB else []
    found = [_target("image", place, repository, version, config) for place in places]
    found.append(_target("image-login" if own else "image", api(registry, config), repository, version, config))
    return as_docker_asks([found[0], *(replace(one, fallback=True) for one in found[1:])], cluster)


def _target(client: str, place: str, repository: str, version: str, config: Config) -> Target:
    url = f"{place}{repository}/manifests/{version}"
    return Target(f"image:{url}", client, url, proxy_for(url, config))
