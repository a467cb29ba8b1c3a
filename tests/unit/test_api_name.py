"""The API server's name in a hosts file."""

import pytest

from tasks.kubernetes.facts.hosts_file import MARK, with_name

API, ADDRESS = "kubernetes-api.openpai.internal", "10.1.0.1"
OURS = f"{ADDRESS} {API} {MARK}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("127.0.0.1 localhost", f"127.0.0.1 localhost\n{OURS}"),
        (f"127.0.0.1 localhost\n{OURS}\n# the end\n", f"127.0.0.1 localhost\n\n# the end\n{OURS}"),
        (f"10.9.9.9 {API} {MARK}\n", OURS),
        (f"10.9.9.9 former.example.com {MARK}\n", OURS),
        # Another's word for the name, a load balancer say, wins.
        (f"10.1.0.100\tlb {API}\n{OURS}", f"10.1.0.100\tlb {API}\n"),
        (f"# {API}\n", f"# {API}\n{OURS}"),
    ],
)
def test_our_one_line_and_nobody_elses(before, after):
    assert with_name(before, API, ADDRESS) == after
    assert with_name(after, API, ADDRESS) == after
