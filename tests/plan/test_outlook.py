"""What a plan comes to in one line: changes, reboots, restarts of Docker; none on a host after it would stop."""

import json

from tasks import docker, gpu
from tasks.progress.plan import outlook
from tests.plan.conftest import planned
from tests.plan.test_docker import has
from tests.plan.test_gpu import runfile  # noqa: F401

EVERY = "@fake/dev-box, @fake/openpai-[001-004], @fake/openpai-master-01"


def test_reboots_are_counted_and_named(folder, runfile):  # noqa: F811
    with planned(folder, gpu.install_driver) as plan:
        assert f"6 would reboot ({EVERY}); Docker restarts on none" in outlook(plan.state)


def test_a_host_that_would_stop_does_not_reboot_after_it(folder):
    """No driver is there, and none is configured."""
    with planned(folder, gpu.install_driver) as plan:
        assert outlook(plan.state) == "nothing would change"


def test_a_daemon_at_work_that_must_restart_is_counted(folder):
    answers = has({"docker-ce": "5:28.0.0-1~x"}, "28.0.0", live=True, file=json.dumps({"log-driver": "none"}))
    with planned(folder, docker.install, {"openpai-001": answers}) as plan:
        assert "; none would reboot; Docker restarts on 1 (@fake/openpai-001)" in outlook(plan.state)
