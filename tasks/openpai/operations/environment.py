"""An environment of Python 2.7 for paictl; pyinfra's pip operations know no pinned Python."""

from pyinfra import host
from pyinfra.api import operation

from tasks.openpai.facts import Note
from tasks.reach import Commands, script

# What paictl of v1.0.0 to v1.8.1 ran with, tried: later releases of these no longer know Python 2.
REQUIREMENTS = (
    "kubernetes==12.0.0", "jinja2==2.11.3", "pyyaml<6", "paramiko==2.6.0", "cryptography==3.2", "GitPython==2.1.15",
    "gitdb2<4", "python-etcd", "requests", "docopt", "requests-oauthlib<2",
)  # fmt: skip
# The start scripts of rest-server call python3 with these.
REQUIREMENTS_3 = ("kubernetes>=12,<22", "jinja2>=2.11,<4")


@operation()
def by_python2(folder: str, python: str) -> Commands:
    """Have in `folder` an environment of `python` (2.7) with what paictl imports, and a python3 with what it calls."""
    wanted = "\n".join((python, *REQUIREMENTS, *REQUIREMENTS_3))
    if host.get_fact(Note, path=f"{folder}/installed") == wanted:
        return
    lists = " ".join(REQUIREMENTS), " ".join(REQUIREMENTS_3)
    yield script("openpai/make-environment", folder, python, wanted, *lists)
