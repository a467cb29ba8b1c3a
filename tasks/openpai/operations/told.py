"""What the guide's script says at its end, on the screen and as JSON."""

import json
from collections.abc import Iterator

from pyinfra import host
from pyinfra.api import Host, operation

from cluster.report import private_folder
from tasks.openpai.operations.configuration import services_of
from tasks.openpai.operations.first_job import USER
from tasks.openpai.operations.paictl import Paictl
from tasks.openpai.operations.services import summary
from tasks.openpai.operations.watch import seen, wanted
from tasks.reach import Commands, planning


@operation()
def how_to_get_in(paictl: Paictl) -> Commands:
    """Say where everything is, and write the same to reports/NAME/openpai.json; it changes no host."""
    if not planning():
        report = _report(paictl, host)
        for title, value in report["access"].items():
            host.log(f"{title.replace('_', ' ')}: {value}")
        path = private_folder(paictl.cluster.folder.name) / "openpai.json"
        path.write_text(json.dumps(report, indent=2) + "\n")
    yield from ()


@operation()
def state_of_services(paictl: Paictl) -> Commands:
    """Say of each service whether it is as it should be; it changes no host."""
    if not planning():
        for name, state in _report(paictl, host)["services"].items():
            host.log(f"{name}: {state}")
    yield from ()


def _report(paictl: Paictl, dev_box: Host) -> dict[str, dict[str, str]]:
    state = seen(paictl, dev_box)
    services = summary(services_of(dev_box, paictl), state, wanted(paictl, state))
    return {"access": dict(_access(paictl)), "services": dict(services)}


def _access(paictl: Paictl) -> Iterator[tuple[str, str]]:
    """The guide's closing lines, in its order; of the password only where it is."""
    cluster = paictl.cluster
    own = cluster.config.openpai_admin_password is not None
    where = "openpai_admin_password in config.yaml" if own else "admin_password in secrets.yaml"
    yield "kubernetes_cluster_config", paictl.kubeconfig
    yield "openpai_cluster_config", paictl.configuration
    yield "openpai_cluster_id", cluster.config.openpai_cluster_id
    yield "user_name", USER
    yield "password", f"{where} of {cluster.folder}"
    yield "portal", f"http://{cluster.masters[0].address}"
