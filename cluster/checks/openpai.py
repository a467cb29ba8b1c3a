"""OpenPAI's services as the config asks for them: that they exist, and that the rest of the config lets them run."""

from __future__ import annotations

from collections.abc import Iterator

from cluster import versions
from cluster.config import Config, Services
from cluster.files import ConfigFile
from cluster.kubernetes import minor_version
from cluster.openpai import FIXED_IMAGES, SWITCHES, Layout, available, catalogue, commit, reference
from cluster.problems import WARNING, Problem

# The newest minor version of Kubernetes whose API server takes `export=true`, which paictl sends when it reads a
# ConfigMap (deployment/paiLibrary/common/kubernetes_handler.py, in every version and on master).
NEWEST_KUBERNETES = 20


def check_openpai(file: ConfigFile, layout: Layout | None = None) -> Iterator[Problem]:
    """What is wrong with the keys of OpenPAI's services, and with Kubernetes' for them."""
    config = file.config
    if config is None:
        return
    if not config.openpai:
        yield from _off(file, config)
        return
    for rule in (_kubernetes, _source, _paictl, _azure, _images, _runtime):
        yield from rule(file, config)
    yield from _services(file, config, layout)


def _off(file: ConfigFile, config: Config) -> Iterator[Problem]:
    for name in Services.__annotations__:
        if name != "openpai" and file.given(name):
            yield file.problem(
                name, f"{name} does nothing while openpai is false", "set it to true", WARNING, cause="key-ignored"
            )


def _kubernetes(file: ConfigFile, config: Config) -> Iterator[Problem]:
    """The version that an installer of ours brings; what `installer: none` found is read from the cluster."""
    why = "its paictl sends export=true, which Kubernetes 1.21 removed"
    if config.installer == "kubeadm":
        name, asked = "kubernetes_version", config.kubernetes_version
    elif config.installer == "kubespray":
        name = "openpai_kubespray_extra_var"
        asked = str(config.openpai_kubespray_extra_var.get("kube_version", ""))
        if not asked and file.given("kubespray_commit"):
            yield file.problem(
                "kubespray_commit",
                f"which Kubernetes this kubespray installs is not known here; OpenPAI {versions.of(config)} runs on "
                f"1.{NEWEST_KUBERNETES} or older: {why}",
                "make sure, or set openpai_kubespray_extra_var: {kube_version: v1.20.15}",
                WARNING,
                cause="openpai-kubernetes",
            )
    else:
        return
    if (minor_version(asked) or 0) > NEWEST_KUBERNETES:
        yield file.problem(
            name,
            f"Kubernetes {asked} cannot run OpenPAI {versions.of(config)}: {why}",
            "use v1.20.x, as v1.20.15, or set openpai: false",
            cause="openpai-kubernetes",
        )


def _source(file: ConfigFile, config: Config) -> Iterator[Problem]:
    named = versions.parse(config.branch_name) or versions.parse(config.docker_image_tag)
    if commit(config) is None and named and versions.is_known(named):
        found = f"no commit of OpenPAI's source is known for {reference(config)}"
        yield file.problem(
            "branch_name", found, "set openpai_commit to its 40 hexadecimal digits", cause="openpai-commit"
        )


def _paictl(file: ConfigFile, config: Config) -> Iterator[Problem]:
    other = {"container": "paictl_python", "python2": "paictl_image"}[config.paictl]
    if file.given(other):
        yield file.problem(
            other, f"{other} does nothing with paictl {config.paictl}", "remove the line", WARNING, cause="key-ignored"
        )


def _azure(file: ConfigFile, config: Config) -> Iterator[Problem]:
    if config.openpai_azure and config.installer != "none" and config.openpai_kube_network_plugin == "calico":
        fix = "set installer: kubespray with openpai_kube_network_plugin: flannel or weave, or openpai_azure: false"
        yield file.problem("openpai_azure", "Azure's network does not carry calico's pods", fix, cause="azure-network")


def _images(file: ConfigFile, config: Config) -> Iterator[Problem]:
    for start in config.openpai_image_replacements:
        if not any(image.startswith(start) for image in FIXED_IMAGES):
            found = f"openpai_image_replacements: no image of a fixed name begins with {start}"
            fix = f"use the beginning of one of {', '.join(FIXED_IMAGES)}"
            yield file.problem("openpai_image_replacements", found, fix, WARNING, cause="image-replacements")


def _runtime(file: ConfigFile, config: Config) -> Iterator[Problem]:
    """With HiveD pods ask Kubernetes for no GPU: NVIDIA_VISIBLE_DEVICES names it, for NVIDIA's runtime to read."""
    hived = any(service.name == "hivedscheduler" for service in available(config))
    runtime = config.worker_default_docker_runtime
    if hived and config.gpu_type == "nvidia" and runtime != "nvidia":
        found = f"jobs get no GPU: HiveD gives them by Docker's default runtime, and on workers that is {runtime}"
        fix = "set worker_default_docker_runtime: nvidia, or enable_hived_scheduler: false (v1.5.0 on)"
        yield file.problem("worker_default_docker_runtime", found, fix, cause="docker-runtime")


def _services(file: ConfigFile, config: Config, layout: Layout | None) -> Iterator[Problem]:
    if isinstance(config.openpai_services, str):
        return
    if not config.openpai_services:
        yield file.problem(
            "openpai_services",
            "openpai_services names no service",
            "name one, or set openpai: false",
            cause="openpai-services",
        )
    on = [service.name for service in available(config, layout)]
    known = [service.name for service in catalogue(versions.of(config))]
    for name in config.openpai_services:
        if name not in known:
            found = f"openpai_services: OpenPAI {versions.of(config)} has no service {name} that is started here"
            yield file.problem("openpai_services", found, f"choose from {', '.join(on)}", cause="openpai-services")
        elif name not in on:
            fix = (
                f"set {SWITCHES[name]}: true"
                if name in SWITCHES
                else 'give a machine pai-storage: "true" in layout.yaml'
            )
            yield file.problem(
                "openpai_services",
                f"openpai_services: {name} is off",
                f"{fix}, or leave it out",
                cause="openpai-services",
            )
