"""Whether services are as they should be, and when a pod is given up."""

from dataclasses import replace

import pytest

from cluster.openpai import Label, Nodes, Object, Service, Workload
from tasks.openpai.facts import read_state
from tasks.openpai.judge import (
    ClusterState,
    Patience,
    Running,
    Steadiness,
    Trouble,
    Wanted,
    held_back,
    lacking,
    other_version,
    outdated,
    shown,
    stale,
    there,
    troubles,
)
from tasks.reach.sections import parse_sections

WANTED = Wanted("sum", ("openpai-master-01",), ("openpai-001",))
REST = Service(
    "rest-server",
    workloads=(Workload("DaemonSet", "rest-server-ds", ("openpai/rest-server:v1.8.1",)),),
    objects=(Object("ConfigMap", "group-configuration"),),
)
KEY = "DaemonSet/default/rest-server-ds"
UP = Running(1, 1, 1, True, ("openpai/rest-server:v1.8.1",), ("group-configuration",), "2026-01-01T10:00:00Z")
STATE = ClusterState(
    answers=True,
    workloads={KEY: UP},
    objects=frozenset({"ConfigMap/default/group-configuration"}),
    configmaps={"group-configuration": "2026-01-01T09:59:59Z"},
    started={"rest-server": "sum"},
)


def running(**changes):
    return replace(STATE, workloads={KEY: replace(UP, **changes)})


def test_a_service_that_is_as_it_should_be_lacks_nothing():
    assert lacking(REST, STATE, WANTED) is None
    assert not outdated(REST, STATE, WANTED) and not stale(REST, STATE)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (replace(STATE, workloads={}), "no daemonset rest-server-ds"),
        (running(ready=0), "rest-server-ds 0/1 ready"),
        (running(updated=0), "rest-server-ds 1/1 ready"),
        (running(settled=False), "rest-server-ds 1/1 ready"),
        (running(images=("openpai/rest-server:v1.8.0",)), "does not run openpai/rest-server:v1.8.1"),
        (replace(STATE, objects=frozenset()), "no configmap group-configuration"),
    ],
)
def test_what_is_lacking_is_named(state, said):
    assert said in str(lacking(REST, state, WANTED))


def test_a_label_counts_on_the_nodes_of_its_role():
    labels = Service("cluster-configuration", labels=(Label("pai-worker", nodes=Nodes.WORKERS),))
    assert lacking(labels, STATE, WANTED) == "node openpai-001 lacks the label pai-worker=true"
    labelled = replace(STATE, labels={"openpai-001": {"pai-worker": "true"}})
    assert lacking(labels, labelled, WANTED) is None


def test_another_configuration_makes_a_service_outdated():
    assert outdated(REST, replace(STATE, started={"rest-server": "other"}), WANTED)
    assert outdated(REST, replace(STATE, started={}), WANTED)


def test_a_pod_older_than_its_configmap_is_stale():
    assert not stale(REST, replace(STATE, configmaps={"group-configuration": "2026-01-01T10:00:00Z"}))
    assert stale(REST, replace(STATE, configmaps={"group-configuration": "2026-01-01T10:00:01Z"})) == list(
        REST.workloads
    )


def test_another_tag_of_the_same_image_is_another_version():
    assert other_version([REST], STATE) is None
    assert other_version([REST], running(images=("openpai/rest-server:v1.8.0",))) == "openpai/rest-server:v1.8.0"
    assert other_version([REST], replace(STATE, workloads={})) is None


def test_a_service_without_workloads_is_there_once_it_was_started():
    configuration = Service("cluster-configuration")
    assert not there(configuration, replace(STATE, started={}))
    assert there(configuration, replace(STATE, started={"cluster-configuration": "sum"}))
    assert there(REST, replace(STATE, started={})) and not there(REST, replace(STATE, started={}, workloads={}))


def pod(name="rest-server-ds-abcde", **status):
    return {"metadata": {"name": name, "namespace": "default"}, "status": status}


def waiting(reason, **more):
    return pod(
        containerStatuses=[{"state": {"waiting": {"reason": reason}}, "ready": False, "restartCount": 0, **more}]
    )


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (waiting("ImagePullBackOff"), "ImagePullBackOff"),
        (waiting("CrashLoopBackOff"), "CrashLoopBackOff"),
        (pod(containerStatuses=[{"state": {"running": {}}, "ready": False, "restartCount": 3}]), "CrashLoop"),
        (pod(phase="Failed", reason="Evicted", message="The node was low on resource"), "Evicted"),
        (pod(conditions=[{"type": "PodScheduled", "reason": "Unschedulable", "message": "no node"}]), "Unschedulable"),
        (pod(initContainerStatuses=[{"state": {"waiting": {"reason": "ErrImagePull"}}}]), "ErrImagePull"),
    ],
)
def test_a_pod_that_cannot_start_is_recognised(one, reason):
    assert [trouble.reason for trouble in troubles([one])] == [reason]


@pytest.mark.parametrize("one", [waiting("ContainerCreating"), pod(phase="Running"), pod()])
def test_a_pod_that_may_yet_start_is_no_trouble(one):
    assert troubles([one]) == []


def test_pods_that_the_kubelet_holds_back_are_those_of_which_nothing_runs():
    unschedulable = pod(conditions=[{"type": "PodScheduled", "reason": "Unschedulable"}])
    crashing = pod("b", containerStatuses=[{"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "ready": False}])
    beside = pod(
        "c", containerStatuses=[{"state": {"waiting": {"reason": "ErrImagePull"}}}, {"state": {"running": {}}}]
    )
    held = held_back([waiting("ImagePullBackOff"), waiting("ContainerCreating"), unschedulable, crashing, beside])
    assert [one.pod for one in held] == ["rest-server-ds-abcde", "b"]


def test_what_an_eviction_has_left_is_made_anew():
    evicted = pod("a", phase="Failed", reason="Evicted", message="The node had condition: [DiskPressure].")
    assert [(one.pod, one.reason) for one in held_back([evicted])] == [("a", "Evicted")]


def test_a_trouble_must_last():
    patience = Patience(30)
    trouble = Trouble("rest-server-ds-abcde", "default", "ErrImagePull")
    assert patience.over([trouble], 0) is None
    assert patience.over([replace(trouble, reason="ImagePullBackOff")], 9) is None
    assert patience.over([], 15) is None
    assert patience.over([trouble], 19) is None
    assert patience.over([trouble], 29) is None
    assert patience.over([replace(trouble, pod="rest-server-ds-fghij")], 30) is not None  # a successor
    assert patience.over([], 31) is None
    assert patience.over([trouble], 41) is None  # it had gone


def test_a_container_that_ends_as_soon_as_it_has_begun_is_not_steady():
    def look(restarts, **more):
        status = {"containerStatuses": [{"name": "rest-server", "restartCount": restarts}]}
        return pod(**status) | {"spec": {"containers": [{"name": "rest-server", **more}]}}

    steadiness = Steadiness(6)
    assert not steadiness.holds([look(0)], 0)
    assert not steadiness.holds([look(1)], 5)
    assert not steadiness.holds([look(1)], 10)
    assert steadiness.holds([look(1)], 11)
    assert steadiness.holds([], 12)  # nothing that could end
    assert not steadiness.holds([look(1)], 13)
    assert Steadiness(6).holds([look(0, readinessProbe={})], 0)


def test_pods_are_shown_by_their_states():
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    assert (
        shown([ready, waiting("ContainerCreating"), pod(phase="Pending")]) == "1 ready, 1 ContainerCreating, 1 Pending"
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"running": {}}, "running: initializer"),
        ({"waiting": {"reason": "ErrImagePull"}}, "ErrImagePull"),
        ({"terminated": {}}, "PodInitializing"),
    ],
)
def test_a_pod_in_its_init_containers_is_shown_by_the_one_that_all_wait_for(state, said):
    status = pod(
        initContainerStatuses=[{"name": "initializer", "state": state}],
        containerStatuses=[{"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}],
    )
    assert shown([status]) == f"0 ready, 1 {said}"


def test_the_facts_output_becomes_a_state():
    text = """
@@ objects
Node//openpai-001|||||||||true|2026-01-01T08:00:00Z||2026-01-01T08:00:00Z
DaemonSet/default/rest-server-ds|2|2|1|1|1|openpai/rest-server:v1.8.1 |GROUPS||||2026-01-01T08:00:00Z
StatefulSet/default/frameworkcontroller-sts|1|1|1|||frameworkcontroller/frameworkcontroller:v0.9.0 ||||||
CronJob/default/alert-cron|3|||||cron:v1 ||||||
ConfigMap/default/group-configuration||||||||||2026-01-01T09:00:00Z 2026-01-01T09:59:59Z||2026-01-01T09:00:00Z
ConfigMap/kube-system/coredns||||||||||2026-01-01T08:00:00Z||2026-01-01T08:00:00Z
Pod/default/rest-server-ds-abcde||||||||||2026-01-01T10:00:00Z|rest-server-ds|2026-01-01T10:00:00Z
Pod/kube-system/rest-server-ds-abcde||||||||||2026-01-01T07:00:00Z|rest-server-ds|2026-01-01T07:00:00Z
@@ data
openpai-deploy/rest-server sum
pai-cluster-id/cluster-id pai
pai-configuration/layout.yaml aaaa
@@ files
aaaa layout.yaml
""".replace("GROUPS", " group-configuration ")
    state = read_state(parse_sections(text.splitlines()))
    assert state.answers and state.cluster_id == "pai" and state.pushed == state.files == {"layout.yaml": "aaaa"}
    assert state.started == {"rest-server": "sum"}
    assert state.workloads[KEY] == UP
    assert state.workloads["StatefulSet/default/frameworkcontroller-sts"].complete is False
    assert state.configmaps == {"group-configuration": "2026-01-01T09:59:59Z"}
    assert state.workloads["CronJob/default/alert-cron"].complete
    assert "ConfigMap/default/group-configuration" in state.objects
    assert state.labels["openpai-001"]["pai-worker"] == "true"
