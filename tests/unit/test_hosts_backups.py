"""What the verification says of backups by their names, and the shell text that asks for these."""

import os
import subprocess

import pytest

from tests.hosts.backups import newest, wrong

NOON = 1795694400  # 2026-11-26 12:00:00 UTC


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("20261126T120000Z.age", None),
        ("20261126T120500Z.age", None),  # the master's clock is ahead of the dev box's
        ("20261125T120000Z.age", None),
        ("20261125T115900Z.age", "the newest backup, 20261125T115900Z.age, 24 h 01 min old"),
        ("", "no backup"),
    ],
)
def test_a_backup_older_than_a_day_is_wrong_and_so_is_none(name, found):
    assert wrong(f"{NOON}\n{name}") == found


def test_the_newest_backup_is_found_among_other_files(tmp_path):
    for name in ("20261125T120000Z.age", "20261126T120000Z.age", "notes.age", "20261127T000000Z.age.part"):
        (tmp_path / name).touch()
    for folder, expected in ((tmp_path, ["20261126T120000Z.age"]), (tmp_path / "none", [])):
        said = subprocess.run(["sh", "-c", newest(str(folder))], capture_output=True, text=True, check=True).stdout
        assert said.split()[1:] == expected and abs(int(said.split()[0]) - os.stat(tmp_path).st_mtime) < 600
