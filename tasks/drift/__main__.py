"""python -m tasks.drift FOLDER: one dry run over a cluster folder, and its report; by a timer on the dev box."""

import sys
from pathlib import Path

from tasks.drift.look import look


def main(arguments: list[str]) -> int:
    """Look over the folder in `arguments`; the exit status."""
    if len(arguments) != 1:
        print("usage: python -m tasks.drift FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    pyinfra = Path(sys.executable).parent / "pyinfra"
    return look(folder, [str(pyinfra), f"{folder}.py", "deploy.py", "--dry", "--json"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
