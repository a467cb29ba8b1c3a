"""Host names as people read many of them."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.names import short, unnamed


@pytest.mark.parametrize(
    ("names", "phrase"),
    [
        ([], ""),
        (["openpai-001"], "openpai-001"),
        (["openpai-001", "openpai-002"], "openpai-[001-002]"),
        ([f"openpai-{n:03}" for n in (*range(1, 19), 20)], "openpai-[001-018,020]"),
        (["a9", "a10", "a8"], "a[8-10]"),
        (["a099", "a100"], "a[099-100]"),
        (["a9", "a010"], "a[9,010]"),
        (["a1", "a01"], "a[1,01]"),
        (["gpu1.example.org", "gpu2.example.org", "gpu1.other.org"], "gpu[1-2].example.org, gpu1.other.org"),
        (["rack2-node7", "rack2-node8", "rack3-node7"], "rack2-node[7-8], rack3-node7"),
        (["node1a", "node2a", "node2b"], "node[1-2]a, node2b"),
        (["openpai-1", "spare", "dev-box", "openpai-2"], "dev-box, openpai-[1-2], spare"),
        (["dev", "dev", "dev"], "dev"),
        (["机器1", "机器2"], "机器[1-2]"),
    ],
)
def test_phrases(names: list[str], phrase: str) -> None:
    assert short(names) == phrase
    assert short(reversed(names)) == phrase


NAMES = st.sets(st.from_regex(r"[a-z]{0,2}-?[0-9]{1,3}[a-z]?(\.[a-z0-9]{1,3})?", fullmatch=True), max_size=20)


@settings(deadline=None)  # the time is that of a busy machine
@given(NAMES, st.randoms())
def test_every_name_is_in_it_and_no_other(names: set[str], order: random.Random) -> None:
    shuffled = list(names)
    order.shuffle(shuffled)
    phrase = short(shuffled)
    assert phrase == short(names)
    assert sorted(unfolded(phrase)) == sorted(names)


def unfolded(phrase: str) -> list[str]:
    names = []
    for part in filter(None, re.split(r", ", phrase)):
        if match := re.fullmatch(r"(.*)\[(.*)\](.*)", part):
            before, listed, after = match.groups()
            for each in listed.split(","):
                first, _, last = each.partition("-")
                span = range(int(first), int(last or first) + 1)
                names += [f"{before}{str(n).zfill(len(first))}{after}" for n in span]
        else:
            names.append(part)
    return names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("w-1: no route to 10.0.0.1:22", "HOST: no route to ADDRESS:22"),
        ("`hostnamectl set-hostname w-1`", "`hostnamectl set-hostname HOST`"),
        ("from w-1 to w-10, w-1.example.org and 10.0.0.12.", "from HOST to w-10, w-1.example.org and 10.0.0.12."),
        ("restart w-1. Then 10.0.0.1.", "restart HOST. Then ADDRESS."),
        ("new-w-1 at 110.0.0.1", "new-w-1 at 110.0.0.1"),
        ("https://10.0.0.1:5000/v2/openpai/w-1/manifests", "https://ADDRESS:5000/v2/openpai/w-1/manifests"),
    ],
)
def test_the_hosts_own_name_and_address_are_taken_out(text: str, said: str) -> None:
    assert unnamed(text, "w-1", "10.0.0.1") == said


def test_no_address_takes_nothing_out() -> None:
    assert unnamed("a 1", "b") == "a 1"
