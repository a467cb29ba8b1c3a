"""What can go wrong on the host layer: killed runs, hosts that refuse, files that somebody else wrote."""

from __future__ import annotations

import json

import pytest

from tests.lab.docker_host import DAEMON_JSON, container_started, daemon_json, restarts, started, write
from tests.lab.harness import converged, deploy, killed_when, new_lab, out, printed, pyinfra

WORKER, OTHER, MASTER = "openpai-001", "openpai-002", "openpai-master-01"


@pytest.fixture(scope="module")
def lab():
    """Bare Debian 12 hosts; Docker and time only."""
    with new_lab("faults", workers=2) as made:
        made.configure(installer="none", gpu_type="none", worker_default_docker_runtime="runc")
        yield made


@pytest.fixture(scope="module")
def ready(lab):
    """The lab after the killed runs of the first test and one whole run."""
    converged(lab)
    return lab


@pytest.mark.parametrize(
    "moment",
    [
        "Starting operation: SSH trust | The user's sudo asks for no password",
        "Starting operation: Docker | Docker's package source",
        "Starting operation: Docker | Docker packages, at their version and held",
    ],
)
def test_a_first_run_killed_anywhere_is_finished_by_the_next(lab, moment):
    killed_when(lab, printed(lab, moment))


def test_the_run_after_the_killed_ones_converges(lab):
    converged(lab)
    assert converged(lab).changed == 0
    for host in (WORKER, OTHER, "dev-box"):
        assert out(lab, host, "docker info -f '{{.LiveRestoreEnabled}} {{.DockerRootDir}}'") == "true /mnt/docker"
        # Nothing half-written is left beside the files.
        assert out(lab, host, "ls /etc/apt/keyrings /etc/apt/sources.list.d | grep -c docker") == "2"
        assert out(lab, host, "ls /etc/docker /etc/apt/keyrings | grep -E 'new|[.].{8}$' || :") == ""


def test_a_run_killed_between_a_file_and_its_restart(ready):
    """log-opts take a restart: killed as soon as the file is there, the next run restarts."""
    ready.configure(docker_log_max_file=7)
    try:
        written = lambda: ready.run(WORKER, f"grep -q '\"7\"' {DAEMON_JSON}").returncode == 0  # noqa: E731
        killed_when(ready, written)
        before = restarts(ready, WORKER)
        converged(ready)
        assert restarts(ready, WORKER) != before
        assert converged(ready).changed == 0
    finally:
        ready.configure(docker_log_max_size=None, docker_log_max_file=None)


def test_the_operators_keys_survive(ready):
    own = {"debug": True, "labels": ["rack=7"], "registry-mirrors": ["https://mirror.example.com"]}
    write(ready, WORKER, DAEMON_JSON, json.dumps({**daemon_json(ready, WORKER), **own}))
    converged(ready)
    found = daemon_json(ready, WORKER)
    assert (found["debug"], found["labels"]) == (True, ["rack=7"])
    assert found["registry-mirrors"][0] == "https://mirror.example.com"
    assert found["live-restore"] is True
    assert out(ready, WORKER, "docker info -f '{{.Labels}} {{.Debug}}'") == "[rack=7] true"
    assert converged(ready).changed == 0


def test_an_invalid_daemon_json_stops_that_host_and_is_left_alone(ready):
    valid = out(ready, WORKER, f"cat {DAEMON_JSON}")
    broken = '{\n  "live-restore": true,\n}\n'
    write(ready, WORKER, DAEMON_JSON, broken)
    try:
        run = deploy(ready)
        assert run.status != 0
        (row,) = (line for line in run.output.splitlines() if line.startswith(WORKER))
        assert "docker-config" in row
        assert "line 3 column 1" in row
        assert "no host was changed" in run.output

        # Past preflight, on the operator's word, the host itself stops and the others go on.
        run = deploy(ready, "--data", "skip_requirements=docker-config")
        assert run.status != 0
        (told,) = (line for line in run.lines(WORKER) if "is not valid" in line)
        assert f"{DAEMON_JSON} is not valid: line 3 column 1: " in told
        assert "mend it or move it away (it was left untouched)" in told
        assert not [line for line in run.lines(OTHER) if "error" in line.lower()]
        assert "Traceback" not in run.output
        assert out(ready, WORKER, f"cat {DAEMON_JSON}") == broken.strip()
    finally:
        write(ready, WORKER, DAEMON_JSON, valid + "\n")
        converged(ready)


def test_a_reloadable_change_and_a_second_run_spare_the_container(ready):
    container, daemon = container_started(ready, WORKER), restarts(ready, WORKER)
    converged(ready)
    assert (started(ready, WORKER), restarts(ready, WORKER)) == (container, daemon)
    ready.configure(openpai_docker_registry_mirrors=[f"http://{ready.gateway}:5000", "https://second.example.com"])
    assert "Docker | Docker runs with its configuration" in converged(ready).changes()
    assert "https://second.example.com/" in out(ready, WORKER, "docker info -f '{{.RegistryConfig.Mirrors}}'")
    assert (started(ready, WORKER), restarts(ready, WORKER)) == (container, daemon)


def test_a_restart_spares_the_container_by_live_restore(ready):
    container = container_started(ready, WORKER)
    ready.configure(docker_log_max_size="40m")
    daemon = restarts(ready, WORKER)
    converged(ready)
    assert restarts(ready, WORKER) != daemon
    assert started(ready, WORKER) == container


def test_no_restart_under_containers_without_live_restore_or_the_operators_word(ready):
    ready.configure(docker_live_restore=False)
    converged(ready)
    container, daemon = container_started(ready, WORKER), restarts(ready, WORKER)
    ready.configure(docker_log_max_size="30m")
    try:
        run = deploy(ready)
        assert run.status != 0
        assert any("1 containers run (lasting) and live-restore is off" in line for line in run.lines(WORKER))
        assert (started(ready, WORKER), restarts(ready, WORKER)) == (container, daemon)
        converged(ready, "--data", "allow_disruption=yes")
        assert restarts(ready, WORKER) != daemon
    finally:
        ready.configure(docker_live_restore=None, docker_log_max_size=None)
        out(ready, WORKER, "docker rm -f lasting")
        converged(ready)


def test_a_daemon_that_does_not_come_back_gets_its_old_file_back(ready):
    good = daemon_json(ready, WORKER)
    # Valid JSON that only the start of the daemon refuses.
    write(ready, WORKER, DAEMON_JSON, json.dumps({**good, "storage-driver": "no-such-driver"}))
    ready.configure(docker_log_max_file=8)
    try:
        run = deploy(ready)
        assert run.status != 0
        assert any("dockerd does not start with" in line for line in run.lines(WORKER)), run.output
    finally:
        ready.configure(docker_log_max_size=None, docker_log_max_file=None)
        write(ready, WORKER, DAEMON_JSON, json.dumps(good))
        lab_start = ready.run(WORKER, "systemctl reset-failed docker; systemctl start docker")
        assert lab_start.returncode == 0, lab_start.stderr
        converged(ready)


def test_a_flag_that_clashes_is_named_before_anything_changes(ready):
    dropin = "/etc/systemd/system/docker.service.d/flags.conf"
    before = out(ready, WORKER, f"cat {DAEMON_JSON}")
    write(ready, WORKER, dropin, "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --log-driver=journald\n")
    out(ready, WORKER, "systemctl daemon-reload")
    ready.configure(docker_log_max_file=9)
    try:
        run = deploy(ready)
        assert run.status != 0
        assert any("docker.service sets log-driver on dockerd's command line" in line for line in run.lines(WORKER))
        assert out(ready, WORKER, f"cat {DAEMON_JSON}") == before
    finally:
        ready.configure(docker_log_max_size=None, docker_log_max_file=None)
        out(ready, WORKER, f"rm {dropin}; systemctl daemon-reload")
        converged(ready)


def test_a_package_key_with_another_fingerprint_is_refused(ready):
    ready.configure(docker_apt_key_fingerprint="0" * 40)
    genuine = ready.run(WORKER, "sha256sum /etc/apt/keyrings/docker.asc").stdout
    old = out(
        ready, WORKER, "gpg --show-keys --with-colons /etc/apt/keyrings/docker.asc | awk -F: '/^fpr/{print $10; exit}'"
    )
    try:
        run = deploy(ready)
        assert run.status != 0
        said = f"not fingerprint {'0' * 40}, but {old}; check docker_apt_mirror; a mirror with"
        assert any(said in line for line in run.lines(WORKER)), run.output
        assert ready.run(WORKER, "sha256sum /etc/apt/keyrings/docker.asc").stdout == genuine
    finally:
        ready.configure(docker_apt_key_fingerprint=old)
        assert converged(ready).changed == 0


def test_a_version_is_pinned_and_held(ready):
    offered = out(ready, WORKER, "apt-cache madison docker-ce | awk '{print $3}'").splitlines()
    newest, older = offered[0], offered[1]
    assert out(ready, WORKER, "dpkg-query -W -f '${Version}' docker-ce") == newest
    assert "docker-ce" in out(ready, WORKER, "apt-mark showhold").split()
    ready.configure(docker_version=older.split(":")[-1])
    try:
        converged(ready)
        assert out(ready, WORKER, "dpkg-query -W -f '${Version}' docker-ce") == older
        assert {"docker-ce", "docker-ce-cli", "containerd.io"} <= set(out(ready, WORKER, "apt-mark showhold").split())
        assert converged(ready).changed == 0
    finally:
        ready.configure(docker_version=None)
    assert converged(ready).changed == 0, "an acceptable version is left as it is"


def test_a_vendors_own_package_source_gives_way_and_is_kept(ready):
    parts = "/etc/apt/sources.list.d"
    uri = out(ready, WORKER, f"awk '/^URIs/ {{ print $2 }}' {parts}/docker.sources")
    ready.age(WORKER, "vendor-sources")
    vendor = out(ready, WORKER, f"cat {parts}/docker.list")
    assert f" {uri} bookworm stable" in vendor and "signed-by=" in vendor
    mixed = f"# the company's\ndeb {uri}-of-another bookworm main\n"
    write(ready, WORKER, "/etc/apt/sources.list", f"{mixed}{vendor}\n")
    write(ready, OTHER, f"{parts}/docker.sources", f"Types: deb\nURIs: {uri}\nSuites: bookworm\nComponents: stable\n")
    theirs = out(ready, OTHER, f"cat {parts}/docker.sources")
    before = out(ready, WORKER, f"ls -l {parts}/debian.sources; sha256sum {parts}/debian.sources")
    try:
        assert "Conflicting values set for option Signed-By" in ready.run(WORKER, "apt-get indextargets").stderr
        converged(ready)
        out(ready, WORKER, "apt-get indextargets")
        assert out(ready, WORKER, f"cd {parts} && ls docker*") == "docker.list.openpai.disabled\ndocker.sources"
        assert out(ready, WORKER, f"cat {parts}/docker.list.openpai.disabled") == vendor
        assert ready.run(WORKER, "cat /etc/apt/sources.list").stdout == f"{mixed}# openpai-deploy: {vendor}\n"
        assert out(ready, WORKER, f"ls -l {parts}/debian.sources; sha256sum {parts}/debian.sources") == before
        assert out(ready, OTHER, f"cat {parts}/docker.sources.openpai.disabled") == theirs
        assert converged(ready).changed == 0
    finally:
        out(ready, WORKER, f"rm -f {parts}/docker.list* {parts}/nvidia-container-toolkit.list /etc/apt/sources.list")
        out(ready, OTHER, f"rm -f {parts}/docker.sources.openpai.disabled")


def test_what_a_login_shell_prints_is_no_answer_and_no_part_of_a_file(ready):
    bashrc = "/home/paiadmin/.bashrc"
    before = daemon_json(ready, WORKER)
    out(ready, WORKER, f"cp -p {bashrc} /root/bashrc")
    ready.age(WORKER, "talkative")
    assert "echo Welcome; echo @@ end" in out(ready, WORKER, f"head -1 {bashrc}")
    try:
        assert converged(ready).changed == 0
        ready.configure(docker_log_max_size="60m", docker_log_max_file=6)
        run = converged(ready)
        assert "Welcome" not in run.output and "Traceback" not in run.output
        assert daemon_json(ready, WORKER) == before | {"log-opts": {"max-size": "60m", "max-file": "6"}}
    finally:
        out(ready, WORKER, f"mv /root/bashrc {bashrc}")
        ready.configure(docker_log_max_size=None, docker_log_max_file=None)
        converged(ready)


def test_hosts_that_refuse_each_get_one_line_and_the_others_go_on(ready):
    configured = (ready.folder / "known_hosts").read_text()
    wrong = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbfLXBVGVQx2cCC4zU1sZkZ5BtNYV0nMGzLhLhUJcHb"
    kept = [line for line in configured.splitlines() if not line.startswith(f"{ready.address(OTHER)} ")]
    (ready.folder / "known_hosts").write_text("\n".join([*kept, f"{ready.address(OTHER)} {wrong}"]) + "\n")
    out(ready, WORKER, "mv /home/paiadmin/.ssh/authorized_keys /root/ak; passwd -l paiadmin >/dev/null")
    out(ready, MASTER, "systemctl stop ssh.service ssh.socket")
    try:
        run = deploy(ready)
        assert run.status == 1
        for host, said in (
            (WORKER, f"{ready.address(WORKER)}: login as paiadmin refused"),
            (OTHER, f"{ready.address(OTHER)}: the host key changed: pinned SHA256:"),
            (MASTER, f"{ready.address(MASTER)}: connection refused: the machine is there, and nothing"),
        ):
            assert len(run.lines(host)) == 1, run.lines(host)
            assert said in run.lines(host)[0]
        assert "Traceback" not in run.output
        assert any("No changes" in line for line in run.lines("dev-box")), run.output
    finally:
        (ready.folder / "known_hosts").write_text(configured)
        out(ready, WORKER, "mv /root/ak /home/paiadmin/.ssh/authorized_keys; passwd -u paiadmin >/dev/null")
        out(ready, MASTER, "systemctl start ssh.service")
    assert converged(ready).changed == 0


def test_a_wrong_password_is_one_line_a_host(lab, ready, monkeypatch):
    identity = ready.folder / "id_ed25519"
    monkeypatch.setenv("OPENPAI_PASSWORD", "wrong")
    identity.rename(ready.folder / "aside")
    try:
        run = pyinfra(ready, "-y")
        assert run.status != 0
        for host in ("dev-box", MASTER, WORKER, OTHER):
            assert len(run.lines(host)) == 1
            assert "refused (the password)" in run.lines(host)[0]
    finally:
        (ready.folder / "aside").rename(identity)


def test_a_sudoers_file_that_others_may_read_is_mended(ready):
    path = "/etc/sudoers.d/90-openpai-deploy"
    out(ready, WORKER, f"chmod 644 {path}")
    converged(ready)
    assert out(ready, WORKER, f"stat -c '%a %U:%G' {path}") == "440 root:root"
    assert converged(ready).changed == 0
