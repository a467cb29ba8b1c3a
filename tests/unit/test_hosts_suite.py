"""The verification itself: every check fails when it should, only then, and says which host and why."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from tests.unit.hosts_fleet import (
    DAEMON_JSON,
    INFO,
    PASSWORD,
    TOKEN,
    Fault,
    Fleet,
    docker_info,
    docker_service,
    fault,
    ntpq,
    packages,
    verify,
)
from tests.unit.hosts_gpu_faults import GPU_FAULTS, HANGS
from tests.unit.hosts_gpus import Said

CLOCK = frozenset({"test_clock_follows_a_configured_server", "test_clock_is_near_its_server"})
DAEMON = frozenset({
    "test_daemon_runs_with_its_files", "test_data_root", "test_live_restore", "test_registry_mirrors",
    "test_insecure_registries", "test_proxy",
})  # fmt: skip
DAEMON_FILE = frozenset({
    "test_configuration_file_is_valid", "test_daemon_runs_with_its_files", "test_data_root", "test_live_restore",
    "test_log_limit", "test_iptables",
})  # fmt: skip
SERVICE, FILES = "test_service_runs_now_and_after_a_boot", "test_daemon_runs_with_its_files"
# A host that gives no answer is one error; its other tests are not run.
NO_ANSWER = frozenset({"one test"})


def registries(**changes: object) -> Said:
    return docker_info(RegistryConfig={**INFO["RegistryConfig"], **changes})


def settings(**changes: object) -> Said:
    return 0, json.dumps({**DAEMON_JSON, **changes}), ""


CHRONY = "0A000001,10.0.0.1,9,1720000000.123,0.000012,0.0,0.0,1.2,0.0,0.1,0.001,0.002,64.0,Normal"
CHRONY_ALONE = "7F7F0101,,10,1720000000.123,0.000000000,0.0,0.0,1.2,0.0,0.1,0.000,0.000,64.0,Normal"


FAULTS = (
    Fault("healthy", {}, frozenset(), ""),
    # SSH
    fault("other-user", "a login as ubuntu; needed paiadmin", "test_login_is_the_configured_user",
          user=(0, "ubuntu", "")),
    fault("other-name", "the name gpu-7; needed other-name", "test_the_host_calls_itself_by_its_name",
          name=(0, "gpu-7", "")),
    fault("unwatched", "openpai-gpu-health.timer: disabled inactive success", "test_gpus_are_looked_after",
          gpu_watch=(0, "disabled\ninactive\nsuccess", "")),
    fault("gpu-gone", "GPUHealthy is False: 1 of 2 GPUs answer", "test_gpus_are_looked_after",
          gpu_condition=(0, "False|1 of 2 GPUs answer", "")),
    fault("sshd-dead", "sshd now: inactive and inactive", "test_sshd_runs_now_and_after_a_boot",
          sshd_now=(3, "inactive\ninactive", "")),
    fault("sshd-disabled", "sshd at boot: disabled", "test_sshd_runs_now_and_after_a_boot",
          sshd_at_boot=(1, "disabled\ndisabled", "")),
    fault("sudo-asks", "a password is required", "test_sudo_needs_no_password",
          sudo=(1, "", "sudo: a password is required")),
    Fault("no-route", {}, NO_ANSWER, "No route to host; check that the machine is up",
          refused="ssh: connect to host 10.0.1.6 port 22: No route to host\n"),
    Fault("key-changed", {}, NO_ANSWER, "its host key is not the one in",
          refused="@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@\nHost key verification failed.\n"),
    Fault("key-unknown", {}, NO_ANSWER, "its host key is not in", refused="Host key verification failed.\n"),
    Fault("key-refused", {}, NO_ANSWER, "login as paiadmin with",
          refused="paiadmin@10.0.1.9: Permission denied (publickey,password).\n"),
    Fault("no-sudo", {}, NO_ANSWER, "sudo without a password fails for paiadmin (sudo: a password is required)",
          mute="sudo: a password is required\n"),
    fault("leak", "***", "test_sudo_needs_no_password", "test_container_runs", "test_container_sees_every_gpu",
          sudo=(1, "", f"sudo: {PASSWORD} and {TOKEN} and http://me:proxyPw@proxy refused"),
          container=(125, "", f"docker: login with {TOKEN} failed")),
    # Docker's packages
    fault("not-held", "docker-ce-cli 5:20.10.24~3 not held", "test_package_is_installed_and_held",
          holds=(0, "docker-ce\ncontainerd.io\nnvidia-container-toolkit", "")),
    fault("toolkit-not-held", "nvidia-container-toolkit 1.17.8-1 not held",
          "test_container_toolkit_is_installed_and_held", holds=(0, "docker-ce\ndocker-ce-cli\ncontainerd.io", "")),
    fault("toolkit-old", "nvidia-container-toolkit 1.16.2; needed 1.17.8 or newer",
          "test_container_toolkit_has_no_known_hole", packages=packages({"nvidia-container-toolkit": "1.16.2-1"})),
    fault("no-containerd", "found containerd.io not installed", "test_package_is_installed_and_held",
          packages=packages({"containerd.io": ""})),
    fault("no-toolkit", "found nvidia-container-toolkit not installed", "test_container_toolkit_is_installed_and_held",
          packages=packages({"nvidia-container-toolkit": ""})),
    fault("other-version", "docker-ce 5:20.1.3-1; needed version 20.10", "test_package_is_installed_and_held",
          packages=packages({"docker-ce": "5:20.1.3-1"})),
    fault("old-docker", "found docker.io installed", "test_former_packages_are_gone",
          packages=packages({"docker.io": "20.10.5"})),
    # Docker's daemon
    fault("daemon-dead", "docker.service failed, `docker info`", SERVICE, *DAEMON,
          service=docker_service("failed"), info=docker_info(ServerVersion="")),
    fault("daemon-mute", "`docker info` without a word of the daemon's: exit status 1: Cannot connect", *DAEMON,
          info=(1, "", "Cannot connect to the Docker daemon")),
    fault("daemon-hangs", "`docker info` without a word of the daemon's: no answer within 60 s", *DAEMON, info=HANGS),
    fault("no-docker", "docker.service inactive, unknown", SERVICE, service=(0, "ActiveState=inactive", "")),
    fault("not-enabled", "docker.service active, disabled", SERVICE, service=docker_service(enabled="disabled")),
    fault("stale-file", "a stale daemon: /etc/docker/daemon.json changed since dockerd read it", FILES,
          **{"changed daemon.json": (0, "/etc/docker/daemon.json", "")}),
    fault("stale-unit", "a stale daemon: unit files changed since dockerd started", FILES,
          changed_units=(0, "/lib/systemd/system/docker.service", "")),
    fault("no-age", "needed the age of its files", FILES, changed_units=(1, "", "find: I cannot figure out how")),
    fault("stale-systemd", "a stale daemon: unit files changed since systemd read them", FILES,
          service=docker_service(reload="yes")),
    fault("stale-runtime", "daemon.json says another default-runtime than `docker info`", FILES,
          info=docker_info(DefaultRuntime="runc")),
    fault("stale-driver", "daemon.json says another log-driver than `docker info`", FILES,
          info=docker_info(LoggingDriver="journald")),
    fault("no-file", "needed a /etc/docker/daemon.json to read", *DAEMON_FILE,
          **{"daemon.json": (1, "", "cat: Permission denied")}),
    fault("bad-json", "daemon.json is not valid: line 1 column 2", *DAEMON_FILE,
          **{"daemon.json": (0, "{'a': 1}", "")}),
    fault("no-object", "daemon.json is not valid: not a JSON object", *DAEMON_FILE, **{"daemon.json": (0, "[]", "")}),
    fault("refused-json", "dockerd accepts", "test_configuration_file_is_valid",
          validate=(1, "", "unable to configure the Docker daemon: unknown key")),
    fault("other-root", "data root: /var/lib/docker; needed /mnt/docker", "test_data_root",
          info=docker_info(DockerRootDir="/var/lib/docker")),
    fault("kept-root", "", info=docker_info(DockerRootDir="/var/lib/docker"),
          **{"daemon.json": (0, json.dumps({key: DAEMON_JSON[key] for key in DAEMON_JSON if key != "data-root"}), "")}),
    fault("no-live-restore", "live-restore: False; needed True", "test_live_restore", FILES,
          info=docker_info(LiveRestoreEnabled=False)),
    fault("no-log-limit", "max-size of logs: None; needed 50m", "test_log_limit",
          log_options=(0, '{"Type":"json-file","Config":{"max-file":"5"}}', "")),
    fault("iptables", "iptables: True; needed False", "test_iptables",
          **{"daemon.json": settings(iptables=True)}),
    fault("no-mirror", "['http://10.0.0.1:5000'] among them", "test_registry_mirrors",
          FILES, info=registries(Mirrors=None)),
    fault("secure-registry", "['10.0.0.1:5000'] among them", "test_insecure_registries", FILES,
          info=registries(IndexConfigs={"10.0.0.1:5000": {"Secure": True}})),
    fault("no-login", "a login at docker.io in /root/.docker/config.json", "test_root_is_logged_in_to_the_registry",
          registry_login=(1, "", "")),
    fault("no-proxy", "HTTP proxy: None; needed http://10.0.0.1:3128", "test_proxy", info=docker_info(HttpProxy="")),
    fault("no-https-proxy", "HTTPS proxy: None; needed http://10.0.0.1:3128", "test_proxy",
          info=docker_info(HttpsProxy="")),
    fault("proxy-for-all", "['.example.com'] among them", "test_proxy",
          info=docker_info(NoProxy="localhost,10.200.0.0/13,10.192.0.0/13")),
    fault("proxy-for-pods", "['10.200.0.0/13'] among them", "test_proxy",
          info=docker_info(NoProxy="localhost,.example.com,10.192.0.0/13")),
    # Docker's users
    fault("no-group", "paiadmin in the groups paiadmin sudo; needed docker among them in a new login",
          "test_user_is_in_the_docker_group", groups=(0, "paiadmin sudo", "")),
    fault("no-socket", "permission denied", "test_user_reaches_the_daemon",
          docker_as_user=(1, "", "permission denied while trying to connect to the Docker daemon socket")),
    # Time
    fault("no-time-daemon", "no time daemon running", "test_daemon_starts_at_boot", *CLOCK,
          running=(3, "inactive\ninactive\ninactive", "")),
    fault("time-disabled", "ntpsec not enabled", "test_daemon_starts_at_boot", at_boot=(0, "ntpsec disabled", "")),
    fault("unsynchronised", "ntpsec running, but not synchronised", *CLOCK, ntpq=ntpq(mark="+")),
    fault("chrony", "", running=(0, "active\ninactive\ninactive", ""), at_boot=(0, "chrony enabled", ""),
          chronyc=(0, CHRONY, "")),
    fault("chrony-alone", "chrony running, but not synchronised", *CLOCK, running=(0, "active\ninactive\ninactive", ""),
          at_boot=(0, "chrony enabled", ""), chronyc=(0, CHRONY_ALONE, "")),
    fault("chrony-mute", "chrony running, but not synchronised", *CLOCK, running=(0, "active\ninactive\ninactive", ""),
          at_boot=(0, "chrony enabled", "")),
    fault("wrong-server", "a clock that follows 192.0.2.7; needed one of ntp.example.com",
          "test_clock_follows_a_configured_server", ntpq=ntpq(peer="192.0.2.7"),
          followed_by_name=(0, "192.0.2.7  127.127.1.1", "")),
    fault("clock-off", "a clock 0.700 s off", "test_clock_is_near_its_server", ntpq=ntpq(offset=-700.0)),
    # Secrets
    fault("open-key", "/home/paiadmin/.kube/config (0644)", "test_credentials_are_private",
          private_files=(0, "644 paiadmin /home/paiadmin/.kube/config", "")),
    fault("open-home", "/home/paiadmin (0775 paiadmin)", "test_nobody_else_can_add_a_key",
          ssh_files=(0, "775 paiadmin /home/paiadmin", "")),
    fault("other-owner", "/home/paiadmin/.ssh (0700 daemon)", "test_nobody_else_can_add_a_key",
          ssh_files=(0, "700 daemon /home/paiadmin/.ssh", "")),
    fault("sudoers-mode", "90-openpai-deploy (0644 root); needed it with mode 0440", "test_sudoers_file_is_root_s",
          sudoers_file=(0, "644 root /etc/sudoers.d/90-openpai-deploy", "")),
    fault("sudoers-gone", "no /etc/sudoers.d/90-openpai-deploy", "test_sudoers_file_is_root_s",
          sudoers_file=(0, "", "")),
    fault("sudoers-wrong", "syntax error near line 1", "test_sudoers_are_valid",
          sudoers_syntax=(1, "", "/etc/sudoers.d/site: syntax error near line 1")),
    *GPU_FAULTS,
)  # fmt: skip


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """One run of the verification over a cluster with a worker for every fault."""
    return verify(tmp_path_factory.mktemp("fleet"), FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.host)
def test_fault_fails_its_checks_alone(fleet: Fleet, fault: Fault) -> None:
    failures = fleet.failures.get(fault.host, {})
    left_out = fleet.left_out.get(fault.host, {})
    if fault.fails == NO_ANSWER:
        assert len(failures) == 1 and failures.keys() | left_out.keys() == fleet.ran[fault.host]
        assert set(left_out.values()) == {f"not asked: {fault.host} gives no answer"}
    else:
        assert (failures.keys(), left_out) == (fault.fails, {})
    assert all(fault.host in message for message in failures.values())
    assert not any("During handling" in message for message in failures.values())
    spoken = [fault.words in message for message in failures.values()]
    assert any(spoken) or not spoken, failures


def test_dev_box_and_master_are_checked_too(fleet: Fleet) -> None:
    assert fleet.failures.keys() == {fault.host for fault in FAULTS if fault.fails}
    docker, clock = "test_container_runs", "test_clock_is_near_its_server"
    assert {docker, clock} <= fleet.ran["dev-box"] & fleet.ran["openpai-master-01"] & fleet.ran["healthy"]
    assert "test_every_gpu_answers" in fleet.ran["healthy"] - fleet.ran["dev-box"] - fleet.ran["openpai-master-01"]


def test_what_is_wrong_is_said_by_cause(fleet: Fleet) -> None:
    lines = fleet.result.stdout.splitlines()
    errors = [line for line in lines if line.startswith("ERROR ")]
    unreached = [fault.host for fault in FAULTS if fault.fails == NO_ANSWER]
    assert [sum(line.startswith((f"ERROR {host} (", f"ERROR {host}: ")) for line in errors) for host in unreached] == [
        1
    ] * 5
    missing = re.search(r" (\d+) skipped", lines[-3])
    names = "key-changed, key-refused, key-unknown, no-route, no-sudo"
    assert missing and f"{missing[1]} tests were not run: {names} gives no answer" in lines
    said = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    assert len(said) == len(set(said)) and lines.index(said[0]) > lines.index(next(filter(wrong, lines)))
    daemon = [line for line in said if " daemon-mute: " in line]
    assert (
        len(daemon) == 1
        and "(test_daemon_runs_with_its_files, test_data_root, test_live_restore and 3 more)" in daemon[0]
    )
    assert not any("Traceback" in line or line.startswith("____") for line in lines)


def wrong(line: str) -> bool:
    return "what is wrong" in line


def test_the_last_lines_say_what_comes_next_and_where_the_report_is(fleet: Fleet) -> None:
    following, report = fleet.result.stdout.splitlines()[-2:]
    assert following.startswith("next: pytest tests/hosts --inventory "), (
        "it failed: the same again, once that is mended"
    )
    assert report == f"report: {fleet.reports / 'index.html'}"


def test_the_run_says_where_its_reports_are(fleet: Fleet) -> None:
    assert fleet.result.returncode == 1
    for report in ("verify.xml", "verify.html"):
        assert str(fleet.reports / report) in fleet.result.stdout


def test_html_report_needs_no_other_file(fleet: Fleet) -> None:
    text = (fleet.reports / "verify.html").read_text()
    assert "a GPU has fallen off the bus" in text
    assert not re.search(r"<(script|link)[^>]+(src|href)=", text)


def test_what_ails_gpus_is_noted(fleet: Fleet) -> None:
    noted = [line for line in fleet.result.stdout.splitlines() if line.startswith("Warning: ailing: ")]
    assert (
        len(noted) == 6 and len([line for line in fleet.result.stdout.splitlines() if "Warning: healthy" in line]) == 0
    )
    for words in ("3 uncorrected", "to be retired", "slowed down", "to be remapped", "4 of 16 PCIe lanes", "Xid 79"):
        assert any(words in line for line in noted), words


def test_unequal_workers_are_shown_as_a_table(fleet: Fleet) -> None:
    rows = re.findall(r"^(none|[12] x NVIDIA A100-SXM4-80GB) +(.+)$", fleet.result.stdout, re.MULTILINE)
    hosts = {gpus: names.split(", ") for gpus, names in rows}
    assert "gpu-missing" in hosts["1 x NVIDIA A100-SXM4-80GB"]
    assert "healthy" in hosts["2 x NVIDIA A100-SXM4-80GB"]
    assert "gpu-lost" in hosts["none"] and not any("no-route" in names for names in hosts.values())
    assert "Warning: the workers have unequal GPUs." in html.unescape((fleet.reports / "verify.html").read_text())
    assert 'name="unequal GPUs"' in (fleet.reports / "verify.xml").read_text()


def test_no_secret_in_what_the_run_says(fleet: Fleet) -> None:
    said = fleet.failures["leak"]["test_sudo_needs_no_password"]
    assert "sudo: *** and *** and http://me:***@proxy refused" in said
    assert "docker: login with *** failed" in fleet.failures["leak"]["test_container_runs"]
    for text in (fleet.result.stdout, *(report.read_text() for report in fleet.reports.iterdir())):
        assert not any(secret in text for secret in (PASSWORD, TOKEN, "proxyPw"))


def test_a_role_alone(tmp_path: Path) -> None:
    """The dev box is still asked to log in, but not verified itself."""
    refused: Said = (255, "", "Host key verification failed.")
    dev_box = fault("dev-box", "", **{"login to w-1": refused, "groups": (0, "paiadmin", "")})
    fleet = verify(tmp_path, [dev_box, fault("w-1", "")], "--role", "worker")
    assert fleet.ran.keys() == {"w-1", ""}
    assert fleet.failures.keys() == {"w-1"}
    assert "unequal GPUs" not in fleet.result.stdout
    (message,) = fleet.failures["w-1"].values()
    assert "login from dev-box as paiadmin: exit status 255: Host key verification failed." in message
