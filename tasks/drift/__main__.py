"""python -m tasks.drift FOLDER: one dry run over a cluster folder, and its report; by a timer on the dev box."""

import sys
from pathlib import Path

from tasks.drift.look import look

if len(sys.argv) != 2:
    sys.exit("usage: python -m tasks.drift FOLDER")
folder = Path(sys.argv[1])
pyinfra = Path(sys.executable).parent / "pyinfra"
sys.exit(look(folder, [str(pyinfra), f"{folder}.py", "deploy.py", "--dry", "--json"]))
