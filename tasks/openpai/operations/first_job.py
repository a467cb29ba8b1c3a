"""The guide's last step: log in, submit a job, see it end."""

import time
from typing import Any

import gevent
from pydantic import SecretStr
from pyinfra import host
from pyinfra.api import FunctionCommand, Host, operation
from pyinfra.api.exceptions import PyinfraError

from cluster import ClusterError, Config, secrets
from tasks import gpu
from tasks.gpu import Vendor
from tasks.openpai import jobs
from tasks.openpai.facts import Note
from tasks.openpai.operations.configuration import MEASURED, rendered
from tasks.openpai.operations.paictl import Paictl, failed
from tasks.openpai.rest import ENDED, Rest, RestError
from tasks.openpai.tunnel import connection
from tasks.reach import Commands, ask, planning, stop

USER = "admin"


def image_of(config: Config) -> str:
    """The image of the first job."""
    return config.first_job_image or config.cuda_image


# Seconds between looks at a job, and those that its log may come later than its end.
LOOK, LOG_LATE = 1, 30


def rest_of(dev_box: Host, paictl: Paictl) -> Rest:
    """The REST API of the cluster, through `dev_box`."""
    address = paictl.cluster.masters[0].address
    return Rest(lambda port: connection(dev_box, address, port))


@operation(is_idempotent=False)
def succeeds(paictl: Paictl) -> Commands:
    """Have a job see one GPU of each kind of machine, and a wrong password refused."""
    config = paictl.cluster.config
    vendor = gpu.vendor(config)
    if vendor is None:
        yield stop(
            f"no job is known that shows a GPU of gpu_type {config.gpu_type}; submit one of your own",
            cause="gpu-type-job",
        )
        return
    if planning():
        yield FunctionCommand(lambda state, host: True, (), {})
        return
    try:
        files = rendered(paictl.cluster, host.get_fact(Note, path=f"{paictl.configuration}/{MEASURED}"))
    except ClusterError as error:
        yield stop(*error.problems)
        return
    yield FunctionCommand(_image_suits, (paictl,), {})
    yield FunctionCommand(_stranger_refused, (paictl,), {})
    for kind in jobs.kinds(files["services-configuration.yaml"]):
        yield FunctionCommand(_run, (paictl, kind, vendor), {})


def _image_suits(state: Any, host: Host, paictl: Paictl) -> bool:
    """Whether the job's image has what OpenPAI's runtime calls: without it the job would fail long after."""
    image = image_of(paictl.cluster.config)
    worker = next((one for one in host.inventory if one.name == paictl.cluster.workers[0].name), None)
    if worker is None:
        return True
    missing = "; ".join(f"command -v {name} >/dev/null || echo {name}" for name in jobs.NEEDED_IN_IMAGE)
    try:
        said = ask(worker, f"docker run --rm --network none --entrypoint sh {image} -c '{missing}'")
    except PyinfraError as error:
        return failed(
            host,
            f"{image} does not run: {error}; set first_job_image to an image that workers can pull",
            cause="first-job-image",
        )
    return not said.split() or failed(
        host,
        f"{image} has no {', '.join(said.split())}, which OpenPAI's runtime calls; set first_job_image to one that has",
        cause="first-job-image",
    )


def _stranger_refused(state: Any, host: Host, paictl: Paictl) -> bool:
    try:
        rest_of(host, paictl).login(USER, SecretStr("not-the-password"))
    except RestError as error:
        if error.code != "IncorrectPasswordError":
            return failed(host, f"login: {error}", cause="openpai-rest")
        host.log("login: a wrong password is refused")
        return True
    return failed(
        host,
        "OpenPAI takes a wrong password; do not use this cluster before its rest-server is replaced",
        cause="password-open",
    )


def _run(state: Any, host: Host, paictl: Paictl, kind: jobs.Kind, vendor: Vendor) -> bool:
    config = paictl.cluster.config
    rest = rest_of(host, paictl)
    name = jobs.job_name(kind, int(time.time()))
    full, started, shown = f"{USER}~{name}", time.monotonic(), ""
    try:
        rest.login(USER, secrets.services(paictl.cluster).admin_password)
        host.log(f"login: {USER} is in")
        rest.submit(jobs.first_job(name, image_of(config), kind, vendor.job))
        while (status := rest.state(full))["state"] not in ENDED:
            if status["state"] != shown:
                shown = status["state"]
                host.log(f"{name}: {shown} {time.monotonic() - started:.0f} s")
            if time.monotonic() - started > config.first_job_timeout:
                rest.stop(full)
                return failed(
                    host,
                    f"{name} is {shown} after {config.first_job_timeout} s and was stopped; its pods: kubectl "
                    f"--kubeconfig {paictl.kubeconfig} describe pods -l type=kube-launcher-task",
                    cause="first-job-late",
                )
            gevent.sleep(LOOK)
        log = _log(rest, full)
    except RestError as error:
        return failed(host, f"{name}: {error}", cause="openpai-rest")
    for line in (log or "").strip().splitlines()[-20:]:
        host.log(f"  {line}")
    if status["state"] != "SUCCEEDED":
        cause = status.get("appExitTriggerMessage") or status.get("appExitDiagnostics") or "no word of why"
        return failed(host, f"{name} {status['state']}: {str(cause)[:300]}", cause="first-job-failed")
    if log is None:
        host.log(f"{name}: its log is in the portal; REST has logs from v1.5.0 on")
    elif vendor.job_shows not in log:
        return failed(host, f"{name} succeeded, but its log shows no GPU", cause="first-job-no-gpu")
    host.log(f"{name}: SUCCEEDED in {time.monotonic() - started:.0f} s")
    return True


def _log(rest: Rest, job: str) -> str | None:
    """The job's log; log-manager finds it some seconds after the job's end."""
    for _ in range(LOG_LATE // LOOK):
        try:
            return rest.log(job, jobs.ROLE)
        except RestError as error:
            last = error
            gevent.sleep(LOOK)
    raise last
