"""Versions of programs: as numbers, and by their beginning."""

import pytest

from cluster.versions import matches, numbers


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v1.21.14", (1, 21, 14)),
        ("20.10.24+dfsg1", (20, 10, 24)),
        ("5:29.0.0-1~debian.12~bookworm", (29, 0, 0)),
        ("18.04", (18, 4)),
        ("12", (12,)),
        ("1.x", (1,)),
        ("", ()),
        ("testing", ()),
    ],
)
def test_the_numbers_that_a_version_begins_with(version, expected):
    assert numbers(version) == expected


@pytest.mark.parametrize(
    ("found", "version", "fits"),
    [
        ("5:20.10.24~3-0~debian-bookworm", "20.10", True),
        ("5:20.10.24~3-0~debian-bookworm", "20.10.24", True),
        ("5:20.10.24~3-0~debian-bookworm", "20.10.24~3-0", True),
        ("5:20.10.24~3-0~debian-bookworm", "5:20.10.24~3-0~debian-bookworm", True),
        ("5:20.10.24~3-0~debian-bookworm", "20.10.2", False),
        ("5:20.10.24~3-0~debian-bookworm", "2", False),
        ("5:20.10.24~3-0~debian-bookworm", "24", False),
        ("1.6.20-1", "20.10", False),
    ],
)
def test_a_version_or_its_beginning(found, version, fits):
    assert matches(found, version) is fits


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("535.183.01-1~deb12u1", "535.183.01"),
        ("1:535.183.01-0ubuntu0.22.04.1", "535.183.01"),
        ("418.226.00", "418.226.00"),
    ],
)
def test_debians_versions_hold_nvidias(debian, upstream):
    assert matches(debian, upstream)
