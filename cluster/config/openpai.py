"""Keys: OpenPAI itself."""

from __future__ import annotations

from typing import Literal

from cluster.config.base import (
    AbsolutePath,
    AdminPassword,
    Count,
    Group,
    ImageTag,
    Port,
    Secret,
    Switch,
    Text,
    Url,
    Word,
    key,
)


class OpenPAI(Group):
    """OpenPAI

    Which OpenPAI is installed, and how its services are set up. The version is read from `branch_name`, else from
    `docker_image_tag`; with neither it is the guide's pai-1.0.y.
    """

    branch_name: Word | None = key(
        None,
        "Branch or tag of OpenPAI's source: pai-1.0.y to pai-1.8.y, v1.0.0 to v1.8.1, master.",
        example="pai-1.0.y",
        changes="all of upstream's files",
    )
    docker_image_tag: ImageTag = key(
        "v1.0.0",
        "Tag of OpenPAI's service images.",
        changes="services-configuration.yaml `docker-registry.tag`",
    )
    openpai_admin_password: AdminPassword | None = key(
        None,
        "Password of OpenPAI's first user, `admin`. Default: a random one, made once and kept in secrets.yaml of the "
        "cluster folder.",
        changes="services-configuration.yaml `default-pai-admin-password`",
    )
    qos_switch: Switch = key(
        False,
        "Give OpenPAI's daemons guaranteed resources (QoS class above BestEffort).",
        alias="qos-switch",
        since="1.2",
        changes="services-configuration.yaml `qos-switch`; what jobs can have",
    )
    enable_hived_scheduler: Switch = key(
        True,
        "Schedule by HiveD; false leaves it to Kubernetes.",
        since="1.5",
        changes="services-configuration.yaml `hivedscheduler`",
    )
    enable_marketplace: Switch = key(
        False,
        "Run OpenPAI's marketplace.",
        since="1.6",
        changes="services-configuration.yaml `marketplace`",
    )
    host_daemon_port_start: Port = key(40000, "First port that host daemons may use.", since="1.1")
    host_daemon_port_end: Port = key(65535, "Last port that host daemons may use.", since="1.1")


class ServiceRegistry(Group):
    """OpenPAI's image registry

    Where the service images come from. User name and password belong together: root's Docker and the kubelet of every
    host use them for whatever is pulled from that registry, and OpenPAI for its services and jobs.
    """

    docker_registry_domain: Word = key(
        "docker.io",
        "Registry of OpenPAI's service images.",
        changes="services-configuration.yaml `docker-registry.domain`",
    )
    docker_registry_namespace: Word = key(
        "openpai",
        "Namespace of OpenPAI's service images.",
        changes="services-configuration.yaml `docker-registry.namespace`",
    )
    docker_registry_username: Text | None = key(
        None,
        "User of that registry.",
        example="exampleuser",
        changes="/root/.docker/config.json; /var/lib/kubelet/config.json; services-configuration.yaml "
        "`docker-registry.username`",
    )
    docker_registry_password: Secret | None = key(
        None,
        "Password of that user. Needs a config.yaml of mode 0600.",
        changes="/root/.docker/config.json; /var/lib/kubelet/config.json; services-configuration.yaml "
        "`docker-registry.password`",
    )


class DockerCache(Group):
    """OpenPAI's Docker cache

    A pull-through registry that OpenPAI runs on port 30500 of the master.
    """

    enable_docker_cache: Switch = key(
        False,
        "Run the cache, and use it as a registry mirror.",
        since="1.6",
        changes="services-configuration.yaml `docker-cache`",
    )
    docker_cache_storage_backend: Word | None = key(
        None,
        "`azure` or `filesystem`.",
        since="1.6",
        example="filesystem",
        changes="services-configuration.yaml `docker-cache`",
    )
    docker_cache_azure_account_name: Text | None = key(
        None,
        "Account of the azure backend.",
        since="1.6",
        changes="services-configuration.yaml `docker-cache`",
    )
    docker_cache_azure_account_key: Secret | None = key(
        None,
        "Its key. Needs a config.yaml of mode 0600.",
        since="1.6",
        changes="services-configuration.yaml `docker-cache`",
    )
    docker_cache_azure_container_name: Word | None = key(
        None,
        "Its container.",
        since="1.6",
        example="dockerregistry",
        changes="services-configuration.yaml `docker-cache`",
    )
    docker_cache_fs_mount_path: AbsolutePath | None = key(
        None,
        "Folder of the filesystem backend.",
        since="1.6",
        example="/var/lib/registry",
        changes="services-configuration.yaml `docker-cache`",
    )
    docker_cache_remote_url: Url | None = key(
        None,
        "The registry that is cached.",
        since="1.6",
        example="https://registry-1.docker.io",
        changes="services-configuration.yaml `docker-cache`",
    )
    docker_cache_htpasswd: Secret | None = key(
        None,
        "Users of the cache, as htpasswd writes them, in base64. OpenPAI's installer documents this key but reads "
        "another one; here it counts.",
        since="1.6",
        changes="services-configuration.yaml `docker-cache`",
    )


class Requirements(Group):
    """Requirements

    What preflight demands before anything is changed.
    """

    docker_check: Switch = key(
        True,
        "Check Docker on hosts that already have it.",
        changes="preflight",
    )
    resource_check: Switch = key(
        True,
        "Check memory, processors and disk space.",
        changes="preflight",
    )
    gpu_type: Literal["nvidia", "amd", "enflame", "none"] = key(
        "nvidia",
        "Kind of GPU in the workers; any other than nvidia skips everything of NVIDIA's.",
        changes="preflight; the GPU tasks",
    )
    worker_default_docker_runtime: Word = key(
        "nvidia",
        "Docker's default runtime on workers.",
        changes="daemon.json `default-runtime` of workers (reload)",
    )
    master_min_memory_mb: Count = key(
        40000,
        "Memory that a master must have, in MB (the guide: 40 GB).",
        changes="preflight",
    )
    worker_min_memory_mb: Count = key(
        16000,
        "Memory that a worker must have, in MB (the guide: 16 GB).",
        changes="preflight",
    )
    master_min_cpus: Count = key(2, "Processors that a master must have (kubeadm refuses fewer than 2).")
    worker_min_cpus: Count = key(1, "Processors that a worker must have.")
    docker_data_root_min_free_gb: Count = key(20, "Free disk space that docker_data_root must have, in GB.")
    var_min_free_gb: Count = key(5, "Free disk space that /var must have, in GB.")
    clock_max_offset_ms: Count = key(1000, "How far a host's clock may be from the others', in milliseconds.")
    package_lock_wait: Count = key(60, "Seconds to wait for another program to release apt's and dpkg's locks.")
