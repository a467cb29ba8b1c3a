"""The snapshot's command on this machine, and the parser on answers good and bad."""

import os
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr
from pyinfra.api.exceptions import FactProcessError

from tasks.preflight.facts import HostSnapshot, Target, program
from tasks.preflight.snapshot import parse_snapshot

DATA = Path(__file__).parent / "data/snapshots"


def captured(name="worker-bookworm"):
    return (DATA / f"{name}.txt").read_text().splitlines()


# A folder that no other run asks about: preflight of a lab may look at this machine at the same time.
FOLDER = f"/nowhere/{os.getpid()}/docker"


@pytest.fixture(scope="module")
def answer():
    """What the command says here, where nothing of a cluster is: every probe must end, and none may fail the rest."""
    given = program(["127.0.0.1:9"], [Target("nowhere", "http", "http://127.0.0.1:9/")], [FOLDER], 0, None)
    done = subprocess.run(
        ["sh", "-c", HostSnapshot().command()], input=given.getvalue(), capture_output=True, timeout=90, check=True
    )
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


def test_every_probe_answers_here(answer):
    seen = HostSnapshot().process(answer)
    assert seen.cpus > 0 and seen.memory > 0 and seen.hostname and seen.kernel
    assert seen.peers == {"127.0.0.1:9": "Connection refused"}
    assert seen.replies["nowhere"].status == 0 and seen.replies["nowhere"].said
    assert seen.space[FOLDER] > 0
    assert seen.storage <= {"loop", "made", "ready"}
    assert not seen.late


@pytest.mark.parametrize("lost", [(), ("two",), ("one", "two")])
def test_sources_are_told_apart_by_whether_they_have_a_release_file(tmp_path, lost):
    """Where all are well one process says so; else each is asked, and an older vendor's Release file will do."""
    for name in ("one", "two", "old"):
        (tmp_path / "web" / name).mkdir(parents=True)
        if name not in lost:
            (tmp_path / "web" / name / ("Release" if lost and name == "old" else "InRelease")).write_text("Suite: x\n")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        base = f"http://127.0.0.1:{server.server_port}"
        lines = [f"deb [trusted=yes] {base}/{name} ./\n" for name in ("one", "two", "old")]
        (tmp_path / "sources.list").write_text("".join(lines))
        (tmp_path / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{tmp_path}/sources.list"; Dir::Etc::sourceparts "-"; Acquire::http::Proxy "DIRECT";'
        )
        given = program([], [], [], 0, None, apt_proxy=(tmp_path / "apt.conf").read_text()).getvalue()
        done = subprocess.run(
            ["sh", "-c", HostSnapshot().command()], input=given, capture_output=True, timeout=90, check=True
        )
        server.shutdown()
    seen = HostSnapshot().process(done.stdout.decode().splitlines())
    found = {at.split("/")[-3]: reply.status for at, reply in seen.sources.items()}
    assert found == {name: 404 if name in lost else 200 for name in ("one", "two", "old")}


def test_a_registry_is_asked_for_an_image_only_where_its_mirrors_have_it_not(tmp_path):
    """From where mirrors are, the registry itself is often not to be reached, and is waited for until the limit."""
    names = ("mirror", "second", "registry")
    for name in names:
        (tmp_path / name).mkdir()
    for place, image in (("mirror/a", 1), ("second/b", 1), ("registry/c", 1), ("registry/a", 1), ("registry/b", 1)):
        (tmp_path / place).write_text(str(image))
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            super().do_HEAD()

        do_GET = do_HEAD

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        found = [
            Target(f"{name}/{image}", "image", f"{base}/{name}/{image}", fallback=name != names[0])
            for image in ("a", "b", "c", "none")
            for name in names
        ]
        given = program([], [*found, Target("other", "http", f"{base}/registry/a")], [], 0, None)
        done = subprocess.run(
            ["sh", "-c", HostSnapshot().command()], input=given.getvalue(), capture_output=True, timeout=90
        )
        server.shutdown()
    replies = HostSnapshot().process(done.stdout.decode().splitlines()).replies
    assert {id: reply.status for id, reply in replies.items()} == {
        "mirror/a": 200,
        **{"mirror/b": 404, "second/b": 200},
        **{"mirror/c": 404, "second/c": 404, "registry/c": 200},
        **{"mirror/none": 404, "second/none": 404, "registry/none": 404},
        "other": 200,
    }
    assert len(asked) == len(replies)


def test_every_package_source_is_asked_by_its_release_file(tmp_path):
    """As apt would ask, with apt's own words; a login that stands in a source is neither used nor shown."""
    (tmp_path / "sources.list").write_text(
        "deb [trusted=yes] http://me:secret@127.0.0.1:9/debian bookworm main\n"
        f"deb [trusted=yes] file:{tmp_path} ./\n\ndeb [trusted=yes] http://127.0.0.1:9/flat ./\n"
    )
    (tmp_path / "apt.conf").write_text(f'Dir::Etc::sourcelist "{tmp_path}/sources.list"; Dir::Etc::sourceparts "-";')
    given = program([], [], [], 0, None, apt_proxy=(tmp_path / "apt.conf").read_text()).getvalue()
    done = subprocess.run(
        ["sh", "-c", HostSnapshot().command()], input=given, capture_output=True, timeout=90, check=True
    )
    seen = HostSnapshot().process(done.stdout.decode().splitlines())
    place = f"{tmp_path}/sources.list"
    assert {at: reply.status for at, reply in seen.sources.items()} == {
        f"{place}:1: http://127.0.0.1:9/debian/dists/bookworm/": 0, f"{place}:4: http://127.0.0.1:9/flat/./": 0,
    }  # fmt: skip
    assert all("onnect" in reply.said for reply in seen.sources.values()), seen.sources
    assert b"secret" not in done.stdout


def test_nothing_is_left_behind(answer):
    kept = {path.parent for path in Path("/dev/shm").glob("tmp.*/space") if FOLDER in path.read_text()}
    assert kept == set()


def test_the_times_frame_the_answer(answer):
    seen = HostSnapshot().process(answer)
    assert 0 <= seen.ended - seen.started < 90_000


@pytest.mark.parametrize("name, os_id, version", [
    ("worker-bullseye", "debian", "11"), ("worker-bookworm", "debian", "12"), ("worker-trixie", "debian", "13"),
])  # fmt: skip
def test_captured_workers(name, os_id, version):
    seen = parse_snapshot(captured(name))
    assert (seen.os.id, seen.os.version, seen.architecture, seen.systemd) == (os_id, version, "x86_64", True)
    assert len(seen.smi.gpus) == len(seen.driver.bus) == 4
    assert seen.sudo_error is None and seen.lock_holder is None
    assert seen.mac_of(seen.addresses[-1].address)


@pytest.mark.parametrize("lines", [0, 1, 10, 60])
def test_an_answer_cut_off_is_refused(lines):
    with pytest.raises(FactProcessError):
        HostSnapshot().process(captured()[:lines] or ["nothing"])


def test_an_answer_in_the_wrong_shape_is_refused():
    with pytest.raises(FactProcessError):
        HostSnapshot().process([line.replace("x86_64", "") for line in captured()])


def test_what_a_login_shell_prints_is_ignored():
    given = program([], [], ["/nowhere/docker"], 0, None)
    noisy = f"printf 'Welcome to this host'; {HostSnapshot().command()}"
    done = subprocess.run(["sh", "-c", noisy], input=given.getvalue(), capture_output=True, timeout=90, check=True)
    assert HostSnapshot().process(done.stdout.decode().splitlines()).cpus > 0


def test_sudos_own_words_are_kept():
    answer = captured()
    answer[2:2] = ["@@@ sudo", "Sorry, user paiadmin may not run sudo on openpai-001."]
    assert parse_snapshot(answer).sudo_error == "Sorry, user paiadmin may not run sudo on openpai-001."


def test_a_hanging_probe_is_late_and_counts_as_no_answer():
    answer = captured()
    start, end = answer.index("@@@ nvidia_smi"), answer.index("@@@ os")
    seen = parse_snapshot([*answer[:start], "@@@ late", "nvidia_smi", *answer[end:]])
    assert seen.late == {"nvidia_smi"} and seen.smi.status == 124


def test_neither_password_nor_parameters_are_in_the_command():
    given = program(["10.0.0.1:22"], [], ["/mnt/docker"], 60, SecretStr("sup3r-s3cret"))
    assert given.getvalue().startswith(b"sup3r-s3cret\n")
    assert "10.0.0.1" not in HostSnapshot().command()
    assert "sup3r-s3cret" not in f"{given!r} {given}"


def test_a_probe_that_hangs_is_left_behind_and_costs_the_others_nothing():
    given = program([], [], ["/mnt/docker"], 0, None).getvalue().decode()
    hanging = given.replace("command -v nvidia-container-runtime", "sleep 20").replace("$((LOCK_WAIT + 70))", "2")
    assert hanging.count("sleep 20") == 1
    done = subprocess.run(
        ["sh", "-c", HostSnapshot().command()], input=hanging, text=True, capture_output=True, timeout=18, check=True
    )
    seen = HostSnapshot().process(done.stdout.splitlines())
    assert "runtime" in seen.late and seen.cpus > 0


@pytest.mark.parametrize("lines", [["p:1 Connection refused", "p:1 ok"], ["p:1 ok", "p:1 Connection refused"]])
def test_a_name_that_answers_at_one_of_its_addresses_is_reached(lines):
    answer = captured()
    at = answer.index("@@@ peers") + 1
    assert parse_snapshot([*answer[:at], *lines, *answer[at:]]).peers["p:1"] == "ok"
