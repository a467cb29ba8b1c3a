"""From single shortfalls to a verdict: consequences, order, what is skipped, what is not asked."""

from dataclasses import replace

import pytest

from cluster import Config, Problem
from tasks.apt import OsRelease
from tasks.gpu.facts.gpus import SmiReport
from tasks.preflight.model import Severity
from tasks.preflight.snapshot import Listener
from tasks.preflight.verdict import ANSWERS, REACHABLE, REQUIREMENTS, Outcome, judge, unknown
from tests.unit.preflight_survey import CAPTURED_UNDER, OTHER, WORKER, changed, driver, rows, surveyed


def test_a_host_that_is_down_is_one_row_and_does_not_stop_the_others():
    survey = surveyed("bookworm")
    seen = {name: replace(each, peers={}) for name, each in survey.snapshots.items() if name != OTHER}
    reached = {f"{host.address}:22": "ok" for host in survey.cluster.hosts if host.name != OTHER}
    seen = {name: replace(each, peers=reached | {"10.77.3.1:3128": "ok"}) for name, each in seen.items()}
    verdict = judge(
        replace(survey, snapshots=seen, absent={OTHER: Problem("10.77.3.99: no SSH connection", "check its sshd")})
    )
    assert [(row.host, row.requirement, row.fix) for row in verdict.failures] == [(OTHER, REACHABLE, "check its sshd")]
    assert not verdict.forbids


def test_a_host_that_gives_no_snapshot_stops_all():
    survey = surveyed("bookworm")
    seen = {name: each for name, each in survey.snapshots.items() if name != OTHER}
    verdict = judge(replace(survey, snapshots=seen, silent=(OTHER,)))
    assert [(row.host, row.requirement) for row in verdict.failures] == [(OTHER, ANSWERS)]
    assert verdict.forbids


def test_a_host_that_nobody_reaches_is_its_own_row():
    survey = surveyed("bookworm")
    lost = f"{survey.snapshots[WORKER].addresses[-1].address}:22"
    for name, seen in survey.snapshots.items():
        survey = changed(survey, name, peers={**seen.peers, lost: "No route to host"})
    assert [row.host for row in rows(survey, "peers")] == [WORKER]


def test_what_needs_root_is_not_judged_without_sudo():
    survey = changed(surveyed("bookworm"), sudo_error="sudo: a password is required", ports=(Listener(10250, "", ""),))
    assert [row.requirement for row in judge(survey).failures] == ["sudo"]


def test_a_proxy_that_is_down_is_not_repeated_for_each_url_behind_it():
    # The captures' own registry is on the hosts' network, which Docker reaches past the proxy.
    behind = dict.fromkeys(("docker_registry_domain", "kube_image_repo"), "registry.example.com")
    survey = surveyed("bookworm", no_proxy=[], openpai_docker_registry_mirrors=["http://mirror.example.com"], **behind)
    for name, seen in survey.snapshots.items():
        down = {**seen.peers, "10.77.3.1:3128": "Connection refused"}
        survey = changed(survey, name, replies={}, peers=down)
    assert {row.requirement for row in judge(survey).failures} == {"proxy"}


def test_skipping_is_recorded():
    verdict = judge(changed(surveyed("bookworm"), cpus=0), skipped=["processors"])
    assert not verdict.failures
    assert [row.outcome for row in verdict.rows if row.requirement == "processors"] == [Outcome.SKIPPED]
    assert verdict.skipped == ("processors",)


def test_an_unknown_id_is_named_with_the_nearest():
    assert unknown(["memory", "proccessors", f"{WORKER}:memory", f"{WORKER}1:memory"], [WORKER]) == [
        "skip_requirements: there is no requirement 'proccessors'; did you mean processors?",
        f"skip_requirements: there is no host '{WORKER}1'; did you mean {WORKER}?",
    ]


def test_a_requirement_may_be_skipped_on_one_host():
    survey = changed(changed(surveyed("bookworm"), WORKER, cpus=0), OTHER, cpus=0)
    verdict = judge(survey, skipped=[f"{WORKER}:processors"])
    assert [row.host for row in verdict.failures if row.requirement == "processors"] == [OTHER]
    assert OTHER in verdict.unfit


@pytest.mark.parametrize("key, spared", [
    ("resource_check", {"memory", "processors", "disk-docker", "disk-var", "layout"}),
    ("docker_check", {"docker", "docker-config", "docker-runtime"}),
])  # fmt: skip
def test_upstreams_switches_are_honoured(key, spared):
    config = Config.model_validate({**CAPTURED_UNDER, key: False})
    assert {requirement.id for requirement in REQUIREMENTS if not requirement.when(config)} >= spared


def test_other_gpus_than_nvidias_are_not_examined():
    survey = changed(
        surveyed("bookworm", gpu_type="amd", worker_default_docker_runtime="runc"),
        smi=SmiReport(),
        **driver(surveyed("bookworm"), bus=()),
    )
    assert not judge(survey).failures


def test_worst_comes_first():
    survey = changed(surveyed("bookworm"), os=OsRelease("ubuntu", "31.10"), cpus=0)
    assert [row.severity for row in judge(survey).unmet] == [Severity.MUST, Severity.SHOULD]


@pytest.mark.parametrize("found, count", [(15_888 * 2**20, 0), (15 * 10**9, 1)])
def test_memory_is_the_total_of_a_machine_sold_as_16_gb(found, count):
    """A 16 GB machine shows some 15.5 GiB; the guide's limit is meant for it."""
    assert len(rows(changed(surveyed("bookworm"), memory=found), "memory")) == count
