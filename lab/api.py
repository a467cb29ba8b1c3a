"""A lab as an object: what `python -m lab` and the end-to-end tests use."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lab import (
    base,
    cgroups,
    docker_packages,
    folder,
    gpu,
    hosts,
    images,
    limits,
    machine,
    network,
    process,
    repository,
    services,
    supervisor,
)
from lab import state as states
from lab.settings import DEFAULT_SUITE, DEV_BOX, MASTER, STATE, worker_name
from lab.shell import LabError
from lab.state import LabHost, LabState

SSH_TIMEOUT = 60
INSIDE = {"PATH": process.PATH, "HOME": "/root", "LANG": "C.UTF-8"}


class Lab:
    """The lab of a name; whether it exists yet is the machine's matter."""

    def __init__(self, name: str = "lab", say: Callable[[str], None] = lambda _: None):
        states.check_name(name)
        self.name = name
        self._say = say

    @property
    def state(self) -> LabState:
        """The lab as remembered; LabError when there is none."""
        return states.need(self.name)

    @property
    def hosts(self) -> list[LabHost]:
        """Dev box, master, workers."""
        return self.state.hosts

    @property
    def folder(self) -> Path:
        """The cluster folder: master.csv, worker.csv, config.yaml."""
        return Path(self.state.folder)

    @property
    def inventory(self) -> Path:
        """The pyinfra inventory file over the cluster folder."""
        return folder.inventory(self.state)

    @property
    def gateway(self) -> str:
        """The machine's address in the lab's network."""
        return self.state.gateway

    @property
    def web_root(self) -> Path:
        """What http://GATEWAY:8080/ serves."""
        return services.web_root(self.state)

    def up(
        self,
        workers: int = 2,
        suites: Mapping[str, str] | None = None,
        suite: str = DEFAULT_SUITE,
        gpus: Mapping[str, str] | None = None,
        folder_path: Path | None = None,
    ) -> None:
        """Make the lab, or start what of it does not run, or add workers to it; returns when every host greets.

        `suites` and `gpus` give single hosts another suite or GPU profile by name.
        """
        wanted = _wanted(workers, suite, suites or {}, gpus or {})
        with states.lock(f"lab-{self.name}"):
            state = states.load(self.name)
            new = [host for host in wanted if state is None or host.name not in {known.name for known in state.hosts}]
            machine.check(len(new), len({host.suite for host in new}))
            target = (folder_path or folder.default(self.name)).resolve()
            if state is None:
                folder.check(target)
                state = self._found(target)
            self._join(state, wanted, new)
            self._start(state)

    def down(self) -> None:
        """End and remove everything of the lab, also of one that was killed half-way or never finished."""
        with states.lock(f"lab-{self.name}"):
            state = states.load(self.name)
            process.kill(self.name)
            network.remove(self.name)
            cgroups.remove(self.name)
            if state:
                folder.remove(state)
            shutil.rmtree(STATE / self.name, ignore_errors=True)
            for left in Path("/run/systemd/nspawn").glob(f"*/{self.name}-*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            limits.restore()
            if STATE.is_dir() and not any(STATE.iterdir()):
                STATE.rmdir()

    def run(
        self, host: str, command: str, stdin: str | None = None, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` with sh as root inside a host, not over SSH; `check` raises CalledProcessError on failure."""
        argv = [*self.enter(host), "sh", "-c", command]
        return subprocess.run(argv, input=stdin, env=INSIDE, capture_output=True, text=True, check=check)

    def enter(self, host: str) -> list[str]:
        """The command that runs what follows it as root inside a host."""
        pid = hosts.need_leader(self.state, self.state.host(host))
        return [
            "nsenter",
            f"--target={pid}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--root",
            "env",
            "--chdir=/root",
        ]

    def root(self, host: str) -> Path:
        """The running host's file system as the machine sees it."""
        return Path(f"/proc/{hosts.need_leader(self.state, self.state.host(host))}/root")

    def address(self, host: str) -> str:
        """The host's address."""
        return self.state.host(host).address

    def host_directory(self, host: str) -> Path:
        """The host's directory on the machine, with gpu/ and console.log."""
        return self.state.host_directory(host)

    def running(self, host: str) -> bool:
        """Whether the host is up."""
        return hosts.leader(self.state, self.state.host(host)) is not None

    def stop(self, host: str) -> None:
        """Pull the host's plug; `start` boots it again from its disk."""
        process.kill(self.name, hosts.part(self.state.host(host).name))

    def start(self, host: str) -> None:
        """Boot a host that does not run and wait until its sshd greets."""
        state = self.state
        if not self.running(host):
            self.stop(host)
            supervisor.start(state, state.host(host))
        self._wait(state, [state.host(host)])

    def _found(self, target: Path) -> LabState:
        """A new lab's state, with a free network; clears what a killed lab of the name left first."""
        process.kill(self.name)
        network.remove(self.name)
        cgroups.remove(self.name)
        shutil.rmtree(STATE / self.name, ignore_errors=True)
        with states.lock("networks"):
            state = LabState(self.name, network.free_index(), str(target), secrets.token_urlsafe(12))
            state.save()
        return state

    def _join(self, state: LabState, wanted: list[LabHost], new: list[LabHost]) -> None:
        known = {host.name: host for host in state.hosts}
        for host in wanted:
            if host.name in known and host.suite != known[host.name].suite:
                raise LabError(
                    f"{host.name} is a {known[host.name].suite} host, not {host.suite}; "
                    f"take the lab down first: python -m lab down --name {self.name}"
                )
        if len(state.hosts) > len(wanted):
            raise LabError(
                f"lab {self.name} has {len(state.hosts) - 2} workers already; "
                f"to have fewer, take it down first: python -m lab down --name {self.name}"
            )
        for host in new:
            host.base = str(base.ensure(host.suite, self._say))
            host.address = state.address(_last_byte(host))
            hosts.make(state, host)
            state.hosts.append(host)
        state.save()

    def _start(self, state: LabState) -> None:
        limits.ensure()
        network.create(state)
        services.start(state)
        starting = [host for host in state.hosts if hosts.leader(state, host) is None]
        for host in starting:
            process.kill(self.name, hosts.part(host.name))
            supervisor.start(state, host)
        self._publish(state)
        folder.write(state)
        self._wait(state, state.hosts)

    def _publish(self, state: LabState) -> None:
        for suite, root in {host.suite: host.base for host in state.hosts}.items():
            version_id = _version_id(Path(root))
            built = docker_packages.ensure(suite, version_id, self._say)
            vendor = self.web_root / "docker/linux" / docker_packages.apt.distribution()
            (vendor / "dists").mkdir(parents=True, exist_ok=True)
            (vendor / "gpg").write_text(repository.armored_key())
            link = vendor / "dists" / suite
            link.unlink(missing_ok=True)
            link.symlink_to(built / "dists" / suite)
        images.push_standard(state)
        gpu.publish(state)
        gpu.push_image(state)

    def _wait(self, state: LabState, waited: list[LabHost]) -> None:
        deadline = time.monotonic() + SSH_TIMEOUT
        for host in waited:
            while not hosts.answers(host):
                console = state.host_directory(host.name) / "console.log"
                if not process.find(self.name, hosts.part(host.name)):
                    told = console.read_text(errors="replace").strip().splitlines()[-3:]
                    raise LabError(f"{host.name} ended instead of booting ({console}): {' / '.join(told)}")
                if time.monotonic() > deadline:
                    raise LabError(f"sshd of {host.name} does not answer after {SSH_TIMEOUT} s; see {console}")
                time.sleep(0.1)


def _wanted(workers: int, suite: str, suites: Mapping[str, str], gpus: Mapping[str, str]) -> list[LabHost]:
    if not 1 <= workers <= 200:
        raise LabError(f"a lab has 1 to 200 workers, not {workers}")
    names = [DEV_BOX, MASTER, *(worker_name(number) for number in range(1, workers + 1))]
    for name in (*suites, *gpus):
        if name not in names:
            raise LabError(f"there is no host {name} in this lab; it has {', '.join(names)}")
    roles = {DEV_BOX: "dev_box", MASTER: "master"}
    gpus = {name: "default" for name in names if name not in roles} | dict(gpus)
    return [LabHost(name, roles.get(name, "worker"), "", suites.get(name, suite), "", gpus.get(name)) for name in names]


def _last_byte(host: LabHost) -> int:
    return {DEV_BOX: 10, MASTER: 11}.get(host.name) or 20 + int(host.name.rsplit("-", 1)[1])


def _version_id(root: Path) -> str:
    lines = (root / "etc/os-release").read_text().splitlines()
    return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("VERSION_ID=")), "")
