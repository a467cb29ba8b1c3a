"""The parts of the lab's GPU stand-ins that need no host."""

from __future__ import annotations

import pytest

from lab.gpu.initramfs import archive
from lab.gpu.profile import Profile, parse
from lab.shell import LabError


def test_profile_of_a_typo_is_refused_with_the_keys_there_are():
    with pytest.raises(LabError, match="no such key: cuont; there are model, count"):
        parse('{"cuont": 2}')
    with pytest.raises(LabError, match="count is 13, and must be 0 to 12"):
        parse('{"count": 13}')
    with pytest.raises(LabError, match="not JSON"):
        parse("{")
    with pytest.raises(LabError, match="give default, bare, nvswitch, openpai, JSON"):
        parse("no-such-file")
    assert parse('{"count": 2}') == Profile(count=2)


def test_initramfs_is_an_archive_that_cpio_format_readers_accept():
    packed = archive({"etc/modprobe.d/a.conf": b"blacklist nouveau\n"})
    assert packed.startswith(b"070701")
    assert [packed.count(name) for name in (b"etc/modprobe.d\0", b"etc/modprobe.d/a.conf\0", b"TRAILER!!!\0")] == [
        1,
        1,
        1,
    ]
    assert len(packed) % 4 == 0
