"""The kubespray installer with real Ansible over real hosts, and a small playbook repository in kubespray's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.api import Lab
from tests.lab.harness import new_lab, out, pyinfra

DATA = Path(__file__).parent / "data" / "kubespray"
HOSTS = ("openpai-master-01", "openpai-001", "openpai-002")
FOLDER = "/home/paiadmin/pai-deploy"


@pytest.fixture(scope="module")
def lab():
    """Two workers that the dev box reaches by key; the repository lies on the dev box."""
    with new_lab("spray", workers=2) as made:
        made.configure(installer="kubespray", openpai_kube_network_plugin="calico")
        run = pyinfra(made, "-y", file="tasks.ssh.establish_trust")
        assert run.status == 0, run.output
        run = pyinfra(made, "-y", file="tasks.apt.go_through_proxy")
        assert run.status == 0, run.output
        out(made, "dev-box", "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install git")
        yield made


def publish(lab: Lab, **changed: str) -> str:
    """Commit the repository, with files changed, and make the config name it; gives the commit."""
    files = {str(path.relative_to(DATA)): path.read_text() for path in DATA.rglob("*") if path.is_file()} | changed
    for name, text in files.items():
        lab.run("dev-box", f"mkdir -p $(dirname /srv/playbooks/{name}) && cat >/srv/playbooks/{name}", text, check=True)
    git = "git -c safe.directory='*' -c user.name=lab -c user.email=lab@example.com -C /srv/playbooks"
    out(
        lab,
        "dev-box",
        f"{git} init -q && {git} add -A && {git} commit -q -m playbooks && chown -R paiadmin: /srv/playbooks",
    )
    commit = out(lab, "dev-box", f"{git} rev-parse HEAD")
    lab.configure(kubespray_repository="/srv/playbooks", kubespray_commit=commit)
    return commit


def install(lab: Lab):
    return pyinfra(lab, "-y", file="tasks.kubespray.install", timeout=1200)


@pytest.fixture(scope="module")
def installed(lab):
    publish(lab)
    run = install(lab)
    assert run.status == 0, run.output
    return run


def test_ansibles_log_is_on_the_screen_and_in_a_file(lab, installed):
    assert "PLAY RECAP" in installed.output
    assert "PLAY RECAP" in out(lab, "dev-box", f"cat {FOLDER}/kubespray.log")


def test_every_host_got_what_the_cluster_folder_says(lab, installed):
    for host in HOSTS:
        said = f"{host} {lab.address(host)} 10.200.0.0/13 from-the-sample\n0"
        assert out(lab, host, "cat /etc/kubespray-rehearsal") == said


def test_the_kubeconfig_is_where_the_guide_has_it_and_the_users_alone(lab, installed):
    assert out(lab, "dev-box", f"stat -c '%a %U' {FOLDER}/kube/config") == "600 paiadmin"
    assert lab.address(HOSTS[0]) in out(lab, "dev-box", f"cat {FOLDER}/kube/config")


def test_no_password_is_in_any_file(lab, installed):
    password = next(
        line for line in (lab.folder / "config.yaml").read_text().splitlines() if line.startswith("password:")
    )
    assert out(lab, "dev-box", f"grep -rlF '{password.split()[1]}' {FOLDER} || :") == ""


def test_a_second_run_changes_nothing(lab, installed):
    again = install(lab)
    assert (again.status, again.changed) == (0, 0), again.output


def test_a_changed_copy_is_put_back_to_the_commit(lab, installed):
    out(lab, "dev-box", f"echo '# edited' >>{FOLDER}/kubespray/cluster.yml")
    assert install(lab).status == 0
    assert "# edited" not in out(lab, "dev-box", f"cat {FOLDER}/kubespray/cluster.yml")


def test_a_failing_playbook_fails_the_run_and_the_next_one_tries_again(lab, installed):
    good = (DATA / "cluster.yml").read_text()
    publish(lab, **{"cluster.yml": good.replace("id -u >>", "no-such-command >>")})
    run = install(lab)
    assert run.status != 0
    assert f"kubespray failed; its log: {FOLDER}/kubespray.log" in run.output
    publish(lab, **{"cluster.yml": good})
    assert install(lab).status == 0


def test_requirements_that_no_python_here_can_run_are_named(lab, installed):
    publish(lab, **{"requirements.txt": "ansible==2.7.12\nruamel.yaml==0.15.96\n"})
    run = install(lab)
    assert run.status != 0
    assert "need Python 3.6 to 3.8" in run.output
    assert "installer: kubeadm" in run.output
