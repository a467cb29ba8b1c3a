"""What has systemd read its units anew, where containers would lose their GPUs by that; and the toolkit's links."""

import pytest
from pyinfra import host, logger

from tasks import apt, systemd
from tasks.gpu import deploy
from tasks.kubernetes.operations import kernel
from tests.plan.conftest import planned
from tests.sections import sections

WORKER = "@fake/openpai-001"
GROUP = "/system.slice/docker-0a1b2c3d4e5f6789.scope"
LOSING = sections(
    scopes=f"Id=docker-0a1b2c3d4e5f6789.scope\nControlGroup={GROUP}\nDevicePolicy=strict\nDeviceAllow=/dev/null rwm",
    devices=f"{GROUP} 195:0",
)
SWAP = sections(modules="", sysctls="", swaps="", target="static", services="zramswap.service enabled")


def on_the_worker(*operations):
    def deploy() -> None:
        if host.name == WORKER:
            for operation, arguments in operations:
                operation(name=operation.__name__, **arguments)

    return deploy


CAUSES = [
    (systemd.fresh, {"unit": "kubelet.service", "files": []}),
    (apt.packages, {"names": ["conntrack"], "hold": False}),
    (kernel.no_swap, {}),
]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause[0].__name__)
@pytest.mark.parametrize("allowed", [False, True])
def test_containers_that_would_lose_their_gpus_stop_the_host(folder, caplog, cause, allowed):
    logger.propagate = True
    if allowed:
        with (folder / "config.yaml").open("a") as config:
            config.write("allow_disruption: true\n")
    offers = sections(first="", offers=" conntrack | 1:1.4.7-1 | http://mirror/debian bookworm/main amd64 Packages")
    answers = {"openpai-001": {"docker-*.scope": LOSING, "/proc/swaps": SWAP, "apt-cache": offers}}
    with planned(folder, on_the_worker(cause), answers) as plan:
        plan.run()
        words = ("systemctl enable", "systemctl disable", " install ")
        assert any(word in text for word in words for text in plan.commands(WORKER) if "section" not in text) is allowed
        assert {each.name for each in plan.state.failed_hosts} == (set() if allowed else {WORKER})
    said = "systemd must read its units anew, by which 1 containers (0a1b2c3d4e5f) lose their GPUs; stop them, or allow"
    assert (said in caplog.text) is not allowed


@pytest.mark.parametrize(
    ("version", "rule", "unlinked", "done"),
    [
        ("1.17.8", "", "195:0", ["71-openpai-nvidia-dev-char.rules", "create-dev-char-symlinks"]),
        ("1.18.0", "", "195:0", []),
        ("1.18.0", "ACTION", "", ["rm -f /etc/udev/rules.d/71-openpai"]),
        ("1.11.0", "", "195:0", []),
    ],
)
def test_a_toolkit_before_1_18_gets_links_to_gpus(folder, version, rule, unlinked, done):
    said = f"NVIDIA Container Toolkit CLI version {version}\ncommit: f202b80"
    answer = sections(version=said, rule=rule, unlinked=unlinked)
    with planned(folder, deploy.install_runtime, {"openpai-001": {"nvidia-ctk --version": answer}}) as plan:
        title = "GPU container runtime | Links to GPUs, where the toolkit needs them"
        assert (title in plan.operations(WORKER)) is bool(done)
        texts = [text for text in plan.texts() if "nvidia-dev-char.rules" in text or "create-dev-char" in text]
    assert all(any(word in text for text in texts) for word in done)


@pytest.mark.parametrize(("installed", "replaced"), [("1.16.1-1", True), ("1.17.8-1", False), ("1.20.0-1", False)])
def test_a_toolkit_with_known_holes_is_replaced_unasked(folder, installed, replaced):
    names = " ".join(deploy.TOOLKIT).split()
    packages = sections(packages="\n".join(f"{name} hold installed {installed}" for name in names))
    answers = {"openpai-001": {"dpkg-query -W": packages}}
    with planned(folder, deploy.install_runtime, answers) as plan:
        title = "GPU container runtime | NVIDIA's container toolkit, at its version and held"
        assert (title in plan.operations(WORKER)) is replaced
