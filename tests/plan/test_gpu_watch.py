"""The plan of the watch over a worker's GPUs: how many it is to miss."""

import pytest
from pyinfra import host

from tasks import kubernetes
from tests.plan.conftest import planned
from tests.plan.test_kubernetes import WORKER
from tests.sections import sections

SERVICE = "/etc/systemd/system/openpai-gpu-health.service"


@pytest.mark.parametrize(
    ("bus", "known", "missed"),
    [
        ("0000:01:00.0\n0000:02:00.0", "", 2),
        ("0000:01:00.0\n0000:02:00.0", "openpai-001 1", 2),
        # One came back from a boot no more.
        ("0000:01:00.0", "openpai-001 2", 2),
        ("", "openpai-001 2", 2),
    ],
)
def test_a_gpu_that_left_the_bus_is_still_missed_after_a_deploy(host_gw, monkeypatch, bus, known, missed):
    written = {}

    def put(name, content, dest, **more):
        written[host.name, dest] = content

    monkeypatch.setattr("tasks.kubernetes.deploy.gpu_watch.put", put)
    unit = f"[Service]\nType=oneshot\nExecStart=/usr/local/sbin/openpai-gpu-health {known}\nTimeoutStartSec=2min\n"
    answers = {"/sys/bus/pci/devices": sections(bus=bus), f"cat {SERVICE}": sections(unit=unit if known else "")}
    with planned(host_gw, kubernetes.install, {"openpai-001": answers}):
        pass
    assert f"ExecStart=/usr/local/sbin/openpai-gpu-health openpai-001 {missed}\n" in written[WORKER, SERVICE]
