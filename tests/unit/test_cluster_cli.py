"""python -m cluster: init, check and render, in this process and as real ones."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cluster import __version__
from cluster.__main__ import main
from tests.unit.cluster_folder import CONFIG, GOLDEN, MASTER, WORKER, C, M, W, assert_lines, write

INPUTS = GOLDEN / "inputs-1.0"
ROOT = Path(__file__).parent.parent.parent


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def init(folder: Path, config: Path = INPUTS / "config") -> Result:
    return run("init", folder, "--master", INPUTS / "master.csv", "--worker", INPUTS / "worker.csv", "--config", config)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_version_is_the_changelogs_newest() -> None:
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"openpai-deploy, version {__version__}\n")
    assert f"\n## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_init_takes_the_guides_files_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "prod"
    result = init(folder)
    assert (result.exit_code, result.output) == (0, f"{folder}: made; next: python -m cluster check {folder}\n")
    assert (folder / "config.yaml").read_bytes() == (INPUTS / "config").read_bytes()
    assert (folder / "worker.csv").read_bytes() == (INPUTS / "worker.csv").read_bytes()
    assert [mode(folder), mode(folder / "config.yaml"), mode(folder / "master.csv")] == [0o700, 0o600, 0o600]
    assert sorted(path.name for path in folder.iterdir()) == sorted([C, M, W])
    assert sorted(path.name for path in folder.parent.iterdir()) == ["prod", "prod.py"]
    assert (folder.parent / "prod.py").read_text().endswith("dev_box, master, worker = groups(__file__)\n")


def test_init_keeps_an_inventory_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "prod.py").write_text("mine\n")
    assert init(tmp_path / "prod").exit_code == 0
    assert (tmp_path / "prod.py").read_text() == "mine\n"


def test_init_with_files_to_be_edited(tmp_path: Path) -> None:
    result = run("init", tmp_path / "prod", "--example")
    assert result.exit_code == 0 and "next: edit master.csv, worker.csv, config.yaml in it, then " in result.output
    assert mode(tmp_path / "prod" / "config.yaml") == 0o600
    checked = run("check", tmp_path / "prod")
    assert checked.exit_code == 1 and "can be used" not in checked.output


def test_the_list_of_verbs_is_not_cut_off() -> None:
    verbs = run("--help").output.partition("Commands:")[2].splitlines()[1:]
    assert len(verbs) == 4 and all(line.endswith(".") and "..." not in line for line in verbs), verbs


def test_what_comes_next_where_there_is_nothing_to_log_in_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "prod", {C: "user: paiadmin\n"})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    result = run("check", folder)
    assert result.exit_code == 0, "the password may come from the environment of the run alone"
    assert "can be used; next: give it something to log in with, then pyinfra " in result.output
    monkeypatch.setenv("OPENPAI_PASSWORD", "x")
    assert "can be used; next: pyinfra " in run("check", folder).output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "missing --master, --worker, --config; with --example"),
        (("--master", INPUTS / "master.csv"), "missing --worker, --config"),
        (("--example", "--config", INPUTS / "config"), "--example takes the place of --config"),
    ],
)
def test_init_says_which_files_it_wants(given: tuple[object, ...], said: str, tmp_path: Path) -> None:
    result = run("init", tmp_path / "prod", *given)
    assert result.exit_code == 2 and said in result.stderr
    assert not list(tmp_path.iterdir())


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine")
    result = init(tmp_path)
    assert result.exit_code == 1
    assert_lines(result.stderr.splitlines(), [f"{tmp_path}: exists already and is not empty; name a new folder"])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_init_fills_an_empty_folder(tmp_path: Path) -> None:
    assert init(tmp_path).exit_code == 0
    assert (tmp_path / "config.yaml").exists()


def test_init_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = init(tmp_path / "file" / "prod")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert ": cannot be used: " in result.stderr


def test_check_of_a_good_folder(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, {}))
    said = f"{tmp_path}: 1 master, 4 workers, OpenPAI v1.0.1: can be used; next: pyinfra "
    assert result.exit_code == 0 and result.output.startswith(said)
    assert result.output.endswith(f"{tmp_path.name}.py tasks.preflight.check\n")


def test_check_takes_the_inventory_file_for_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "prod", {})
    of_file = run("check", tmp_path / "prod.py")
    assert of_file.exit_code == 0 and of_file.output == run("check", folder).output


def test_check_of_a_bad_folder(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, {W: "A,10.0.0.1\n\n"}))
    assert result.exit_code == 1
    lines = [f"{tmp_path / W}:1: capital letters", f"{tmp_path / W}:2: blank line"]
    assert_lines(result.stdout.splitlines(), lines)


def test_check_with_a_warning_succeeds(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, {C: CONFIG + "ssh_port:\n"}))
    assert result.exit_code == 0
    assert_lines(
        result.stdout.splitlines(), [f"{tmp_path / C}:4: warning: ssh_port: no value", f"{tmp_path}: 1 master"]
    )


def test_check_for_machines(tmp_path: Path) -> None:
    good = run("check", write(tmp_path / "good", {}), "--json")
    assert (good.exit_code, json.loads(good.stdout)) == (0, {"ok": True, "problems": []})
    bad = run("check", write(tmp_path / "bad", {W: "A,10.0.0.1\n"}), "--json")
    said = json.loads(bad.stdout)
    assert (bad.exit_code, said["ok"], len(said["problems"])) == (1, False, 1)
    problem = said["problems"][0]
    assert (problem["file"], problem["line"], problem["severity"]) == (W, 1, "error")
    assert problem["message"] == "capital letters in the host name 'A'"
    assert problem["remedy"] == "rename the host to a"


def test_render(tmp_path: Path) -> None:
    folder, out = write(tmp_path / "c", {}), tmp_path / "out"
    result = run("render", folder, "--output", out)
    assert (result.exit_code, result.stdout.splitlines()) == (0, [f"{out}/hosts.yml", f"{out}/openpai.yml"])
    result = run("render", folder, "--output", out, "--resources", INPUTS / "nodes-v100.json")
    assert result.exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "hosts.yml",
        "layout.yaml",
        "openpai.yml",
        "services-configuration.yaml",
    ]
    assert {mode(path) for path in out.iterdir()} == {0o600}
    assert mode(folder / "secrets.yaml") == 0o600


def test_render_again_changes_nothing(tmp_path: Path) -> None:
    folder, out = write(tmp_path / "c", {}), tmp_path / "out"
    texts = []
    for _ in range(2):
        assert run("render", folder, "--output", out, "--resources", INPUTS / "nodes-v100.json").exit_code == 0
        texts.append({path.name: path.read_text() for path in out.iterdir()})
    assert texts[0] == texts[1]


def test_render_by_a_layout_from_elsewhere(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {M: "m,10.1.0.1\n", W: "w,10.0.0.1\n", C: "user: a\ndocker_image_tag: v1.8.0\n"}
    folder, layout, nodes = write(tmp_path / "c", files), tmp_path / "mine.yaml", tmp_path / "nodes.json"
    sku = {"mem": "1Gi", "cpu": {"vcore": 4}}
    machines = [
        {"hostname": "m", "hostip": "10.1.0.1", "machine-type": "s", "pai-master": "true"},
        {"hostname": "w", "hostip": "10.0.0.1", "machine-type": "s", "pai-worker": "true"},
    ]
    layout.write_text("# mine\n" + yaml.safe_dump({"machine-sku": {"s": sku}, "machine-list": machines}))
    nodes.write_text(json.dumps({"nodes": {name: {"cpu": "4", "memory": "8Gi"} for name in "mw"}}))
    arguments = ("render", folder, "--output", tmp_path / "out", "--resources", nodes, "--layout", layout)
    assert run(*arguments).exit_code == 0
    assert (tmp_path / "out" / "layout.yaml").read_text() == layout.read_text()
    layout.write_text(layout.read_text().replace("machine-type: s", "machine-type: t"))
    result = run(*arguments)
    assert result.exit_code == 1
    said = [f"{layout}:3: m: machine-type 't'", f"{layout}:7: w: machine-type 't'"]
    assert_lines(result.stderr.splitlines(), said)


def test_render_of_a_bad_folder_writes_nothing(tmp_path: Path) -> None:
    result = run("render", write(tmp_path / "c", {W: ""}), "--output", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (
        1,
        f"{tmp_path / 'c' / W}: no host in it; add one `hostname,address` a line [csv-empty]\n",
    )
    assert not (tmp_path / "out").exists()


def test_render_with_resources_that_are_not_json(tmp_path: Path) -> None:
    (tmp_path / "n.json").write_text("{\n")
    result = run("render", write(tmp_path / "c", {}), "--output", tmp_path / "out", "--resources", tmp_path / "n.json")
    assert result.exit_code == 1
    assert_lines(result.stderr.splitlines(), ["n.json:2: column 1: not JSON"])
    assert not (tmp_path / "out").exists()


def test_render_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("render", write(tmp_path / "c", {}), "--output", tmp_path / "file")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


def test_as_real_processes(tmp_path: Path) -> None:
    folder = tmp_path / "prod"
    files = ("--master", INPUTS / "master.csv", "--worker", INPUTS / "worker.csv", "--config", INPUTS / "config.seed")
    made = process("init", folder, *files)
    assert (made.returncode, made.stderr) == (0, "")
    bad = process("check", folder)
    assert (bad.returncode, bad.stderr, bad.stdout.count("\n")) == (1, "", 2)
    assert "<your" not in bad.stdout
    (folder / "config.yaml").write_text((INPUTS / "config").read_text())
    os.chmod(folder / "config.yaml", 0o600)
    good = process("check", folder)
    assert (good.returncode, good.stderr) == (0, "")
    rendered = process("render", folder, "--output", tmp_path / "out", "--resources", INPUTS / "nodes-v100.json")
    assert (rendered.returncode, rendered.stdout.count("\n")) == (0, 4)
    said = [
        f"{folder / C}:72: warning: kubeadm_download_url names https://shaiictestblob01.blob",
        f"{folder / C}:73: warning: hyperkube_download_url does nothing with installer",
    ]
    assert_lines(rendered.stderr.splitlines(), said)


def test_wrong_usage_is_no_traceback() -> None:
    result = process("check")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr and "Missing argument 'DIR'" in result.stderr


@pytest.mark.parametrize("command", ["check", "render"])
def test_the_password_is_never_said(command: str, tmp_path: Path) -> None:
    config = "user: a\npassword: 'hunter2: x'\nssh_port: x\nopenpai_admin_password: hunter2hunter2\n"
    arguments = [] if command == "check" else ["--output", tmp_path / "out"]
    for text in (config, config + "a: [\n", config.replace("'", ""), config.replace("'hunter2: x'", "!hunter2 x")):
        result = run(command, write(tmp_path / "c", {C: text}), *arguments)
        assert result.exit_code == 1
        assert "hunter2" not in result.output


def test_the_good_files_are_the_guides() -> None:
    assert ((INPUTS / "master.csv").read_text(), (INPUTS / "worker.csv").read_text()) == (MASTER, WORKER)
