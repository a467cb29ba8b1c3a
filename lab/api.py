"""A lab as an object: what `python -m lab` and the end-to-end tests use."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from lab import (
    cgroups,
    fetched,
    folder,
    hosts,
    kubernetes,
    limits,
    machine,
    network,
    openpai,
    past,
    process,
    publish,
    services,
    supervisor,
)
from lab import plan as plans
from lab import state as states
from lab.settings import CACHE, DEFAULT_NAME, MOST_WORKERS, STATE, host_names
from lab.shell import LabError
from lab.state import LabHost, LabState
from lab.wait import wait_until

SSH_TIMEOUT = 180
"""Seconds from the start of a host to its sshd's greeting; about 2 are usual, and many more on a busy machine."""
INSIDE = {"PATH": process.PATH, "HOME": "/root", "LANG": "C.UTF-8"}


def _patiently(entered: subprocess.Popen[str], stdin: str | None) -> tuple[str, str]:
    """What the command behind an nsenter says.

    A host that shuts down stops its processes before it ends them; nsenter stops with its own, and would stay so."""
    while True:
        try:
            return entered.communicate(stdin, timeout=1)
        except subprocess.TimeoutExpired:
            stdin = None
            entered.send_signal(signal.SIGCONT)


class Lab:
    """The lab of a name; whether it exists yet is the machine's matter. `say` gets what takes long."""

    def __init__(self, name: str = DEFAULT_NAME, say: Callable[[str], None] = lambda _: None):
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
    def password(self) -> str:
        """The password of the SSH user."""
        return folder.password(self.state)

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
        workers: int | None = None,
        suite: str | None = None,
        suites: Mapping[str, str] | None = None,
        gpu: str | None = None,
        gpus: Mapping[str, str] | None = None,
        pasts: Mapping[str, str] | None = None,
        kubernetes: bool = False,
        openpai: bool = False,
        folder_path: Path | None = None,
        with_fetched: bool = False,
    ) -> None:
        """Make the lab, or start what of it does not run, or add workers to it; returns when every host greets.

        `suite` and `gpu` hold for all hosts and all workers, `suites` and `gpus` for single hosts by name; what is
        None stays as it is, or is 2 workers, bookworm, and GPUs with their driver (see lab/gpu/profile.py). GPU
        profile `none` makes a worker without. `pasts` are those of single hosts (see lab/past). `kubernetes` offers the
        lab's Kubernetes, building it if need be; `openpai` that and OpenPAI, on workers that have GPUs for it (profile
        `openpai`) where they are new. `with_fetched` gives new hosts what apt has fetched before (see lab/fetched.py).
        """
        if openpai and not gpu and not gpus and states.load(self.name) is None:
            gpu = "openpai"
        wanted = plans.wanted(states.load(self.name), workers, suite, suites or {}, gpu, gpus or {}, pasts or {})
        with states.lock(f"lab-{self.name}"):
            state = states.load(self.name)
            new = plans.new(state, wanted)
            suites_to_build = {host.suite for host in new if not list(CACHE.glob(f"base-{host.suite}-*"))}
            machine.check(len(new), len(suites_to_build))
            if state is None:
                state = self._found((folder_path or folder.default(self.name)).resolve())
            self._join(state, new, with_fetched)
            self._start(state)
            publish.standard(state, self._say)
            if kubernetes or openpai:
                self._offer_kubernetes(state)
            if openpai:
                self._offer_openpai(state)
            self._wait(state, state.hosts)

    def down(self) -> None:
        """End and remove everything of the lab, also of one that was killed half-way or never finished."""
        with states.lock(f"lab-{self.name}"):
            state = states.load(self.name)
            self._clear()
            if state:
                folder.remove(state)
            limits.restore()
            states.remove_root()

    def run(
        self, host: str, command: str, stdin: str | None = None, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` with sh as root inside a host; `check` raises CalledProcessError on failure.

        It does not go over SSH, nor under the host's system call filter: such a command could set the machine's clock.
        """
        pipe = subprocess.PIPE
        argv = [*self.enter(host), "sh", "-c", command]
        with subprocess.Popen(argv, env=INSIDE, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as entered:
            out, errors = _patiently(entered, stdin)
        done = subprocess.CompletedProcess(argv, entered.returncode, out, errors)
        if check:
            done.check_returncode()
        return done

    def age(self, host: str, profiles: str) -> None:
        """Give a running host a further past (see lab/past); LabError when that fails."""
        past.age(self.run, self.state, self.state.host(host), profiles)

    def enter(self, host: str) -> list[str]:
        """The command that runs what follows it as root inside a host, in root's home."""
        pid = hosts.need_leader(self.state, self.state.host(host))
        spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root")
        return ["nsenter", f"--target={pid}", *spaces, "env", "--chdir=/root"]

    def root(self, host: str) -> Path:
        """The running host's file system as the machine sees it."""
        return Path(f"/proc/{hosts.need_leader(self.state, self.state.host(host))}/root")

    def address(self, host: str) -> str:
        """The host's address."""
        return self.state.host(host).address

    def host_directory(self, host: str) -> Path:
        """The host's directory on the machine, with gpu/ and console.log."""
        return self.state.host_directory(self.state.host(host).name)

    def configure(self, **keys: object) -> None:
        """Set keys of the cluster folder's config.yaml; None removes a key."""
        folder.configure(self.state, keys)

    def openpai_fault(self, service: str, what: str | None, tag: str = openpai.TAG) -> None:
        """Have what pods of a service of OpenPAI run from now on be at fault (lab.openpai.FAULTS); None: sound again.

        The fault is in the images of the lab's registry, of version `tag`."""
        openpai.fault(self.state, service, what, tag)

    def running(self, host: str) -> bool:
        """Whether the host is up."""
        return hosts.leader(self.state, self.state.host(host)) is not None

    def stop(self, host: str) -> None:
        """Pull the host's plug; `start` boots it again from its disk."""
        state = self.state
        process.kill(self.name, hosts.part(state.host(host).name))
        cgroups.remove(self.name, host)  # waits for processes that do not carry the lab's mark
        network.wait_until_unplugged(hosts.machine(state, state.host(host)))

    def start(self, *names: str) -> None:
        """Boot those of the hosts that do not run and wait until their sshd greets."""
        state = self.state
        booting = [state.host(name) for name in names]
        for host in booting:
            self._boot(state, host)
        self._wait(state, booting)

    def reset(self, *names: str) -> None:
        """Give hosts a new disk and boot them: bare as after `up`, with new SSH host keys and the same password."""
        state = self.state
        for name in names:
            self.stop(name)
            hosts.wipe(state, state.host(name))
            hosts.make(state, state.host(name))
        self.start(*names)

    def _found(self, target: Path) -> LabState:
        """A new lab's state and folder, with a free network; clears what a killed lab of the name left first."""
        folder.check(target)
        self._clear()
        with states.lock("networks"):
            state = LabState(self.name, network.free_index(), str(target))
            state.save()
        folder.make(state)
        return state

    def _clear(self) -> None:
        """Remove what there is of the lab on the machine; nothing of it needs to exist."""
        process.kill(self.name)
        network.remove(self.name)
        cgroups.remove(self.name)
        if (STATE / self.name).exists():
            shutil.rmtree(STATE / self.name)
        machines = {f"{self.name}-{host}" for host in host_names(MOST_WORKERS)}
        for left in Path("/run/systemd/nspawn").glob("*/*"):
            if left.name in machines:  # and not another lab's whose name only begins so
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _join(self, state: LabState, new: list[LabHost], with_fetched: bool) -> None:
        for host in new:
            plans.place(state, host, self._say)
            hosts.make(state, host)
            if with_fetched:
                fetched.give(state, host)
            state.hosts.append(host)
        state.save()
        folder.write_hosts(state)

    def _start(self, state: LabState) -> None:
        limits.ensure()
        network.create(state)
        network.reach_directly(state.gateway)
        services.start(state)
        for host in state.hosts:
            self._boot(state, host)

    def _boot(self, state: LabState, host: LabHost) -> None:
        if not supervisor.running(state, host):
            process.kill(self.name, hosts.part(host.name))
            supervisor.start(state, host)

    def _offer_kubernetes(self, state: LabState) -> None:
        kubernetes.build(self._say)
        kubernetes.publish(services.web_root(state), state.registry)
        folder.configure(state, kubernetes.config(state.gateway))

    def _offer_openpai(self, state: LabState) -> None:
        self._say("offering OpenPAI's source and images (built once, in half a minute)")
        openpai.publish(state)
        folder.configure(state, openpai.config(state))

    def _wait(self, state: LabState, waited: list[LabHost]) -> None:
        def booted(host: LabHost) -> bool:
            if not process.find(self.name, hosts.part(host.name)):
                told = [line for line in console(host).read_text(errors="replace").splitlines() if line.strip()][-3:]
                raise LabError(f"{host.name} ended instead of booting ({console(host)}): {' / '.join(told)}")
            return hosts.leader(state, host) is not None and hosts.answers(host)

        def console(host: LabHost) -> Path:
            return state.host_directory(host.name) / "console.log"

        for host in waited:
            complaint = f"sshd of {host.name} does not answer; see {console(host)}"
            wait_until(partial(booted, host), SSH_TIMEOUT, complaint, 0.1)
        for host in waited:
            past.live(self.run, state, host)
