"""Keys: Docker, the proxy, and time."""

from typing import Literal

from cluster.config.base import (
    AbsolutePath,
    ByteSize,
    DockerAptMirror,
    Fingerprint,
    Group,
    HostName,
    Image,
    Positive,
    ProxyUrl,
    Registry,
    Switch,
    Url,
    Word,
    key,
)


class Docker(Group):
    """Docker

    Written into /etc/docker/daemon.json by merge: keys that are not ours survive.
    """

    docker_data_root: AbsolutePath = key(
        "/mnt/docker",
        "Docker's data folder.",
        changes="daemon.json `data-root` (restart); openpai.yml `docker_daemon_graph`; services-configuration.yaml",
    )
    docker_config_file_path: AbsolutePath = key(
        "/etc/docker/daemon.json",
        "Docker's configuration file.",
        changes="openpai.yml `docker_options`, where it is given",
    )
    docker_iptables_enabled: Switch | None = key(
        None,
        "Whether Docker manages iptables; left alone when unset.",
        example="false",
        changes="daemon.json `iptables` (restart); openpai.yml `docker_iptables_enabled`",
    )
    openpai_docker_insecure_registries: list[Registry] = key(
        [],
        "Registries that Docker may use over HTTP or with an unknown certificate.",
        example="[mirror.example.com, 172.19.16.11]",
        changes="daemon.json `insecure-registries` (reload); openpai.yml `docker_insecure_registries`",
    )
    openpai_docker_registry_mirrors: list[Url] = key(
        [],
        "Mirrors of Docker Hub that Docker asks first.",
        example="[https://mirror.example.com]",
        changes="daemon.json `registry-mirrors` (reload); openpai.yml `docker_registry_mirrors`",
    )
    docker_apt_mirror: DockerAptMirror = key(
        "official",
        "Where Docker's packages come from: official, aliyun, azurechina, or the URL of a mirror.",
        changes="apt source of Docker",
    )
    docker_apt_channel: Literal["stable", "test"] = key(
        "stable",
        "Channel of Docker's package source: stable or test.",
        changes="apt source of Docker",
    )
    docker_apt_key_fingerprint: Fingerprint = key(
        "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
        "Fingerprint that the source's signing key must have.",
        changes="apt source of Docker",
    )
    docker_version: Word | None = key(
        None,
        "Upstream version or its beginning, as 20.10 or 20.10.24; in quotes.",
        example='"20.10"',
        changes="packages, held",
    )
    docker_log_max_size: ByteSize = key(
        "50m",
        "Size at which a container's log is rotated.",
        changes="daemon.json `log-opts` (restart)",
    )
    docker_log_max_file: Positive = key(
        5,
        "Number of logs kept for a container.",
        changes="daemon.json `log-opts` (restart)",
    )
    docker_check_image: Image = key(
        "hello-world", "Image that the verification runs a container of; it must end by itself."
    )
    docker_live_restore: Switch = key(
        True,
        "Keep containers running while Docker restarts.",
        changes="daemon.json `live-restore` (reload)",
    )
    allow_disruption: Switch = key(
        False,
        "Restart Docker although containers run, reboot although anything or anybody is at work on the host.",
        changes="restarts and reboots",
    )


class Proxy(Group):
    """Proxy

    For Docker's pulls and for apt; Docker reaches hosts, pods and services past it. Without user and password: every
    user of a host can read where they would be kept.
    """

    http_proxy: ProxyUrl | None = key(
        None,
        "Proxy for http:// addresses.",
        example="http://proxy.example.com:8080",
        changes="Docker's service (restart); apt",
    )
    https_proxy: ProxyUrl | None = key(
        None,
        "Proxy for https:// addresses.",
        example="http://proxy.example.com:8080",
        changes="Docker's service (restart); apt",
    )
    no_proxy: list[Word] = key(
        [],
        "Hosts, domains and networks reached without the proxy.",
        example="[.example.com, 10.0.0.0/8]",
        changes="Docker's service (restart)",
    )


class Time(Group):
    """Time"""

    ntp_servers: list[HostName] = key(
        [],
        "NTP servers; the distribution's own when empty.",
        example="[ntp.example.com]",
        changes="time daemon's configuration",
    )
    ntp_hosts: Literal["all", "master"] = key(
        "all",
        "Hosts whose clock is kept: all, or master alone.",
        changes="time daemon's hosts",
    )
