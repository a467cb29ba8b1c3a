"""OpenPAI on lab hosts: killed anywhere and taken up, services that cannot start, a login, a finished GPU job, day 2.

The tests go from a cluster without OpenPAI to one without it again, each on what the one before left.
"""

from __future__ import annotations

import json
import re

import pytest
import yaml

from lab.wait import wait_until
from tests.lab.harness import channels, converged, killed_when, new_lab, out, printed
from tests.lab.kubernetes_stage import FIRST, KUBECTL, MASTER
from tests.lab.openpai_stage import DEV_BOX, STAGE, images, paictl_at_work, pods, running, stage, verification

OLD, NEW = "v1.8.0", "v1.8.1"


@pytest.fixture(scope="module")
def lab():
    """One worker, Kubernetes finished, OpenPAI on offer."""
    with new_lab("pai", workers=1, openpai=True) as made:
        made.configure(openpai=False)
        converged(made)
        made.configure(openpai=True)
        yield made


def secrets_of(lab) -> dict[str, str]:
    """The passwords of OpenPAI in the cluster folder, and the hosts' own."""
    made = yaml.safe_load((lab.folder / "secrets.yaml").read_text())
    return {**made, "ssh": yaml.safe_load((lab.folder / "config.yaml").read_text())["password"]}


def test_a_run_killed_during_the_push_is_taken_up(lab):
    killed_when(lab, lambda: paictl_at_work(lab, "config", "push"), file=STAGE)
    lab.openpai_fault("postgresql", "image-missing")
    run = stage(lab)
    assert run.status == 1
    # The kubelet's word goes to and fro between ErrImagePull and ImagePullBackOff.
    assert re.search(r"postgresql: pod postgresql-ds-\S+ cannot start: (ErrImagePull|ImagePullBackOff)", run.output), (
        run.output
    )
    assert re.search(r"event: (Failed|BackOff): ", run.output), run.output
    pushed = out(lab, MASTER, f"{KUBECTL} get configmap pai-configuration -o yaml")
    assert secrets_of(lab)["ssh"] not in pushed


# They come after postgresql, whose missing image ended the run before.
@pytest.mark.parametrize("service", ["database-controller", "rest-server", "webportal"])
def test_a_run_killed_while_a_service_starts_is_taken_up(lab, service):
    lab.openpai_fault("postgresql", None)
    if service == "rest-server":
        lab.openpai_fault("rest-server", "crash")
        run = stage(lab)
        assert run.status == 1 and "rest-server: pod rest-server-ds-" in run.output, run.output
        assert "log: " in run.output, run.output
        lab.openpai_fault("rest-server", None)
    killed_when(lab, lambda: paictl_at_work(lab, "service", "start", "-n", service), file=STAGE)


def test_it_ends_as_the_guide_does(lab):
    run = running(lab)
    address = lab.state.host(MASTER).address
    for line in ("openpai cluster id: pai", "user name: admin", f"portal: http://{address}"):
        assert line in run.output, run.output
    assert not [value for value in secrets_of(lab).values() if value in run.output]


def test_a_second_run_changes_nothing_and_restarts_nothing(lab):
    before = pods(lab)
    assert running(lab).changed == 0
    assert pods(lab) == before


def test_a_run_of_everything_without_changes_takes_five_commands_a_host(lab):
    taken = channels(lab)
    assert set(taken) == {DEV_BOX, MASTER, FIRST} and max(taken.values()) <= 5, taken


def test_programs_in_its_images_look_into_the_hosts_file_before_they_ask_dns(lab):
    # Where nsswitch.conf is missing, Go asks DNS first: each second kubectl of paictl waited 5 s for a server that is
    # not there, and all services took four times as long.
    image = next(
        word
        for word in out(lab, DEV_BOX, "docker images --format '{{.Repository}}:{{.Tag}}'").split()
        if "dev-box" in word
    )
    assert out(lab, DEV_BOX, f"docker run --rm --entrypoint cat {image} /etc/nsswitch.conf") == "hosts: files dns"


def test_the_first_job_finishes_and_shows_its_gpu(lab):
    run = running(lab, file="tasks.openpai.first_job")
    assert "SUCCEEDED" in run.output and "0  NVIDIA H100 80GB HBM3" in run.output, run.output


def test_the_suite_of_the_finished_hosts_passes(lab):
    done = verification(lab)
    assert done.status == 0, done.output


def test_no_secret_is_where_others_could_read_it(lab):
    """/tmp, process lists and logs of every host; the SSH password not in the cluster's configuration either."""
    lab.run(MASTER, f"{KUBECTL} delete daemonset rest-server-ds", check=True)
    killed_when(lab, lambda: paictl_at_work(lab, "service", "start"), file=STAGE)
    seen = []
    for host in (DEV_BOX, MASTER, FIRST):
        for secret in secrets_of(lab).values():
            # What runc hands a process over in is root's alone in /tmp, for as long as the process takes to begin.
            places = f"""
                find /tmp /var/tmp -type f -perm /go=r -exec grep -ls -e {secret} {{}} +
                grep -rls -e {secret} /var/log /run/openpai-deploy /home/paiadmin/pai-deploy/pai
                ps -eo args | grep -F -e {secret} | grep -v grep"""
            seen += [f"{host}: {line}" for line in lab.run(host, places).stdout.splitlines()]
    assert seen == []
    running(lab)


def test_a_lost_api_server_in_the_middle_is_waited_for(lab):
    out(lab, MASTER, f"{KUBECTL} delete daemonset webportal-ds")
    log = lab.folder / "killed.log"

    def lose_it() -> bool:
        if not paictl_at_work(lab, "service", "start", "-n", "webportal"):
            return False
        out(lab, MASTER, "docker ps -q --filter label=io.kubernetes.container.name=kube-apiserver | xargs docker kill")
        return True

    killed_when(lab, lose_it, file=STAGE)
    assert log.exists()
    running(lab)
    assert running(lab).changed == 0


def test_a_full_disk_of_the_master_is_named(lab):
    """The kubelet's own threshold is set so that the disk counts as full: filling it would fill the machine's."""
    flags = "/etc/default/kubelet"
    out(lab, MASTER, f"cp {flags} /root/kubelet && sed -i 's/nodefs.available<[^,\"]*/nodefs.available<99%/' {flags}")
    out(lab, MASTER, "systemctl restart kubelet")
    try:
        pressed = (
            f"{KUBECTL} get node {MASTER} -o jsonpath='{{.status.conditions[?(@.type==\"DiskPressure\")].status}}'"
        )
        wait_until(lambda: lab.run(MASTER, pressed).stdout == "True", 90)
        out(lab, MASTER, f"{KUBECTL} delete daemonset webportal-ds --ignore-not-found")
        run = stage(lab)
        assert run.status == 1, run.output
        assert "DiskPressure" in run.output or "disk-pressure" in run.output or "Evicted" in run.output, run.output
    finally:
        out(lab, MASTER, f"mv /root/kubelet {flags} && systemctl restart kubelet")
    wait_until(lambda: lab.run(MASTER, pressed).stdout == "False", 400)
    running(lab)


def test_the_admins_password_is_replaced_and_the_old_one_refused(lab):
    before = secrets_of(lab)["admin_password"]
    running(lab, file="tasks.openpai.change_admin_password")
    assert secrets_of(lab)["admin_password"] != before
    assert verification(lab).status == 0
    assert running(lab, file="tasks.openpai.status").changed == 0


def test_a_service_is_stopped_and_started_by_name(lab):
    """The last one: nothing else rests on it."""
    named = ("--data", "services=webportal")
    running(lab, *named, file="tasks.openpai.stop")
    assert not [name for name in pods(lab) if name.startswith("webportal")]
    assert running(lab, *named, file="tasks.openpai.stop").changed == 0
    running(lab, *named, file="tasks.openpai.start")
    assert [name for name in pods(lab) if name.startswith("webportal")]
    assert running(lab, *named, file="tasks.openpai.start").changed == 0


def test_an_upgrade_killed_half_way_is_taken_up_and_the_old_version_comes_back(lab):
    lab.configure(docker_image_tag=OLD)
    refused = stage(lab)
    assert refused.status == 1 and "tasks.openpai.upgrade" in refused.output, refused.output
    killed_when(lab, printed(lab, "rest-server:"), file="tasks.openpai.upgrade")
    running(lab, file="tasks.openpai.upgrade")
    assert {image.rpartition(":")[2] for image in images(lab) if "/openpai/" in image} == {OLD}
    lab.configure(docker_image_tag=NEW)
    running(lab, file="tasks.openpai.upgrade")
    done = verification(lab)  # the users, and so the password, are those from before
    assert done.status == 0, done.output


def test_it_is_taken_off_the_cluster_by_name_alone(lab):
    asked = stage(lab, file="tasks.openpai.uninstall")
    assert asked.status == 1 and f"--data confirm={lab.name}" in asked.output, asked.output
    running(lab, "--data", f"confirm={lab.name}", file="tasks.openpai.uninstall")
    left = json.loads(out(lab, MASTER, f"{KUBECTL} get daemonsets,statefulsets -o json"))["items"]
    assert left == []
    configmaps = out(lab, MASTER, f"{KUBECTL} get configmaps -o name")
    assert "pai-configuration" not in configmaps and "host-configuration" not in configmaps, configmaps
    assert running(lab, "--data", f"confirm={lab.name}", file="tasks.openpai.uninstall").changed == 0
