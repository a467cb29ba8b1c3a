"""OpenPAI's configuration: rendered from hardware measured on the cluster, and pushed where the cluster has another."""

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from gevent.pool import Pool
from pyinfra import host
from pyinfra.api import FileUploadCommand, FunctionCommand, Host, QuoteString, StringCommand, operation

from cluster import Cluster, ClusterError, Role, secrets, versions
from cluster.loader import inspect
from cluster.openpai import Service, chosen, config_without_secrets, keep_measured, openpai_files, parse_resources
from tasks import gpu
from tasks.gpu import Vendor
from tasks.openpai.facts import Hardware, Note, OpenPai
from tasks.openpai.jobs import virtual_clusters
from tasks.openpai.operations.paictl import CONFIGURATION, Paictl, failed, run
from tasks.reach import Commands, planning, show_diff, stop

# What was measured when the files were rendered; kept beside them.
MEASURED = "measured.json"
# Workers asked for the names of their GPUs at a time.
_ASKED_AT_ONCE = 20


@operation()
def written(paictl: Paictl) -> Commands:
    """Have layout.yaml, services-configuration.yaml and a config.yaml without passwords in the configuration's folder.

    Hardware that is as it was gives the files that it gave, so that a second run changes nothing while jobs run.
    """
    measured = host.get_fact(Hardware, kubeconfig=paictl.kubeconfig)
    folder, cluster = paictl.configuration, paictl.cluster
    if not measured:
        if planning():
            yield StringCommand("true")  # a plan on hosts without Kubernetes: it will be measured then
        else:
            yield stop(f"the cluster's nodes cannot be measured; try on the dev box: kubectl --kubeconfig "
                       f"{paictl.kubeconfig} get nodes", cause="not-measured")  # fmt: skip
        return
    note = host.get_fact(Note, path=f"{folder}/{MEASURED}")
    try:
        text = keep_measured(note, json.dumps(measured), MEASURED) if note else json.dumps(measured)
        if text != note:
            if planning():
                yield StringCommand("true")
                return
            named = json.loads(text)
            vendor = gpu.vendor(cluster.config)
            if vendor:
                _name_gpus(named["nodes"], vendor)
            text = json.dumps(named, indent=1)
        files = rendered(cluster, text)
    except ClusterError as error:
        yield stop(*error.problems)
        return
    # By root as elsewhere: one question for all who ask it.
    present = host.get_fact(OpenPai, kubeconfig=paictl.kubeconfig, folder=folder, _sudo=True).files
    changed = {name: content for name, content in files.items() if present.get(name) != _sum(content)}
    if text != note:
        changed[MEASURED] = text
    if not changed:
        return
    yield StringCommand("mkdir -p -m 700", QuoteString(folder))
    for name, content in changed.items():
        if name == "layout.yaml":
            show_diff(f"{folder}/{name}", "", content)
        yield FileUploadCommand(io.StringIO(content), f"{folder}/{name}")


def rendered(cluster: Cluster, measured: str) -> dict[str, str]:
    """The files of the configuration from what was measured, by name. Raises ClusterError."""
    nodes = parse_resources(measured, MEASURED)
    own = inspect(cluster.folder).layout
    made = openpai_files(cluster, nodes, secrets.services(cluster), own, MEASURED)
    return {**made.files, "config.yaml": config_without_secrets(cluster.config)}


def services_of(dev_box: Host, paictl: Paictl) -> list[Service]:
    """The services that the config chooses, in their order; before anything was measured, with one virtual cluster."""
    cluster = paictl.cluster
    layout = inspect(cluster.folder).layout
    note = dev_box.get_fact(Note, path=f"{paictl.configuration}/{MEASURED}")
    names = ["default"]
    if note:
        names = virtual_clusters(rendered(cluster, note)["services-configuration.yaml"]) or names
    return chosen(cluster.config, layout.layout if layout else None, names)


def _name_gpus(nodes: dict[str, dict[str, Any]], vendor: Vendor) -> None:
    """Give `nodes` the model of their GPUs, in the driver's words, from those workers that this run reaches."""

    def ask(worker: Host) -> tuple[str, str | None]:
        return worker.name, ", ".join(sorted(vendor.models(worker))) or None

    workers = [one for one in host.inventory if one.data.role == Role.WORKER.value and one.connected]
    with_gpus = [worker for worker in workers if nodes.get(worker.name, {}).get(vendor.resource, "0") != "0"]
    for name, model in Pool(_ASKED_AT_ONCE).imap_unordered(ask, with_gpus):
        if model:
            nodes[name]["gpu_model"] = model


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def names(cluster: Cluster) -> list[str]:
    """The files that `paictl config push -m service` of the cluster's version puts into the cluster."""
    files = ["layout.yaml", "services-configuration.yaml"]
    return [*files, "config.yaml"] if versions.of(cluster.config) >= versions.Version(1, 7, 0) else files


def wanted_sum(cluster: Cluster, files: Mapping[str, str]) -> str:
    """One sum for everything that services are started with: OpenPAI's version, and `files`, sums by name."""
    parts = [cluster.config.docker_image_tag, *(files.get(name, "") for name in names(cluster))]
    return _sum("\0".join(parts))[:32]


@operation()
def pushed(paictl: Paictl) -> Commands:
    """Have the configuration's files in the cluster, by paictl, where any differs."""
    state = host.get_fact(OpenPai, kubeconfig=paictl.kubeconfig, folder=paictl.configuration)
    wanted = paictl.cluster.config.openpai_cluster_id
    if state.cluster_id and state.cluster_id != wanted:
        yield stop(
            f"the cluster calls itself {state.cluster_id}, not {wanted}; set openpai_cluster_id to that name",
            cause="cluster-id",
        )
    elif not state.files or _differing(paictl, host):
        yield FunctionCommand(_push, (paictl,), {})


def _differing(paictl: Paictl, host: Host) -> list[str]:
    state = host.get_fact(OpenPai, kubeconfig=paictl.kubeconfig, folder=paictl.configuration)
    return [name for name in names(paictl.cluster) if state.pushed.get(name, "") != state.files.get(name)]


def _push(state: Any, host: Host, paictl: Paictl) -> bool:
    if not run(host, paictl, "pushing the configuration", "config", "push", "-p", CONFIGURATION, "-m", "service"):
        return False
    left = _differing(paictl, host)
    return not left or failed(
        host, f"paictl pushed, but the cluster has another {', '.join(left)}; run again", cause="paictl-failed"
    )
