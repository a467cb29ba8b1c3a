"""The lab's Kubernetes: what its build makes, keeps and refuses, and what a lab host's kernel is shielded from."""

from __future__ import annotations

import fcntl
import hashlib
import http.server
import json
import re
import socket
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab import kubernetes, oci
from lab.kubernetes import builder, cli, host, images
from lab.kubernetes.compile import COMMANDS, VERSION
from lab.shell import LabError, run
from lab.wait import wait_until

INDEX = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def built() -> Path:
    """The real result; built now where no build has run on this machine."""
    return kubernetes.build(print)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache in place of the machine's."""
    for name in ("CACHE", "WORK", "LOCK", "PROGRESS"):
        monkeypatch.setattr(builder, name, tmp_path / name.lower())
    builder.WORK.mkdir()
    return tmp_path


@pytest.fixture
def registry(tmp_path):
    """A registry of its own, as host:port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    storage = f"storage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}"
    (tmp_path / "registry.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\n{storage}\nhttp: {{addr: '{address}'}}\n"
    )
    with subprocess.Popen(["docker-registry", "serve", tmp_path / "registry.yml"]) as process:
        wait_until(lambda: _answers(address), 20, "the registry does not start")
        yield address
        process.kill()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=1):
            return True
    except OSError:
        return False


def _digest(registry: str, name: str) -> str:
    repository, tag = name.rsplit(":", 1)
    request = urllib.request.Request(f"http://{registry}/v2/{repository}/manifests/{tag}", headers={"Accept": INDEX})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.headers["Docker-Content-Digest"])


def _layout(place: Path) -> oci.Layout:
    """A layout of two images that share a layer."""
    for name in ("base", "top"):
        layer = place.parent / name
        layer.mkdir(parents=True, exist_ok=True)
        (layer / f"{name}.txt").write_text(name)
    layout = oci.Layout(place, "amd64")
    layout.add(oci.Image("pai/one:1", [place.parent / "base"], ["/run"], {"KEY": "value"}))
    layout.add(oci.Image("pai/two:2", [place.parent / "base", place.parent / "top"]))
    return layout


def test_the_release_mirror_has_every_program_with_its_sum(built):
    folder = next((built / "release" / VERSION).glob("bin/linux/*"))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*COMMANDS, *(f"{name}.sha256" for name in COMMANDS)]
    )
    for name in COMMANDS:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert (folder / f"{name}.sha256").read_text() == digest


@pytest.mark.parametrize(
    "name", ["kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
)
def test_the_programs_run_and_know_their_version(built, name):
    program = next((built / "release" / VERSION).glob(f"bin/linux/*/{name}"))
    assert run(program, "--version").stdout.strip() == f"Kubernetes {VERSION}"


def test_every_image_that_kubeadm_asks_for_is_there(built):
    kubeadm = next((built / "release" / VERSION).glob("bin/linux/*/kubeadm"))
    listed = run(
        kubeadm, "config", "images", "list", "--kubernetes-version", VERSION, "--image-repository", "mirror/repo"
    )
    wanted = {line.replace("mirror/repo", images.REPOSITORY) for line in listed.stdout.split()}
    assert wanted | {images.DEVICE_PLUGIN, images.HOST_DEVICE_PLUGIN} == set(oci.names(built / "images"))


@pytest.mark.parametrize(
    ("image", "command", "answer"),
    [
        (f"kube-proxy:{VERSION}", ["/usr/sbin/iptables", "--version"], "nf_tables"),
        (f"kube-proxy:{VERSION}", ["/usr/sbin/ip6tables-restore", "--version"], "nf_tables"),
        (f"kube-proxy:{VERSION}", ["/usr/sbin/conntrack", "--version"], "conntrack v"),
        ("etcd:3.4.13-0", ["/usr/bin/etcd", "--version"], "etcd Version: 3.4"),
        ("etcd:3.4.13-0", ["/bin/sh", "-c", "etcdctl version"], "etcdctl version: 3.4"),
    ],
)
def test_the_images_run_what_they_are_for(built, tmp_path, image, command, answer):
    layout = built / "images"
    manifest = _blob(layout, oci.names(layout)[f"{images.REPOSITORY}/{image}"])
    for layer in manifest["layers"]:
        archive = layout / "blobs/sha256" / layer["digest"].removeprefix("sha256:")
        subprocess.run(["tar", "-x", "-C", tmp_path, "-f", archive], check=True)
    assert answer in run("chroot", tmp_path, *command).stdout


def _blob(layout: Path, digest: str) -> dict:
    return json.loads((layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_text())


def test_the_same_files_give_the_same_image(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        _layout(tmp_path / name / "layout")
    first, second = (oci.names(tmp_path / name / "layout") for name in ("a", "b"))
    assert first == second
    config = _blob(tmp_path / "a/layout", _blob(tmp_path / "a/layout", first["pai/one:1"])["config"]["digest"])
    assert config["config"]["Entrypoint"] == ["/run"]
    assert "KEY=value" in config["config"]["Env"]


def test_publish_fills_registry_and_mirror_once(tmp_path, monkeypatch, registry):
    result = tmp_path / "result"
    _layout(result / "images")
    (result / "release/v1").mkdir(parents=True)
    (result / "release/v1/kubelet").write_text("program")
    monkeypatch.setattr(kubernetes, "result", lambda: result)
    kubernetes.publish(tmp_path / "www", registry)
    wanted = oci.names(result / "images")
    assert {name: _digest(registry, name) for name in wanted} == wanted

    (result / "images/index.json").rename(tmp_path / "index.json")
    blobs = list((result / "images/blobs/sha256").iterdir())
    (tmp_path / "index.json").rename(result / "images/index.json")
    for blob in blobs:  # a second push would need them
        blob.unlink()
    kubernetes.publish(tmp_path / "www", registry)
    (result / "release/v1/kubelet").unlink()  # as when a newer recipe's build clears this one away
    assert (tmp_path / "www/kubernetes/release/v1/kubelet").read_text() == "program"


def test_publish_says_which_registry_refused(tmp_path, monkeypatch):
    _layout(tmp_path / "result/images")
    (tmp_path / "result/release").mkdir(parents=True)
    monkeypatch.setattr(kubernetes, "result", lambda: tmp_path / "result")
    with pytest.raises(LabError, match=r"skopeo.*127\.0\.0\.1:9"):
        kubernetes.publish(tmp_path / "www", "127.0.0.1:9")


def test_a_step_is_done_once_for_its_inputs(cache):
    def needed(inputs: list[str]) -> bool:
        with builder._once("step", inputs) as answer:
            return answer

    with pytest.raises(KeyboardInterrupt), builder._once("step", ["a"]) as first:
        assert first
        raise KeyboardInterrupt
    assert needed(["a"]), "a step that was cut short is not done"
    assert not needed(["a"])
    assert needed(["b"])


def test_a_second_builder_waits_for_the_first(cache, monkeypatch):
    place = cache / "result"
    monkeypatch.setattr(builder, "result", lambda: place)
    builder.CACHE.mkdir()
    builder.PROGRESS.write_text("compiling kubelet")
    lines: list[str] = []
    with builder.LOCK.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert builder.running() == "compiling kubelet"
        waiting = threading.Thread(target=builder.build, args=(lines.append,), daemon=True)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        place.mkdir()
    waiting.join(10)
    assert not waiting.is_alive()
    assert lines == ["another process builds it: waiting for that"]
    assert builder.running() is None


def test_what_the_machine_lacks_is_named_with_the_remedy(cache, monkeypatch):
    monkeypatch.setattr(builder, "TOOLS", ["no-such-tool", "sh"])
    with pytest.raises(LabError, match=r"needs no-such-tool; run: apt-get install .*skopeo"):
        builder.build(print)
    monkeypatch.setattr(builder, "TOOLS", ["sh"])
    monkeypatch.setattr(builder, "ROOM_GIB", 10**6)
    with pytest.raises(LabError, match=r"GiB free; .* takes 1000000 GiB"):
        builder.build(print)


def test_a_download_with_a_wrong_sum_is_refused(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/kubelet").write_text("program")
    (tmp_path / "site/kubelet.sha256").write_text("0" * 64)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path / "site"))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/kubelet"
        with pytest.raises(LabError, match=f"{url} has sha256 [0-9a-f]{{64}}, its .sha256 says 0{{64}}"):
            builder._fetch(url, tmp_path / "kubelet")
        assert not (tmp_path / "kubelet").exists()
        (tmp_path / "site/kubelet.sha256").write_text(hashlib.sha256(b"program").hexdigest() + "\n")
        builder._fetch(url, tmp_path / "kubelet")
        assert builder._reachable(url)
        assert not builder._reachable(f"{url}-of-another-version")
    assert (tmp_path / "kubelet").stat().st_mode & 0o777 == 0o755


def test_status_says_what_to_do(cache, monkeypatch):
    monkeypatch.setattr(kubernetes, "running", lambda: None)
    monkeypatch.setattr(kubernetes, "ready", lambda: False)
    missing = CliRunner().invoke(cli.group, ["status"])
    assert (missing.exit_code, "python -m lab kubernetes build" in missing.output) == (1, True)
    monkeypatch.setattr(kubernetes, "running", lambda: "compiling kubelet")
    building = CliRunner().invoke(cli.group, ["status"])
    assert (building.exit_code, "being built: compiling kubelet" in building.output) == (1, True)
    monkeypatch.setattr(kubernetes, "ready", lambda: True)
    assert CliRunner().invoke(cli.group, ["status"]).exit_code == 0


def test_the_recipe_names_the_result():
    assert re.fullmatch(rf"kubernetes-{re.escape(VERSION)}-[0-9a-f]{{12}}", kubernetes.result().name)


def test_the_lab_config_is_a_valid_one():
    from cluster.config import Config

    settings = kubernetes.config("10.77.0.1")
    config = Config.model_validate({"user": "u", "password": "p", **settings})
    assert {key: getattr(config, key) for key in settings} == settings


def test_a_kubelet_does_not_change_the_machine():
    """A process in a mount namespace of its own stands for a host's init."""
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run && echo && exec sleep 60"],
                          stdout=subprocess.PIPE) as init:  # fmt: skip
        assert init.stdout
        init.stdout.readline()
        before = Path("/proc/sys/kernel/panic").read_text()
        host.on_boot(init.pid)
        inside = ["nsenter", f"--target={init.pid}", "--mount", "sh", "-c"]
        assert run(*inside, "cat /proc/sys/kernel/panic").stdout == before
        assert run(*inside, "echo 77 >/proc/sys/kernel/panic; cat /proc/sys/kernel/panic; cat /proc/swaps").stdout == (
            f"77\n{host.NO_SWAP}"
        )
        assert Path("/proc/sys/kernel/panic").read_text() == before
        init.kill()
