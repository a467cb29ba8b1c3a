"""The programs that run paictl, with a docker and a python that note what they are given."""

import os
import subprocess
import sys

import pytest

from tasks.reach import FILES

PASSWORD = "registry-password"
CLUSTER_PY = f"""\
class Cluster:
    def run(self):
        if username:
            self.login_docker_registry(domain, username, "{PASSWORD}")
        return 1
"""


@pytest.fixture
def source(tmp_path):
    """A source like upstream's, as far as the programs touch it, and what else they are given."""
    for path, text in (
        ("src/cluster/config/cluster.py", CLUSTER_PY),
        ("src/hivedscheduler/deploy/hivedscheduler.yaml.template", "image: hivedscheduler/hivedscheduler:v0.3.4\n"),
        ("src/pylon/deploy/pylon.yaml", "image: hivedscheduler/hivedscheduler:v0.3.4\n"),
        ("paictl.py", ""),
        ("docs/manual.md", "not needed\n"),
        (".git/config", "not needed\n"),
    ):
        file = tmp_path / "pai" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "kubeconfig").write_text("clusters: []\n")
    (tmp_path / "configuration").mkdir()
    return tmp_path


def test_paictl_runs_from_a_private_copy_that_is_mended(source):
    environment, own = source / "venv", source / "own"
    (environment / "bin").mkdir(parents=True)
    own.mkdir()
    # Stands for Python 2.7 with paictl: says what it finds where it is started.
    python = environment / "bin/python"
    python.write_text('#!/bin/sh\necho "args: $*"\ncat\ncat "$KUBECONFIG" src/*/config/*.py src/*/deploy/*\nls -a\n')
    python.chmod(0o755)
    mends = r"s|hivedscheduler/hivedscheduler:v0\.3\.4|mirror/hived:v0.3.4|g"
    program, kubeconfig = str(FILES / "openpai/paictl-by-python2"), source / "kubeconfig"
    arguments = (
        "name",
        environment,
        source / "pai",
        source / "configuration",
        kubeconfig,
        "Y\npai",
        mends,
        "service",
        "start",
    )
    done = subprocess.run(
        ["env", f"OWN={own}", f"TMPDIR={own}", "sh", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "args: paictl.py service start" in done.stdout and "Y\npai" in done.stdout
    assert "image: mirror/hived:v0.3.4" in done.stdout and "v0.3.4\nimage: hived" not in done.stdout
    assert PASSWORD not in done.stdout and "pass\n" in done.stdout
    assert "docs" not in done.stdout.splitlines() and ".git" not in done.stdout.splitlines()
    assert "hivedscheduler/hivedscheduler:v0.3.4" in (source / "pai/src/pylon/deploy/pylon.yaml").read_text()
    assert (own / ".kube/config").stat().st_mode & 0o077 == 0


def test_python3_of_the_environment_is_the_one_with_packages(tmp_path):
    # Real environments of python3, but what comes from a package index: a pip that does nothing, and virtualenv.
    tools, folder = tmp_path / "tools", tmp_path / "venv"
    tools.mkdir()
    no_pip = "#!/bin/sh\n"
    virtualenv = f"""#!/bin/sh
for folder; do :; done
{sys.executable} -m venv --without-pip "$folder"
printf '{no_pip.strip()}\\n' >"$folder/bin/pip"; chmod +x "$folder/bin/pip"
"""
    for name, text in (
        ("pip", no_pip),
        ("virtualenv", virtualenv),
        (
            "python3",
            f'#!/bin/sh\n{sys.executable} -m venv --without-pip "$3"\ncp {tools}/pip {tools}/virtualenv "$3/bin/"\n',
        ),
    ):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    made = ["sh", str(FILES / "openpai/make-environment"), str(folder), "sh", "note", "kubernetes", "jinja2"]
    subprocess.run(made, env={"PATH": f"{tools}:{os.environ['PATH']}"}, check=True)
    asked = subprocess.run(
        [folder / "bin/python3", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == str(folder / "python3")
