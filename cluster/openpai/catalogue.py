"""OpenPAI's services as its source deploys them, read from the templates of every release from v1.0.0 to v1.8.1.

Each service stands after those that it needs, so that the order of the catalogue is an order to start them in; where
there is a choice, not right after them, as their pods take a while.

Left out: prometheus-pushgateway and the three dshuttle services, which upstream starts only where
services-configuration.yaml turns them on, which no key of ours does (dshuttle's images are in a private registry).
"""

from typing import Any

from cluster.openpai.model import Label, Nodes, Object, Service, Workload

# The image whose name a config key of its own replaces.
FUSE_PLUGIN = "everpeace/k8s-host-device-plugin:latest"


def _daemonset(name: str, *images: str, **more: Any) -> Workload:
    return Workload("DaemonSet", name, images, **more)


def _deployment(name: str, *images: str, **more: Any) -> Workload:
    return Workload("Deployment", name, images, **more)


def _statefulset(name: str, *images: str, **more: Any) -> Workload:
    return Workload("StatefulSet", name, images, **more)


def _configmaps(*names: str) -> tuple[Object, ...]:
    return tuple(Object("ConfigMap", name) for name in names)


_BASE = ("cluster-configuration", "docker-cache")

CATALOGUE = (
    Service(
        "cluster-configuration",
        objects=(
            *_configmaps("host-configuration", "docker-credentials", "gpu-configuration", "pai-version", "k8s-version"),
            Object("Secret", "pai-secret"),
            Object("Secret", "pai-secret", "kube-system"),
            Object("Secret", "job-ssh-secret"),
            Object("PriorityClass", "pai-daemon-priority", "", since="1.2"),
            Object("Namespace", "pai-storage", "", since="1.5"),
        ),
        # Upstream gives the master pai-worker=false as well, and takes it away again, in whichever order its parallel
        # commands end.
        labels=(
            Label("pai-master"),
            Label("pai-worker", nodes=Nodes.WORKERS),
            Label("pai-storage", nodes=Nodes.STORAGE),
        ),
    ),
    Service(
        "docker-cache",
        ("cluster-configuration",),
        (_deployment("docker-registry-cache", "registry:2"),),
        (
            *_configmaps("registry-config"),
            Object("Secret", "registry-htpasswd"),
            Object("Service", "docker-registry-cache-service"),
        ),
        node_ports=(30500,),
        since="1.6",
    ),
    Service("internal-storage", _BASE, (_daemonset("internal-storage-create-ds", "internal-storage-create"),)),
    Service(
        "device-plugin",
        _BASE,
        (_daemonset("k8s-host-device-plugin-daemonset", FUSE_PLUGIN, nodes=Nodes.ALL, namespace="kube-system"),),
        (Object("ConfigMap", "host-devices", "kube-system"),),
        by_paictl=False,
    ),
    Service(
        "frameworkcontroller",
        _BASE,
        tuple(
            _statefulset(
                "frameworkcontroller-sts", f"frameworkcontroller/frameworkcontroller:{tag}", since=since, until=until
            )
            for tag, since, until in (
                ("v0.6.0", None, "1.1"),
                ("v0.8.0", "1.2", "1.2"),
                ("v0.9.0", "1.3", "1.8"),
                ("v1.0.0", "master", None),
            )
        ),
        _configmaps("frameworkcontroller-config"),
    ),
    Service(
        "postgresql",
        ("internal-storage",),
        (
            _daemonset("postgresql-ds", "postgresql", "postgresql-init-client", ports=(5432,), until="1.5"),
            _daemonset(
                "postgresql-ds",
                "internal-storage-barrier",
                "postgresql",
                "postgresql-init-client",
                ports=(5432,),
                since="1.6",
            ),
        ),
    ),
    Service(
        "hivedscheduler",
        ("cluster-configuration", "device-plugin", "frameworkcontroller"),
        (
            _statefulset("hivedscheduler-hs", "hivedscheduler", until="1.1"),
            _statefulset("hivedscheduler-hs", "hivedscheduler/hivedscheduler:v0.3.4", since="1.2"),
            _statefulset("hivedscheduler-ds-{vc}", "kube-scheduler"),
        ),
        (*_configmaps("hivedscheduler-config"), Object("Service", "hivedscheduler-service")),
        node_ports=(30096,),
    ),
    Service(
        "database-controller",
        ("frameworkcontroller", "postgresql"),
        (_statefulset("database-controller-sts", "database-controller", ports=(9748,)),),
        since="1.2",
    ),
    Service(
        "log-manager",
        _BASE,
        tuple(
            _daemonset(
                "log-manager-ds",
                rotation,
                "log-manager-nginx",
                nodes=Nodes.ALL,
                ports=(9103,),
                memory=256,
                since=since,
                until=until,
            )
            for rotation, since, until in (("log-manager-logrotate", None, "1.3"), ("log-manager-cleaner", "1.4", None))
        ),
    ),
    Service(
        "pylon",
        _BASE,
        (
            _daemonset("pylon-ds", "pylon", ports=(80, 443), memory=1024, until="1.7"),
            _daemonset("pylon-ds", "pylon", ports=(80,), memory=1024, since="1.8"),
        ),
        _configmaps("pylon-config"),
    ),
    Service(
        "rest-server",
        (
            "cluster-configuration",
            "frameworkcontroller",
            "hivedscheduler",
            "log-manager",
            "postgresql",
            "database-controller",
        ),
        (_daemonset("rest-server-ds", "rest-server", ports=(9186,), memory=4096),),
        (
            *_configmaps("group-configuration", "k8s-job-exit-spec-configuration"),
            Object("Secret", "storage-config", "pai-storage"),
            Object("Secret", "storage-server", "pai-storage"),
            Object("PriorityClass", "pai-job-minimal-priority", ""),
        ),
    ),
    Service(
        "openpai-runtime",
        ("cluster-configuration", "frameworkcontroller", "rest-server"),
        objects=_configmaps("runtime-exit-spec-configuration"),
        job_images=("openpai-runtime",),
    ),
    Service(
        "webportal",
        ("cluster-configuration", "rest-server"),
        (_daemonset("webportal-ds", "webportal", ports=(9286,), memory=512),),
    ),
    Service(
        "prometheus",
        _BASE,
        (_deployment("prometheus-deployment", "busybox:1.31.1", "prometheus", ports=(9091,), memory=256),),
        _configmaps("prometheus-configmap", "prometheus-alert", "prometheus-record"),
    ),
    # Before v1.3.0 it starts nothing unless services-configuration.yaml names a receiver of mail: no key of ours does.
    Service(
        "alert-manager",
        ("cluster-configuration",),
        (
            _deployment("alertmanager", "prom/alertmanager:v0.15.1", ports=(9093,), until="1.6"),
            _deployment("alertmanager", "prom/alertmanager:v0.15.1", "alert-handler", ports=(9093,), since="1.7"),
            Workload("CronJob", "cert-expiration-checker", ("cert-expiration-checker",), since="1.7"),
        ),
        _configmaps("alertmanager-configmap"),
        since="1.3",
    ),
    Service(
        "grafana",
        ("cluster-configuration", "prometheus"),
        (_deployment("grafana", "grafana", ports=(3000,), memory=256),),
        _configmaps("grafana-configuration"),
    ),
    Service(
        "node-exporter",
        _BASE,
        (_daemonset("node-exporter", "node-exporter", nodes=Nodes.ALL, ports=(9100,), memory=128),),
    ),
    Service(
        "job-exporter",
        ("cluster-configuration",),
        (_daemonset("job-exporter", "job-exporter", nodes=Nodes.ALL, ports=(9102,), memory=512),),
    ),
    Service("watchdog", _BASE, (_deployment("watchdog", "watchdog", ports=(9101,), memory=1024),)),
    Service("fluentd", _BASE, (_daemonset("fluentd-ds", "fluentd"),), _configmaps("fluentd-config")),
    Service(
        "k8s-dashboard",
        ("docker-cache",),
        (
            _deployment(
                "kubernetes-dashboard-openpai",
                "kubernetes-dashboard-amd64",
                namespace="kube-system",
                ports=(9090,),
                memory=1000,
                cpu=1000,
            ),
        ),
        (Object("Secret", "kubernetes-dashboard-certs-openpai", "kube-system"),),
    ),
    Service(
        "storage-manager",
        ("cluster-configuration", "rest-server"),
        (_daemonset("storage-manager-ds", "storage-manager", nodes=Nodes.STORAGE, ports=(445, 2049), memory=4096),),
        _configmaps("storage-configuration"),
    ),
    Service("marketplace-db", _BASE, (_daemonset("marketplace-db-ds", "marketplace-db", ports=(9291,)),), since="1.4"),
    *(
        Service(
            f"marketplace-{part}",
            ("cluster-configuration", needs),
            (
                _daemonset(f"marketplace-{part}-ds", f"marketplace-{part}", ports=(port,), until="1.5"),
                *(
                    _daemonset(
                        f"marketplace-{part}-ds",
                        f"openpai/pai-marketplace-{part}:{tag}",
                        ports=(port,),
                        since=series,
                        until=series,
                    )
                    for series, tag in (("1.6", "v1.6.0"), ("1.7", "v1.7.0"), ("1.8", "v1.8.0"), ("master", "latest"))
                ),
            ),
            since="1.4",
        )
        for part, needs, port in (
            ("restserver", "marketplace-db", 9292),
            ("webportal", "marketplace-restserver", 9293),
        )
    ),
)
