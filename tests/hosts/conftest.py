"""pytest tests/hosts --inventory FILE [--role ROLE]: the options, the hosts as parameters, and the fixtures.

A test module names its questions in `probes(cluster, host)` and the hosts that they apply to in a mark,
`applies_to(predicate)`; its tests take `target` (the host), `answers` (what the host said) or `host` (testinfra).
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from testinfra.host import Host as Connection

from cluster import Role, commands
from cluster.report import private_folder, renewed
from tests.hosts import outcomes, record, report
from tests.hosts.ahead import Ahead
from tests.hosts.connections import Connections, Unreachable, check_credentials
from tests.hosts.probes import Answer
from tests.hosts.snapshots import Snapshots
from tests.hosts.targets import Target, every_host, read
from tests.hosts.unreached import Unreached

targets_key = pytest.StashKey[tuple[Target, ...]]()
connections_key = pytest.StashKey[Connections]()
snapshots_key = pytest.StashKey[Snapshots]()
ahead_key = pytest.StashKey[Ahead]()
unreached_key = pytest.StashKey[Unreached]()
folder_key = pytest.StashKey[Path]()
last_key = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hosts", "verifying the hosts of a cluster")
    group.addoption("--inventory", metavar="FILE", help="pyinfra inventory of the cluster, as inventories/prod.py")
    group.addoption("--role", choices=[role.value for role in Role], help="only the hosts of this role")
    group.addoption("--report-dir", metavar="DIR", help="where verify.xml and verify.html go [reports/INVENTORY]")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # `pytest tests` meets this folder in passing, with no cluster to verify.
    named = any(Path(arg.partition("::")[0]).resolve().is_relative_to(Path(__file__).parent) for arg in config.args)
    if not named or config.option.help:
        return
    targets = read(config.option.inventory, config.option.role)
    config.stash[targets_key] = targets
    if not config.option.collectonly:
        check_credentials(targets)
        try:
            folder = Path(config.option.report_dir or private_folder(targets[0].inventory.stem))
        except OSError as error:
            raise pytest.UsageError(f"{error.filename}: {error.strerror}; name another --report-dir") from None
        config.stash[folder_key] = folder
        report.write_to(config, folder)
        config.stash[outcomes.outcomes_key] = []


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave the suite out of a run that has no cluster to verify."""
    return None if targets_key in config.stash else True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("applies_to")
    applies = mark.args[0] if mark else every_host
    targets = [t for t in metafunc.config.stash[targets_key] if applies(t.cluster, t.host)]
    metafunc.parametrize("target", targets, ids=[target.name for target in targets])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that applies to no host is not there, rather than skipped."""
    items[:] = [item for item in items if "target" not in _parameters(item) or _target(item)]


def _parameters(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def _target(item: pytest.Item) -> Target | None:
    value = _parameters(item).get("target")
    return value if isinstance(value, Target) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Ask all hosts at once for what the collected tests will want to know."""
    config = session.config
    if targets_key not in config.stash or config.option.collectonly:
        return
    folder = Path(tempfile.mkdtemp(prefix="verify-"))
    connections = Connections(folder)
    snapshots = Snapshots(connections)
    config.stash[connections_key], config.stash[snapshots_key] = connections, snapshots
    ahead = config.stash[ahead_key] = Ahead()

    def close() -> None:
        ahead.close()
        snapshots.close()
        connections.close()
        shutil.rmtree(folder)

    config.add_cleanup(close)
    targets = config.stash[targets_key]
    connections.open(targets, _dev_box(config))
    functions = [item for item in session.items if isinstance(item, pytest.Function)]
    wanted = [function for function in functions if "answers" in function.fixturenames]
    pairs = [(target, item.module) for item in wanted if (target := _target(item))]
    terminal = config.get_terminal_writer()
    terminal.line(f"asking {len({target.name for target, _ in pairs})} hosts ...")
    start = time.monotonic()
    ahead.begin(functions, connections, targets)
    snapshots.prefetch(pairs)
    ahead.wait()
    config.stash[unreached_key] = Unreached(snapshots.unreached())
    terminal.line(f"answered after {time.monotonic() - start:.1f} s")


def _dev_box(config: pytest.Config) -> Target:
    """The dev box, also when --role leaves it out."""
    first = config.stash[targets_key][0]
    return Target(first.cluster.dev_box, first.cluster, first.inventory)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A host that gives no answer is one error; what else would be asked of it, or by it, is not run."""
    if unreached_key not in item.config.stash:
        return
    target, fixtures = _target(item), getattr(item, "fixturenames", ())
    asked = [target, _dev_box(item.config) if {"dev_box", "kubectl"} & set(fixtures) else None]
    for each in filter(None, asked):
        item.config.stash[unreached_key].look(each)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever a failure says, it says without the cluster's secrets."""
    result = yield
    if targets_key not in item.config.stash:
        return result
    if outcome := outcomes.judged(item, call, result, _target(item)):
        item.config.stash[outcomes.outcomes_key].append(outcome)
    if result.failed:
        said = result.longreprtext
        shown = report.hide_secrets(said, item.config.stash[targets_key][0].cluster)
        if shown != said:
            result.longrepr = shown
    return result


def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """Notes go on top of the HTML report."""
    prefix.extend(report.notes_as_html(session.config))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """What failed by cause, in the place of pytest's own section for each failed test; and the notes."""
    if unreached_key in config.stash:
        config.option.tbstyle, terminalreporter.reportchars = "no", ""
        found = config.stash[outcomes.outcomes_key]
        said = [str(cause) for cause in outcomes.causes(found)]
        said += outcomes.left_out(found, config.stash[unreached_key].names)
        if said:
            terminalreporter.section("what is wrong")
        width = terminalreporter._tw.fullwidth if terminalreporter.isatty else None
        for text in said:
            for line in outcomes.wrapped(text, width):
                terminalreporter.write_line(line)
        notes = report.notes(config)
        if notes:
            terminalreporter.section("worth knowing")
        for line in [line for note in notes for text in note.splitlines() for line in outcomes.wrapped(text, width)]:
            terminalreporter.write_line(line)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what was found for the cluster's report, and renew that."""
    stash = session.config.stash
    if unreached_key not in stash:
        return
    targets, found = stash[targets_key], stash[outcomes.outcomes_key]
    content = record.document(targets, found, stash[snapshots_key].heard())
    cluster = targets[0].cluster
    lead_on = commands.first_job if cluster.config.openpai else commands.preflight
    after = (lead_on if session.exitstatus == pytest.ExitCode.OK else commands.verify)(cluster.folder)
    stash[last_key] = f"next: {after}\n{renewed(stash[folder_key], {'verify.json': content})}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of the run: where its report is."""
    if last_key in config.stash:
        config.get_terminal_writer().line(config.stash[last_key])


@pytest.fixture(scope="session")
def targets(pytestconfig: pytest.Config) -> tuple[Target, ...]:
    """Every host that this run verifies."""
    return pytestconfig.stash[targets_key]


@pytest.fixture
def host(pytestconfig: pytest.Config, target: Target) -> Connection:
    """testinfra's connection to `target`, for what `answers` cannot say; commands run as the config's user."""
    return pytestconfig.stash[connections_key].to(target)


@pytest.fixture(scope="session")
def snapshots(pytestconfig: pytest.Config) -> Snapshots:
    """The answers of all hosts."""
    return pytestconfig.stash[snapshots_key]


@pytest.fixture(scope="module")
def ask(request: pytest.FixtureRequest, snapshots: Snapshots) -> Callable[[Target], dict[str, Answer]]:
    """A function: what any host answered to the probes of the test's module, by probe name."""

    def answers_of(target: Target) -> dict[str, Answer]:
        try:
            return snapshots.get(target, request.module)
        except Unreachable as error:
            why = str(error)
        request.config.stash[unreached_key].met(target, why)

    return answers_of


@pytest.fixture
def answers(target: Target, ask: Callable[[Target], dict[str, Answer]]) -> dict[str, Answer]:
    """What `target` answered to the probes of the test's module, by probe name."""
    return ask(target)


@pytest.fixture
def dev_box(pytestconfig: pytest.Config) -> Target:
    """The dev box, also when --role leaves it out."""
    return _dev_box(pytestconfig)
