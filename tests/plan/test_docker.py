"""The Docker stage on hosts that have a Docker: what is kept, what is refused, what comes before a change."""

import io
import json

from pyinfra import logger
from pyinfra.api import FileUploadCommand, Host
from pyinfra.context import ctx_host

from tasks import apt, docker
from tasks.apt import AptOffers, AptPackages, Package
from tasks.docker.packages import PACKAGES
from tests.plan.conftest import planned
from tests.sections import sections

WORKER, DEV_BOX = "@fake/openpai-001", "@fake/dev-box"
UNIT = (
    "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nInvocationID=abc\n"
    "ExecMainStartTimestampMonotonic=450000000"
)
PACKAGE_STEPS = {
    "Docker | None of Docker's predecessors", "Docker | Docker's signing key", "Docker | Docker's package source",
    "Docker | Docker packages, at their version and held", "Docker | Tools to check the vendor's key",
}  # fmt: skip


def has(packages, version="20.10.24", live=False, containers="c0ffee web", file="{}"):
    """The answers of a host with a Docker at work."""
    info = {"ServerVersion": version, "LiveRestoreEnabled": live, "DockerRootDir": "/var/lib/docker"}
    installed = "".join(f"{name} install installed {found}\n" for name, found in packages.items())
    removed = "".join(f"Remv {name} [{found}]\n" for name, found in packages.items())
    return {
        "systemctl show docker.service": sections(
            version=f"Docker version {version}, build 1", unit=UNIT, clock="1000.5\n500.5", file=file,
            ctimes="/etc/docker/daemon.json 900.25", units="", applied="", info=json.dumps(info), containers=containers,
            stored="/var/lib/docker/containers/c0ffee",
        ),
        "-s remove": sections(removed=removed),
        "dpkg-query -W": sections(packages=installed),
        "random/boot_id": sections(boot_id="1", at_work="container containerd-shim\n" * len(containers.splitlines())),
    }  # fmt: skip


def test_a_dev_box_keeps_its_docker(folder):
    theirs = has({"docker.io": "29.1.0-1"}, "29.1.0")
    with planned(folder, docker.install, {"dev-box": theirs}) as plan:
        assert not PACKAGE_STEPS & set(plan.all_operations(DEV_BOX))
        assert "Docker | Options in daemon.json" in plan.operations(DEV_BOX)
        assert set(plan.all_operations(WORKER)) >= PACKAGE_STEPS


def test_a_dev_box_is_changed_when_told(folder, caplog):
    with (folder / "config.yaml").open("a") as config:
        config.write('docker_version: "28"\n')
    logger.propagate = True
    with planned(folder, docker.install, {"dev-box": has({"docker-ce": "5:29.1.0-1~x"}, "29.1.0")}) as plan:
        assert set(plan.all_operations(DEV_BOX)) >= PACKAGE_STEPS
        assert "Docker 29.1.0 must become 28, but 1 containers run (web) and live-restore keeps" in caplog.text


def test_predecessors_are_not_removed_from_under_containers(folder, caplog):
    logger.propagate = True
    with planned(folder, docker.install, {"openpai-001": has({"docker.io": "20.10.24-1", "runc": "1.1"})}) as plan:
        assert "docker.io, runc must give way to docker-ce, but 1 containers run (web)" in caplog.text
        assert not [command for command in plan.texts() if " remove docker.io" in command]


def test_predecessors_that_run_nothing_give_way(folder):
    idle = has({"docker.io": "20.10.24-1", "docker-compose-v2": "2.24-1"}, containers="")
    with planned(folder, docker.install, {"openpai-001": idle}) as plan:
        assert [text for text in plan.texts() if " remove docker.io docker-compose-v2' ||" in text]
        # Its containers, stopped ones too, are in the folder where they were: the default is another.
        assert not [text for text in plan.commands(WORKER) if "/mnt/docker" in text]


def test_what_stands_beside_docker_ce_stays(folder):
    beside = has({"docker-ce": "5:20.10.24~3-0~x", "docker-ce-cli": "5:20.10.24~3-0~x", "docker-compose": "1.29.2-3"})
    with planned(folder, docker.install, {"openpai-001": beside}) as plan:
        assert "Docker | None of Docker's predecessors" not in plan.operations(WORKER)


def test_no_major_version_down_unasked(folder, caplog):
    logger.propagate = True
    with planned(
        folder, docker.install, {"openpai-001": has({"docker-ce": "5:29.1.0-1~x"}, "29.1.0", containers="")}
    ) as plan:
        assert "Docker 29.1.0 is installed, which the kubelet that OpenPAI needs may not drive" in caplog.text
        assert "Docker | Docker packages, at their version and held" in plan.operations(WORKER)


def test_live_restore_comes_before_the_packages(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write('docker_version: "20.10.25"\n')
    packages = {"docker-ce": "5:20.10.24~3-0~x", "docker-ce-cli": "5:20.10.24~3-0~x", "containerd.io": "1.6.20-1"}
    old = has(packages, file='{"live-restore": true}')
    offers = sections(offers=" docker-ce | 5:20.10.25~3-0~x | http://m bookworm/stable amd64 Packages")
    with planned(folder, docker.install, {"openpai-001": {**old, "madison": offers}}) as plan:
        texts = [text for text in plan.texts() if "systemctl reload docker" in text or "docker-ce=" in text]
        assert ["reload" in text for text in texts[:2]] == [True, False], texts


def test_a_package_that_would_go_as_well_stops_the_host(folder, caplog):
    logger.propagate = True
    needed = has({"docker.io": "20.10.24-1"}, containers="")
    needed["-s remove"] = sections(removed="Remv libnss-docker [0.02-1.1]\nRemv docker.io [20.10.24-1]")
    with planned(folder, docker.install, {"openpai-001": needed}):
        assert "apt would remove libnss-docker with docker.io, on which they depend; remove them by hand" in caplog.text


def test_dockers_proxy_leaves_the_cluster_alone(folder):
    with planned(folder, docker.install) as plan:
        worker = plan.state.inventory.get_host(WORKER)
        with ctx_host.use(worker):
            commands = [one for each in plan.state.ops[worker].values() for one in each.command_generator()]
        uploads = [one for one in commands if isinstance(one, FileUploadCommand) and "http-proxy" in one.dest]
        text = uploads[0].src.read() if isinstance(uploads[0].src, io.StringIO) else ""
        assert "NO_PROXY=localhost,127.0.0.1,10.0.0.0/24,10.1.0.0/24,10.200.0.0/13,10.192.0.0/13" in text


def test_a_docker_by_hand_is_kept_aside(folder):
    by_hand = has({}, "20.10.5", containers="")
    by_hand["dpkg-query -S"] = sections(unowned="/usr/bin/dockerd\n/usr/libexec/docker/cli-plugins/docker-compose")
    with planned(folder, docker.install, {"openpai-001": by_hand}) as plan:
        moved = [text for text in plan.texts() if "mv --backup=numbered -- /usr/" in text]
        plugins = "/usr/libexec/docker/cli-plugins"
        assert [text.split(" -- ")[-1] for text in moved] == [
            "/usr/bin/dockerd /usr/bin/dockerd.openpai.disabled",
            f"{plugins}/docker-compose {plugins}.openpai.disabled/docker-compose",
        ]


def test_the_client_changes_with_the_engine_though_the_source_is_new(folder, monkeypatch):
    version, offered = "5:28.5.2-1~x", dict.fromkeys(("docker-ce", "docker-ce-cli"), ("5:28.5.2-1~x",))
    installed = {"docker-ce": "5:29.1.0-1~x", "docker-ce-cli": "5:29.1.0-1~x", "containerd.io": "1.7.1-1"}
    given: list[str] = []

    def known(_, fact, **arguments):
        if fact is AptPackages:
            return {name: Package(found) for name, found in installed.items()}
        return (offered if any("refresh" in text for text in given) else {}) if fact is AptOffers else fact.default()

    with planned(folder, lambda: None) as plan, monkeypatch.context() as patch:
        patch.setattr(Host, "get_fact", known)
        with ctx_host.use(plan.state.inventory.get_host(WORKER)):
            for command in apt.packages._inner(PACKAGES, "28"):
                given.append(command.get_raw_value())
    installs = [text for text in given if " install " in text]
    assert len(installs) == 1 and f"docker-ce-cli={version}" in installs[0] and "containerd.io" not in installs[0]
