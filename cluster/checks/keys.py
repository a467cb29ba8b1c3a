"""What the keys of a config mean for each other, and for the OpenPAI version that they choose."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from cluster import versions
from cluster.config import Config, Kubernetes, meta_of
from cluster.files import ConfigFile
from cluster.problems import WARNING, Problem

# What upstream's kubespray (release 2.11) calls the networks that it can install.
_KUBESPRAY_NETWORKS = frozenset(
    ("calico", "canal", "cilium", "cloud", "cni", "contiv", "flannel", "kube-router", "ovn4nfv", "weave")
)
KUBESPRAY_ONLY = {
    "hyperkube_download_url",
    "openpai_kubespray_extra_var",
    "kubespray_repository",
    "kubespray_commit",
    "kubespray_python",
}
_KUBEADM_NETWORKS = {"calico", "host-gw"}


def check_keys(file: ConfigFile) -> Iterator[Problem]:
    """Contradictions between keys (errors) and keys that do nothing (warnings)."""
    if file.config is None:
        return
    for rule in (_version, _ignored, _login, _mirrors, _registry, _networks, _driver, _cache, _ports, _drift):
        yield from rule(file, file.config)


def _drift(file: ConfigFile, config: Config) -> Iterator[Problem]:
    if config.drift_schedule and config.dev_box != "@local":
        found = f"drift_schedule: dry runs are made where this folder is, which is not on the dev box {config.dev_box}"
        fix = "set dev_box: '@local', or use a timer of your own: docs/day2.md, Drift"
        yield file.problem("drift_schedule", found, fix, cause="drift-dev-box")


def _version(file: ConfigFile, config: Config) -> Iterator[Problem]:
    branch, tag = versions.parse(config.branch_name), versions.parse(config.docker_image_tag)
    both = f"branch_name {config.branch_name} and docker_image_tag {config.docker_image_tag}"
    if config.branch_name and not branch and not tag:
        yield file.problem(
            "branch_name", f"{both} name no version", "name one, as pai-1.0.y or v1.8.0", cause="openpai-version"
        )
    elif config.branch_name and not branch:
        found = f"branch_name {config.branch_name} names no version: taken for {tag}, as docker_image_tag says"
        yield file.problem("branch_name", found, "make sure that it is", WARNING, cause="openpai-version")
    elif branch and tag and tag.series != branch.series and branch < versions.MASTER:
        fix = f"set docker_image_tag to one of {branch.series}, or the branch to one of {tag.series}"
        yield file.problem("branch_name", f"{both} are different versions", fix, cause="openpai-version")
    version = versions.of(config)
    name = "branch_name" if config.branch_name else "docker_image_tag"
    if not versions.is_known(version):
        fix = f"choose one of {versions.OLDEST} to {versions.NEWEST}"
        yield file.problem(name, f"OpenPAI {version} is not one that this software knows", fix, cause="openpai-version")
    if config.allow_multiple_masters and version.takes_layout:
        fix = "remove the key, or install a version before v1.5.0"
        yield file.problem(
            "allow_multiple_masters", f"OpenPAI {version} takes exactly one master", fix, cause="master-count"
        )


def _ignored(file: ConfigFile, config: Config) -> Iterator[Problem]:
    version = versions.of(config)
    for name in config.model_fields_set:
        meta = meta_of(name)
        found = f"{Config.model_fields[name].alias or name} does nothing"
        if name in KUBESPRAY_ONLY and config.installer != "kubespray":
            yield file.problem(
                name, f"{found} with installer {config.installer}", "remove the line", WARNING, cause="key-ignored"
            )
        elif name in Kubernetes.__annotations__ and config.installer != "kubespray":
            continue  # OpenPAI's installer is out of play
        elif not versions.reads(version, meta.since, meta.until):
            span = f"from {meta.since} on" if meta.since else f"up to {meta.until}"
            found = f"{found}: OpenPAI {version} does not read it ({span})"
            yield file.problem(name, found, "remove the line", WARNING, cause="key-ignored")


def _login(file: ConfigFile, config: Config) -> Iterator[Problem]:
    if config.ask_password and config.password:
        yield file.problem(
            "ask_password", "ask_password and password contradict each other", "keep one", cause="login-twice"
        )


def _mirrors(file: ConfigFile, config: Config) -> Iterator[Problem]:
    if config.mirrors != "official" and config.installer == "kubespray":
        found = f"mirrors {config.mirrors} does not reach what kubespray downloads: its old images are elsewhere there"
        yield file.problem(
            "mirrors",
            found,
            "set gcr_image_repo, kube_image_repo and the *_download_url keys",
            WARNING,
            cause="mirrors-kubespray",
        )


def _registry(file: ConfigFile, config: Config) -> Iterator[Problem]:
    user, password = "docker_registry_username", "docker_registry_password"
    for given, other in ((user, password), (password, user)):
        if getattr(config, given) and not getattr(config, other):
            yield file.problem(given, f"{given} without {other}", "give both or none", cause="registry-login")


def _networks(file: ConfigFile, config: Config) -> Iterator[Problem]:
    if IPv4Network(config.kube_pods_subnet).overlaps(IPv4Network(config.kube_service_addresses)):
        both = f"kube_pods_subnet {config.kube_pods_subnet} and kube_service_addresses {config.kube_service_addresses}"
        name = "kube_pods_subnet" if file.given("kube_pods_subnet") else "kube_service_addresses"
        yield file.problem(name, f"{both} overlap", "choose networks apart from each other", cause="subnets-overlap")
    offered = {"kubeadm": _KUBEADM_NETWORKS, "kubespray": _KUBESPRAY_NETWORKS}.get(config.installer)
    plugin = config.openpai_kube_network_plugin
    if offered and plugin not in offered:
        found = f"openpai_kube_network_plugin {plugin} is not one that {config.installer} installs"
        fix = f"choose one of {', '.join(sorted(offered))}, or another installer"
        yield file.problem("openpai_kube_network_plugin", found, fix, cause="network-plugin")
    if config.calico_encapsulation == "vxlan" and (config.installer, plugin) != ("kubeadm", "calico"):
        found = f"calico_encapsulation vxlan with installer {config.installer} and openpai_kube_network_plugin {plugin}"
        yield file.problem(
            "calico_encapsulation",
            found,
            "remove the line: only kubeadm's calico can be told so",
            cause="network-plugin",
        )


def _driver(file: ConfigFile, config: Config) -> Iterator[Problem]:
    runfile = config.nvidia_driver_runfile
    if config.nvidia_driver == "runfile" and not runfile:
        found = "nvidia_driver runfile without nvidia_driver_runfile"
        yield file.problem("nvidia_driver", found, "name the file or its URL", cause="driver-runfile")
    if runfile and "://" in runfile and not config.nvidia_driver_runfile_sha256:
        found = "a URL without nvidia_driver_runfile_sha256"
        yield file.problem("nvidia_driver_runfile", found, "add the file's SHA-256 sum", cause="driver-runfile")
    if runfile and config.nvidia_driver != "runfile":
        found = f"nvidia_driver_runfile contradicts nvidia_driver {config.nvidia_driver}"
        yield file.problem(
            "nvidia_driver_runfile", found, "set nvidia_driver: runfile, or remove the key", cause="driver-keys"
        )
    if config.nvidia_driver_branch and config.nvidia_driver != "apt":
        found = f"nvidia_driver_branch contradicts nvidia_driver {config.nvidia_driver}"
        yield file.problem(
            "nvidia_driver_branch", found, "set nvidia_driver: apt, or remove the key", cause="driver-keys"
        )
    if config.gpu_type != "nvidia" and config.worker_default_docker_runtime == "nvidia":
        found = f"gpu_type {config.gpu_type} with Docker's default runtime nvidia"
        yield file.problem(
            "gpu_type", found, "set worker_default_docker_runtime too", WARNING, cause="gpu-type-runtime"
        )


def _cache(file: ConfigFile, config: Config) -> Iterator[Problem]:
    backend = config.docker_cache_storage_backend
    if not config.enable_docker_cache:
        for name in sorted(config.model_fields_set):
            if name.startswith("docker_cache_"):
                found = f"{name} does nothing while enable_docker_cache is false"
                yield file.problem(name, found, "set it to true", WARNING, cause="key-ignored")
    elif backend not in (None, "azure", "filesystem"):
        yield file.problem(
            "docker_cache_storage_backend",
            f"unknown backend {backend}",
            "choose azure or filesystem",
            cause="docker-cache",
        )
    elif backend == "azure" and not (config.docker_cache_azure_account_name and config.docker_cache_azure_account_key):
        found = "the azure backend without docker_cache_azure_account_name and docker_cache_azure_account_key"
        yield file.problem(
            "docker_cache_storage_backend", found, "give both, or choose filesystem", cause="docker-cache"
        )


def _ports(file: ConfigFile, config: Config) -> Iterator[Problem]:
    if config.host_daemon_port_start >= config.host_daemon_port_end:
        found = f"the ports {config.host_daemon_port_start} to {config.host_daemon_port_end} are no range"
        name = "host_daemon_port_start" if file.given("host_daemon_port_start") else "host_daemon_port_end"
        yield file.problem(name, found, "make host_daemon_port_start the smaller one", cause="port-range")
