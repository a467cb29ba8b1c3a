"""The report: what is on its page, whatever records there are."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cluster.report import renewed, save, write
from tests.unit import report_samples
from tests.unit.report_samples import UNREACHED, worker

KINDS = ("preflight", "deploy", "verify")


class Page(HTMLParser):
    """Its text, its tags with their attributes, and the rows of its tables."""

    def __init__(self, html: str):
        super().__init__()
        self.html, self.tags, self.rows, self._words = (
            html,
            list[tuple[str, dict[str, str | None]]](),
            list[list[str]](),
            "",
        )
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._words = ""

    def handle_data(self, data):
        self.text += data
        self._words += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(" ".join(self._words.split()))

    def row(self, start: str) -> list[str]:
        return next(row for row in self.rows if row and row[0].startswith(start))


def page(folder: Path) -> Page:
    return Page(write(folder).read_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of twenty workers after all three."""
    return page(report_samples.write(tmp_path_factory.mktemp("whole") / "prod"))


def test_every_failure_is_there_with_its_remedy(whole: Page) -> None:
    for words in (
        "openpai-[003-004]", "HOST: modprobe nvidia: No such device", "look for NVRM in dmesg; power-cycle the host",
        "openpai-[015-018]", "add memory, or lower worker_min_memory_mb in config.yaml",
        "ADDRESS: no SSH connection to port 22 (timed out)", "check that the machine is up, its address and its sshd",
        "found Docker's default runtime runc; needed nvidia; run the deploy", "8 checks were not run",
        "reports/prod/run.log (openpai-003)", "pyinfra inventories/prod.py deploy.py",
    ):  # fmt: skip
        assert words in whole.text, words
    assert whole.text.count("6 to be mended") == 2  # in the title too


def test_hosts_by_stages(whole: Page) -> None:
    heading = ["Hosts", "Role", "Preflight", *list(report_samples.STAGES)[1:], "Verification"]
    assert whole.rows[0] == heading
    assert whole.row("openpai-[007,012]")[2:5] == ["✕ failed", "\N{EN DASH} not run", "\N{EN DASH} not run"]
    assert whole.row("openpai-[003-004]")[6] == "✕ failed" and whole.row("openpai-[015-018]")[-1] == "✓ well"
    for name in report_samples.names(20):
        assert [name] == [row[0] for row in whole.rows if row and row[0] == name and len(row) == len(heading)][:1]


def test_what_else_is_on_it(whole: Page) -> None:
    assert next(row for row in whole.rows if row[0] == "openpai-009" and len(row) == 5)[-1].startswith(
        "▲ GPU 00000000:3B:00.0 has memory to be remapped"
    )
    assert "▲ 0 of 8 GPUs answer" in whole.text and "8 x NVIDIA A100-SXM4-80GB" in whole.text
    assert ["openpai-master-01", "pki/etcd/server.crt", "21"] in whole.rows
    assert whole.html.index("pki/etcd/server.crt") < whole.html.index("admin.conf"), "the first to end comes first"
    assert "23 of 23" in whole.text and "within 10 ms" in whole.text
    assert next(row for row in whole.rows if "Docker | daemon.json" in row)[1:] == [
        "Docker", "Docker | daemon.json", "dev-box, openpai-[001-006,008-011,013-020], openpai-master-01",
    ]  # fmt: skip
    assert '<svg xmlns="http://www.w3.org/2000/svg" id="chart-stages"' in whole.html and "9 min 7 s" in whole.text


def test_it_is_one_file_without_scripts(whole: Page) -> None:
    assert {tag for tag, _ in whole.tags} & {"script", "img", "iframe", "object"} == set()
    assert [attributes["href"] for tag, attributes in whole.tags if tag == "link"] == ["data:,"]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", whole.html)
    links = [attributes["href"] for tag, attributes in whole.tags if tag == "a"]
    ids = {attributes["id"] for _, attributes in whole.tags if "id" in attributes}
    assert links and all(link and link.startswith("#") and link[1:] in ids for link in links)


def test_the_same_records_make_the_same_page(tmp_path: Path) -> None:
    folder = report_samples.write(tmp_path / "prod")
    assert write(folder).read_bytes() == write(folder).read_bytes()
    assert (folder / "index.html").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kinds", [(), *((kind,) for kind in KINDS), ("preflight", "verify")])
def test_any_of_the_records_may_be_missing(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    folder = tmp_path / "prod"
    folder.mkdir()
    found = page(report_samples.write(folder, kinds=kinds))
    assert ("nothing was run yet" in found.text) == (not kinds)
    assert ("Time of each stage" in found.text) == ("deploy" in kinds)
    if kinds:
        assert worker(UNREACHED[0]) in found.text


@pytest.mark.parametrize("content", ["", "[]", "{", '{"hosts": 7}', '{"stages": [{"name": "Docker"}]}', "\xff"])
def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    folder = report_samples.write(tmp_path / "prod")
    (folder / "deploy.json").write_bytes(content.encode("latin-1"))
    found = page(folder)
    assert "Not shown, as it cannot be read: deploy.json: " in found.text
    assert "pki/etcd/server.crt" in found.text, "the others are shown"


def test_what_hosts_say_is_text_and_no_password_stays(tmp_path: Path) -> None:
    folder = report_samples.write(tmp_path / "prod")
    record = json.loads((folder / "deploy.json").read_text())
    evil = "<script>alert(1)</script><b onload=x> http://me:hunter2@proxy:3128 refused </style>"
    record["hosts"]["openpai-003"]["failure"]["reason"] = evil
    record["stages"][0]["name"] = evil
    record["next"] = evil
    save(folder / "deploy.json", record)
    found = page(folder)
    assert "<script>alert(1)</script>" in found.text and "hunter2" not in found.html
    assert "script" not in {tag for tag, _ in found.tags} and not any("onload" in each for _, each in found.tags)


def test_a_hundred_hosts_are_few_rows_and_each_one_too(tmp_path: Path) -> None:
    found = page(report_samples.write(tmp_path / "prod", workers=100))
    first = [row for row in found.rows if row and len(row) == len(found.rows[0])]
    alike = [row for row in first[1:] if row[0] != "Host"][: [row[0] for row in first].index("Host") - 1]
    assert len(alike) <= 10
    assert {name for name in report_samples.names(100)} <= {row[0] for row in first}
    assert len(found.html) < 300_000


def test_a_run_never_fails_for_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert renewed(tmp_path / "reports/prod", {"deploy.json": report_samples.deploy(3)}) == (
        "report: reports/prod/index.html"
    )
    (tmp_path / "file").touch()
    assert renewed(tmp_path / "file/prod", {"x.json": {}}).startswith("the report could not be written: ")
    monkeypatch.setattr("cluster.report.files.write", lambda folder: 1 / 0)
    said = renewed(tmp_path / "reports/prod", {})
    assert said.startswith("the report could not be made: ZeroDivisionError: division by zero; remove ")
