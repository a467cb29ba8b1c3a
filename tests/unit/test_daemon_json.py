"""daemon.json: merging, what a change takes, and flags that clash."""

import pytest

from tasks.docker import daemon_json
from tasks.docker.daemon_json import Take


def test_operators_keys_survive_a_merge():
    current = {"bip": "10.9.0.1/24", "log-opts": {"tag": "x"}, "insecure-registries": ["a:5000"], "debug": True}
    settings = {"log-opts": {"max-size": "50m"}, "insecure-registries": ["a:5000", "b:5000"], "debug": False}
    assert daemon_json.merge(current, settings, {"live-restore": True, "bip": "never"}) == {
        "bip": "10.9.0.1/24",
        "log-opts": {"tag": "x", "max-size": "50m"},
        "insecure-registries": ["a:5000", "b:5000"],
        "debug": False,
        "live-restore": True,
    }


def test_merge_is_idempotent():
    once = daemon_json.merge({"dns": ["1.1.1.1"]}, {"registry-mirrors": ["https://m"]}, {"live-restore": True})
    assert daemon_json.merge(once, {"registry-mirrors": ["https://m"]}, {"live-restore": True}) == once


@pytest.mark.parametrize(
    ("text", "place"),
    [('{"a": 1,}', "line 1 column [89]"), ("{\n  oops\n}", "line 2 column 3"), ("[1]", "not a JSON object")],
)
def test_invalid_file_names_the_place(text, place):
    with pytest.raises(ValueError, match=place):
        daemon_json.parse(text)


def test_empty_file_is_no_setting():
    assert daemon_json.parse(" \n") == daemon_json.parse(None) == {}


@pytest.mark.parametrize(
    ("in_force", "wanted", "take"),
    [
        ({}, {}, Take.NOTHING),
        ({"live-restore": False}, {"live-restore": True, "default-runtime": "nvidia", "runtimes": {}}, Take.RELOAD),
        ({"live-restore": True}, {"live-restore": True, "data-root": "/mnt/docker"}, Take.RESTART),
        ({"log-opts": {"max-size": "1m"}}, {}, Take.RESTART),
        (None, {}, Take.RESTART),
    ],
)
def test_what_a_change_takes(in_force, wanted, take):
    assert daemon_json.needed(in_force, wanted) is take


def test_docker_info_confirms_or_not():
    info = {
        "DefaultRuntime": "nvidia",
        "Runtimes": {"runc": {}, "nvidia": {}},
        "LiveRestoreEnabled": True,
        "RegistryConfig": {
            "InsecureRegistryCIDRs": ["10.1.0.0/16", "127.0.0.0/8"],
            "IndexConfigs": {"docker.io": {}, "reg:5000": {}},
            "Mirrors": ["https://mirror/"],
        },
    }
    wanted = {
        "default-runtime": "nvidia",
        "runtimes": {"nvidia": {"path": "/usr/bin/nvidia-container-runtime"}},
        "live-restore": True,
        "insecure-registries": ["reg:5000", "10.1.0.0/16"],
        "registry-mirrors": ["https://mirror"],
    }
    assert daemon_json.confirmed(info, wanted)
    assert not daemon_json.confirmed({**info, "DefaultRuntime": "runc"}, wanted)
    assert not daemon_json.confirmed({**info, "LiveRestoreEnabled": False}, wanted)
    assert not daemon_json.confirmed(info, {**wanted, "registry-mirrors": ["https://other"]})
    assert not daemon_json.confirmed(info, {**wanted, "insecure-registries": ["other:5000"]})


def test_flags_that_keep_dockerd_from_starting():
    unit = "{ path=/usr/bin/dockerd ; argv[]=/usr/bin/dockerd -H fd:// --data-root=/mnt --insecure-registry a:5000 ; }"
    wanted = {"data-root": "/mnt", "hosts": ["fd://"], "insecure-registries": ["a:5000"], "live-restore": True}
    assert daemon_json.clashes(unit, wanted) == ["data-root", "hosts", "insecure-registries"]


def test_the_guides_runtime_flag_is_no_clash():
    # dockerd tolerates a runtime named twice; only the same option in both places is fatal.
    unit = "argv[]=/usr/bin/dockerd --host=fd:// --add-runtime=nvidia=/usr/bin/nvidia-container-runtime"
    assert daemon_json.clashes(unit, {"runtimes": {"nvidia": {}}, "default-runtime": "nvidia"}) == []


def test_a_reload_leaves_what_needs_a_restart_undone():
    in_force = {"data-root": "/old", "debug": True, "bip": "10.9.0.1/24"}
    wanted = {"data-root": "/new", "live-restore": True}
    after = daemon_json.reloaded(in_force, wanted)
    assert after == {"data-root": "/old", "bip": "10.9.0.1/24", "live-restore": True}
    assert daemon_json.needed(after, wanted) is Take.RESTART, "a killed run must not forget it"
    assert daemon_json.reloaded({"debug": True}, {"live-restore": True}) == {"live-restore": True}
