"""An installation that is no checkout: a wheel, its one command, and the files that come with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from cluster import __version__
from tests.unit.cluster_folder import CONFIG, GOLDEN, write
from tests.unit.documents import ROOT

INPUTS = GOLDEN / "inputs-1.0"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the backend that `pip install .` calls."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in an environment of its own; what the wheel depends on is this one's."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(site),
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    # Behind the wheel's own: an editable installation among these names the checkout by a finder, which comes last.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def run(installed: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    (site,) = installed.glob("lib/python*/site-packages")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [installed / "bin" / "python", site / "bin" / "openpai-deploy", *arguments]
    return subprocess.run(
        [str(each) for each in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_it_holds_the_files_that_the_code_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("files", "templates", "inventories/example"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"openpai_deploy/data/{path.relative_to(ROOT)}" in names
    for path in [*(ROOT / "lab").rglob("*.sh"), *(ROOT / "cluster").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]:
        assert str(path.relative_to(ROOT)) in names
    assert not [name for name in names if name.startswith("tests/") or "prod" in name]


def test_its_command_does_the_verbs_elsewhere(installed: Path, tmp_path: Path) -> None:
    version = run(installed, "--version", cwd=tmp_path)
    assert (version.returncode, version.stdout) == (0, f"openpai-deploy, version {__version__}\n"), version.stderr
    made = run(installed, "cluster", "init", "prod", "--example", cwd=tmp_path)
    assert made.returncode == 0 and (tmp_path / "prod" / "master.csv").is_file(), made.stderr
    checked = run(installed, "cluster", "check", "prod.py", cwd=tmp_path)
    assert checked.returncode == 1 and "prod/worker.csv:1: 192.0.2.101 is an address for examples" in checked.stdout
    folder = write(tmp_path / "c", {"config.yaml": CONFIG})
    resources = INPUTS / "nodes-v100.json"
    rendered = run(installed, "cluster", "render", folder, "--output", "out", "--resources", resources, cwd=tmp_path)
    assert rendered.returncode == 0 and (tmp_path / "out" / "layout.yaml").is_file(), rendered.stderr
    said = run(installed, "lab", "up", "--help", cwd=tmp_path)
    assert said.returncode == 0 and "Usage: openpai-deploy lab up" in said.stdout


def test_a_rehearsal_wants_a_checkout(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "lab", "rehearse", cwd=tmp_path)
    assert done.returncode == 1 and re.fullmatch(r"lab: .* in a checkout, by `make rehearse`\n", done.stderr), (
        done.stderr
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_its_words_are_completed(installed: Path, tmp_path: Path, shell: str) -> None:
    script = run(installed, "completion", shell, cwd=tmp_path)
    assert script.returncode == 0 and f"_OPENPAI_DEPLOY_COMPLETE={shell}_complete" in script.stdout


def test_what_it_depends_on_is_what_a_checkout_installs() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    listed = re.findall(r'"([^"]+)"', re.findall(r"^dependencies = \[(.*?)^\]", pyproject, re.M | re.S)[0])
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert listed == [line for line in lines if line and not line.startswith(("#", "-"))]
