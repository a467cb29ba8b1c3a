"""The services that a config chooses, with the images they are pulled from and the ports that they take."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from cluster import versions
from cluster.config import Config
from cluster.openpai.catalogue import CATALOGUE, FUSE_PLUGIN
from cluster.openpai.layout import Layout
from cluster.openpai.model import Nodes, Service, Versioned, Workload
from cluster.versions import Version

# The least that gives the portal, a login and a job, tried with v1.8.1; what they need comes with them. Every job asks
# for the device of device-plugin.
ESSENTIAL = ("device-plugin", "openpai-runtime", "webportal", "pylon")
# Services that a key of the config turns on and off, by their names.
SWITCHES = {
    "docker-cache": "enable_docker_cache",
    "hivedscheduler": "enable_hived_scheduler",
    "marketplace-db": "enable_marketplace",
    "marketplace-restserver": "enable_marketplace",
    "marketplace-webportal": "enable_marketplace",
}
_Item = TypeVar("_Item", bound=Versioned)


def catalogue(version: Version) -> list[Service]:
    """The services of a version of OpenPAI, each with what that version has of it, in an order to start them in."""

    def of_version(items: Iterable[_Item]) -> tuple[_Item, ...]:
        return tuple(item for item in items if versions.reads(version, item.since, item.until))

    services = of_version(CATALOGUE)
    names = {service.name for service in services}
    return [
        replace(
            service,
            requires=tuple(name for name in service.requires if name in names),
            workloads=of_version(service.workloads),
            objects=of_version(service.objects),
            labels=of_version(service.labels),
        )
        for service in services
    ]


def available(config: Config, layout: Layout | None = None) -> list[Service]:
    """The services that the config's version has and its switches leave on.

    storage-manager is one of them only where `layout` gives it a machine, and HiveD cannot be left out before v1.5.0,
    whose installer does not read enable_hived_scheduler.
    """
    version = versions.of(config)
    stores = layout is not None and any(machine.storage == "true" for machine in layout.machines)

    def is_on(name: str) -> bool:
        if name == "storage-manager":
            return stores
        if name == "hivedscheduler" and not version.takes_layout:
            return True
        return name not in SWITCHES or bool(getattr(config, SWITCHES[name]))

    on = [service for service in catalogue(version) if is_on(service.name)]
    names = {service.name for service in on}
    return [replace(service, requires=tuple(name for name in service.requires if name in names)) for service in on]


def chosen(
    config: Config, layout: Layout | None = None, virtual_clusters: Sequence[str] = ("default",)
) -> list[Service]:
    """The services to start, in their order, with the full names of their images and HiveD's schedulers by name.

    Names that `available` does not have are left out: check_services refuses them.
    """
    services = available(config, layout)
    if config.openpai_services != "all":
        wanted = ESSENTIAL if config.openpai_services == "essential" else config.openpai_services
        needed = _with_prerequisites(wanted, services)
        services = [service for service in services if service.name in needed]
    return [_resolved(service, config, virtual_clusters) for service in services]


def images(config: Config, layout: Layout | None = None, nodes: Container[Nodes] = tuple(Nodes)) -> list[str]:
    """The full names of the images that the services and jobs pull on these nodes, each once.

    paictl's own image and that of the first job are not among them.
    """
    services = chosen(config, layout)
    found = [image for workload in _workloads(services, nodes) for image in workload.images]
    if Nodes.WORKERS in nodes:
        found += [image for service in services for image in service.job_images]
    return list(dict.fromkeys(found))


def ports(config: Config, layout: Layout | None = None, nodes: Container[Nodes] = tuple(Nodes)) -> dict[int, str]:
    """The TCP ports that the services take on these nodes, and which service each is for."""
    taken: dict[int, str] = {}
    for service in chosen(config, layout):
        for workload in _workloads([service], nodes):
            taken |= dict.fromkeys(workload.ports, service.name)
        taken |= dict.fromkeys(service.node_ports, service.name)
    return dict(sorted(taken.items()))


def requested(config: Config, layout: Layout | None = None, nodes: Container[Nodes] = tuple(Nodes)) -> tuple[int, int]:
    """What the services request of one such node: thousandths of a core, and MiB. Nothing without qos-switch."""
    if not (config.qos_switch and versions.of(config) >= Version(1, 2, 0)):
        return 0, 0
    workloads = _workloads(chosen(config, layout), nodes)
    return sum(workload.cpu for workload in workloads), sum(workload.memory for workload in workloads)


def internal_storage_gb(config: Config) -> int:
    """The size of the file that internal-storage allocates in /mnt/paiInternal on the master."""
    return config.openpai_internal_storage_gb or (10 if versions.of(config) < Version(1, 2, 0) else 30)


def paictl_image(config: Config) -> str:
    """The image that paictl runs in; upstream's own is openpai/dev-box, whatever the registry of the others."""
    return config.paictl_image or full_name("dev-box", config)


def full_name(image: str, config: Config) -> str:
    """The name that an image of the catalogue is pulled by.

    OpenPAI's own follow docker_registry_domain, docker_registry_namespace and docker_image_tag (upstream's cluster.py);
    those of fixed names follow openpai_image_replacements, the longest that fits.
    """
    if ":" not in image:
        domain = "" if config.docker_registry_domain == "docker.io" else f"{config.docker_registry_domain}/"
        return f"{domain}{config.docker_registry_namespace}/{image}:{config.docker_image_tag}"
    if image == FUSE_PLUGIN:
        return config.openpai_fuse_plugin_image
    fitting = [start for start in config.openpai_image_replacements if image.startswith(start)]
    if not fitting:
        return image
    start = max(fitting, key=len)
    return config.openpai_image_replacements[start] + image.removeprefix(start)


def replaced_images(config: Config) -> dict[str, str]:
    """What stands in OpenPAI's source for an image of a fixed name, and what is to stand there instead."""
    names = {image: full_name(image, config) for image in _fixed_images(catalogue(versions.of(config)))}
    return {image: name for image, name in names.items() if name != image}


def _fixed_images(services: Iterable[Service]) -> list[str]:
    found = [image for workload in _workloads(services, tuple(Nodes)) for image in workload.images if ":" in image]
    return sorted(set(found) - {FUSE_PLUGIN})


def _workloads(services: Iterable[Service], nodes: Container[Nodes]) -> list[Workload]:
    return [workload for service in services for workload in service.workloads if workload.nodes in nodes]


def _with_prerequisites(names: Iterable[str], services: list[Service]) -> set[str]:
    requires = {service.name: service.requires for service in services}
    needed: set[str] = set()
    waiting = [name for name in names if name in requires]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += requires[name]
    return needed


def _resolved(service: Service, config: Config, virtual_clusters: Sequence[str]) -> Service:
    return replace(
        service,
        workloads=tuple(
            replace(workload, name=name, images=tuple(full_name(image, config) for image in workload.images))
            for workload in service.workloads
            for name in _names(workload.name, virtual_clusters)
        ),
        job_images=tuple(full_name(image, config) for image in service.job_images),
    )


def _names(name: str, virtual_clusters: Sequence[str]) -> list[str]:
    return [name.format(vc=vc) for vc in virtual_clusters] if "{vc}" in name else [name]


# The names of images that stand in OpenPAI's source as they are, of every version.
FIXED_IMAGES = _fixed_images(CATALOGUE)
