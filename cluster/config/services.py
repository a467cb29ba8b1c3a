"""Keys: the deployment of OpenPAI's services."""

from typing import Literal

from cluster.config.base import (
    Commit,
    Group,
    Image,
    ImagePart,
    PathOrHome,
    Positive,
    ServiceNames,
    Switch,
    Text,
    Word,
    key,
)


class Services(Group):
    """OpenPAI's services

    How they are started, by OpenPAI's own paictl on the dev box, once Kubernetes runs.
    """

    openpai: Switch = key(
        True,
        "Start OpenPAI on the cluster; false ends the deploy at Kubernetes.",
        changes="the OpenPAI tasks",
    )
    openpai_services: ServiceNames = key(
        "all",
        "Services to start: `all`, `essential` (what the portal, a login and a job need), or a list of names; what "
        "those need is started too.",
        example="[webportal, pylon, grafana]",
        changes="the services that run",
    )
    openpai_repository: Text = key(
        "https://github.com/microsoft/pai.git",
        "Git repository of OpenPAI's source: a URL, or a path on the dev box.",
        changes="~/pai-deploy/pai on the dev box",
    )
    openpai_commit: Commit | None = key(
        None,
        "Commit of OpenPAI's source, its 40 hexadecimal digits. Default: the one known for `branch_name`.",
        example="e842499375da5d1a8721c95450914d028de8b3b3",
        changes="~/pai-deploy/pai on the dev box",
    )
    openpai_bundle: PathOrHome | None = key(
        None,
        "File of `git bundle` on this machine with that commit, for a dev box that reaches no repository.",
        example="~/pai-1.8.y.bundle",
        changes="~/pai-deploy/pai on the dev box",
    )
    paictl: Literal["container", "python2"] = key(
        "container",
        "How paictl runs on the dev box: in `paictl_image`, by Docker, or in an environment of Python 2.7 of its own.",
        changes="the dev box",
    )
    paictl_image: Image | None = key(
        None,
        "Image that paictl runs in. Default: dev-box of docker_registry_domain and docker_registry_namespace, with "
        "docker_image_tag.",
        example="openpai/dev-box:v1.8.0",
        changes="the dev box",
    )
    paictl_python: Word = key(
        "python2.7",
        "Python 2.7 on the dev box, a path or a name, for paictl python2.",
        changes="~/pai-deploy/paictl-venv on the dev box",
    )
    openpai_cluster_id: Word = key(
        "pai",
        "Name of the cluster, which paictl asks for each time.",
        changes="services-configuration.yaml `cluster-id`; ConfigMap pai-cluster-id",
    )
    openpai_internal_storage_gb: Positive | None = key(
        None,
        "Size in GB of the file in /mnt/paiInternal on the master that OpenPAI's database lies in; it is made once. "
        "Default: OpenPAI's own, 10 before v1.2.0 and 30 from there on.",
        example="30",
        changes="services-configuration.yaml `internal-storage`",
    )
    openpai_azure: Switch = key(
        False,
        "The hosts are virtual machines of Azure, whose network does not carry calico.",
        changes="check",
    )
    openpai_service_timeout: Positive = key(
        600,
        "Seconds to wait for each service.",
        changes="the OpenPAI tasks",
    )
    openpai_fuse_plugin_image: Image = key(
        "everpeace/k8s-host-device-plugin:latest",
        "Device plugin that offers /dev/fuse to jobs; each of them asks for it.",
        changes="DaemonSet k8s-host-device-plugin-daemonset",
    )
    openpai_image_replacements: dict[ImagePart, ImagePart] = key(
        {},
        "Where else to take images from whose names in OpenPAI's source are fixed: what a name begins with, and what "
        "stands there instead. Images of OpenPAI's own registry follow docker_registry_domain.",
        example='{"prom/": registry.example.com/prom/, "busybox:": "registry.example.com/library/busybox:"}',
        changes="images of frameworkcontroller, hivedscheduler, alert-manager, prometheus, docker-cache, marketplace",
    )
    first_job_image: Image | None = key(
        None,
        "Image of the first job: nvidia-smi, bash, coreutils, findutils and awk. Default: cuda_image.",
        example="nvidia/cuda:12.4.1-base-ubuntu22.04",
        changes="tasks.openpai.first_job",
    )
    first_job_timeout: Positive = key(
        600,
        "Seconds to wait for the first job.",
        changes="tasks.openpai.first_job",
    )
