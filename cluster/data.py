"""Where the project's files that are no code lie: templates/, files/ and the example, in a checkout or in a wheel."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# A wheel has no deploy.py beside its packages, and these files inside of the package openpai_deploy (pyproject.toml).
IN_CHECKOUT = (PROJECT / "deploy.py").is_file()
DATA = PROJECT if IN_CHECKOUT else PROJECT / "openpai_deploy" / "data"
# What is written for people goes below it: reports/, inventories/.
HERE = PROJECT if IN_CHECKOUT else Path.cwd()
