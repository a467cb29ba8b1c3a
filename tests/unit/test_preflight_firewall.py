"""What of the cluster an active ufw keeps out, by what ufw 0.36 prints."""

import pytest

from tasks.preflight.firewall import kept_out
from tests.unit.preflight_survey import MASTER, WORKER, changed, rows, surveyed

PODS = "10.200.0.0/13"
HEAD = """\
Status: active
Logging: on (low)
Default: {} (incoming), allow (outgoing), deny (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
"""


def status(*rules, incoming="deny"):
    text = HEAD.format(incoming) + "".join("{:26} {:12}{:26}{}\n".format(*rule, "")[:-1] + "\n" for rule in rules)
    return [line for line in text.splitlines() if line.strip()]


def closed(*rules, **how):
    return kept_out(status(*rules, **how), "10.0.0.5", "eth1", ["10.0.0.6", "10.0.0.7"], PODS)


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ([("22/tcp", "ALLOW IN", "Anywhere")], ["10.0.0.6", "10.0.0.7", PODS]),
        ([("Anywhere", "ALLOW IN", "10.0.0.0/24")], [PODS]),
        ([("Anywhere", "ALLOW IN", "10.0.0.6"), ("Anywhere", "ALLOW IN", PODS)], ["10.0.0.7"]),
        ([("Anywhere", "ALLOW IN", "Anywhere")], []),
        ([("Anywhere on eth1", "ALLOW IN", "Anywhere")], [PODS]),
        ([("Anywhere on eth0", "ALLOW IN", "Anywhere")], ["10.0.0.6", "10.0.0.7", PODS]),
        ([("10.0.0.5", "ALLOW IN", "10.0.0.0/8")], []),
        ([("10.9.9.9", "ALLOW IN", "10.0.0.0/8")], ["10.0.0.6", "10.0.0.7", PODS]),
        ([("Anywhere", "ALLOW IN", "10.0.0.0/8                 (log) # racks")], []),
        ([("Anywhere/tcp", "ALLOW IN", "10.0.0.0/8/tcp")], ["10.0.0.6", "10.0.0.7", PODS]),
        (
            [("Anywhere", "DENY IN", "10.0.0.0/8"), ("Anywhere", "ALLOW FWD", "Anywhere")],
            ["10.0.0.6", "10.0.0.7", PODS],
        ),
        ([("Anywhere (v6)", "ALLOW IN", "Anywhere (v6)")], ["10.0.0.6", "10.0.0.7", PODS]),
    ],
)
def test_a_source_is_let_in_where_a_rule_says_so_for_every_port(rules, left):
    assert closed(*rules) == left


def test_a_ufw_that_is_off_or_denies_nothing_keeps_nobody_out():
    assert closed(incoming="allow") == []
    assert kept_out(["Status: inactive"], "10.0.0.5", "eth1", ["10.0.0.6"], PODS) == []
    assert kept_out([], "10.0.0.5", "eth1", ["10.0.0.6"], PODS) == []


def test_what_is_kept_out_is_said_with_its_ports_and_the_remedy():
    survey = surveyed("bookworm", openpai_kube_network_plugin="calico")
    (row,) = rows(changed(survey, firewall=tuple(status())), "firewall")
    assert row.host == WORKER and row.needed.startswith("TCP 10250, 179 and IP-in-IP open to")
    assert "`ufw allow from NETWORK`" in row.fix
    (row,) = rows(changed(survey, MASTER, firewall=tuple(status())), "firewall")
    assert row.needed.startswith("TCP 10250, 6443, 2379, 2380, 179") and " and 1 more" in row.found
    vxlan = surveyed("bookworm", openpai_kube_network_plugin="calico", calico_encapsulation="vxlan")
    (row,) = rows(changed(vxlan, firewall=tuple(status())), "firewall")
    assert row.needed.startswith("TCP 10250 and UDP 4789 (VXLAN)")
