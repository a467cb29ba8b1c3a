"""Which upgrade of Kubernetes is possible, what is due of it on a host, and which APIs it takes away."""

from __future__ import annotations

import pytest

from cluster import Problem
from tasks.kubernetes.upgrade_policy import NodeVersions, due, refusal, removed_apis

METRICS = """
# HELP apiserver_requested_deprecated_apis Gauge of deprecated APIs that have been requested
apiserver_requested_deprecated_apis{group="policy",removed_release="1.25",resource="podsecuritypolicies",version="v1beta1"} 1
apiserver_requested_deprecated_apis{group="extensions",removed_release="1.22",resource="ingresses",subresource="",version="v1beta1"} 1
apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",version="v1"} 1
apiserver_request_total{code="200"} 7
"""  # noqa: E501


@pytest.mark.parametrize(("found", "wanted"), [("v1.20.2", "v1.20.2"), ("v1.20.2", "v1.20.15"), ("v1.20.2", "v1.21.0")])
def test_a_patch_release_and_the_next_minor_one_are_possible(found, wanted):
    assert refusal(found, wanted, {"w1": "v1.20.2"}, []) is None


@pytest.mark.parametrize(
    ("found", "wanted", "kubelet", "why"),
    [
        ("", "v1.20.15", "v1.20.2", "does not say which version"),
        ("v1.21.1", "v1.20.15", "v1.20.2", "newer than v1.20.15"),
        ("v1.20.2", "v1.22.0", "v1.20.2", "more than one minor version"),
        ("v1.20.2", "v1.21.0", "v1.18.9", "does not serve: w1 (v1.18.9)"),
        ("v1.20.2", "v1.20.5", "v1.20.7", "kubelets newer than v1.20.5: w1"),
    ],
)
def test_what_kubernetes_does_not_support_is_refused(found, wanted, kubelet, why):
    problem = refusal(found, wanted, {"w1": kubelet}, [])
    assert isinstance(problem, Problem)
    assert why in problem.found


def test_apis_in_use_that_go_are_named_unless_the_operator_goes_on():
    removed = removed_apis(METRICS, "v1.22.1")
    problem = refusal("v1.21.1", "v1.22.1", {}, removed)
    assert problem and "extensions/v1beta1 ingresses" in problem.found
    assert refusal("v1.21.1", "v1.22.1", {}, removed, go_on=True) is None


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        ("v1.21.14", set()),
        ("v1.22.0", {"extensions/v1beta1 ingresses"}),
        ("v1.25.0", {"extensions/v1beta1 ingresses", "policy/v1beta1 podsecuritypolicies"}),
    ],
)
def test_the_api_servers_own_metrics_tell_what_is_asked_for(wanted, gone):
    assert removed_apis(METRICS, wanted) == gone


@pytest.mark.parametrize(
    ("versions", "what"),
    [
        (NodeVersions("v1.20.3"), []),
        (NodeVersions("v1.20.3", frozenset({"v1.20.3"})), []),
        (NodeVersions("v1.20.2"), ["kubelet v1.20.2 must become v1.20.3"]),
        (NodeVersions("v1.20.3", frozenset({"v1.20.2", "v1.20.3"})), ["control plane v1.20.2 must become v1.20.3"]),
        (NodeVersions(""), ["kubelet none must become v1.20.3"]),
    ],
)
def test_what_is_due_is_told_by_what_is_there(versions, what):
    assert due(versions, "v1.20.3") == what
