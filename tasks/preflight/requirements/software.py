"""Requirements on what runs on a host: services, ports, Docker, the package manager, the clock."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from cluster import Config, Problem, Role
from cluster.versions import numbers
from tasks.apt import OsRelease
from tasks.docker import change_refusal
from tasks.preflight.model import CONTROLLED, EVERY, MASTERS, WORKERS, Severity, Subject, each_host, shortfall
from tasks.systemd import shims

# OpenPAI's own minimum; every release that Docker still serves is far newer.
OLDEST_DOCKER = (1, 10, 0)
# Kubernetes' own ports (kubernetes.io, "Ports and Protocols"), on every node and on the control plane.
NODE_PORTS = {10250: "kubelet", 10256: "kube-proxy"}
CONTROL_PORTS = {
    6443: "kube-apiserver", 2379: "etcd", 2380: "etcd", 10257: "kube-controller-manager", 10259: "kube-scheduler"
}  # fmt: skip
# Kernel names of Kubernetes' own processes, 15 characters of them: no strangers on its ports.
KUBERNETES = {port_owner[:15] for port_owner in (*NODE_PORTS.values(), *CONTROL_PORTS.values())}
RIVALS = {
    "crio": "CRI-O", "k3s": "k3s", "rke2": "RKE2", "microk8s": "MicroK8s", "docker-snap": "Docker from a snap"
}  # fmt: skip
# The first Kubernetes that runs on cgroup v2, and the last whose kubelet accepts v1 (kubernetes.io).
FIRST_CGROUP_V2, LAST_CGROUP_V1 = (1, 19), (1, 34)
# What kubeadm 1.20 and 1.21 look for (system-validators, DefaultSysSpec), beside what the kernel always has for v2.
CONTROLLERS = frozenset({"cpu", "cpuset", "memory", "pids"})
CONTROLLERS_V1 = frozenset({"cpuacct", "devices", "freezer"})

# The first releases with the package age, which encrypts backups; testing and unstable have no version.
AGE_SINCE = {"debian": (11,), "ubuntu": (22, 4)}


def has_age(release: OsRelease) -> bool:
    """Whether Debian's or Ubuntu's `release` has the package age."""
    return not release.version or numbers(release.version) >= AGE_SINCE.get(release.id, ())


def _kubernetes(config: Config) -> bool:
    return config.installer != "none"


def _docker(config: Config) -> bool:
    return config.docker_check


@each_host("ports", CONTROLLED, when=_kubernetes, needs_root=True)
def ports(subject: Subject) -> Iterable[Problem]:
    """The TCP ports of Kubernetes are free, or its own already."""
    return taken(subject, NODE_PORTS | CONTROL_PORTS if subject.host.role is Role.MASTER else NODE_PORTS)


def taken(subject: Subject, wanted: Mapping[int, str]) -> Iterable[Problem]:
    """The ports of `wanted`, with who each is for, that neither pods have nor Kubernetes, which holds some for pods."""
    for listener in subject.seen.ports:
        ours = listener.container == "kubernetes" or listener.process in KUBERNETES
        if listener.port in wanted and not ours:
            yield shortfall(
                f"{listener.port} taken by {listener.process or 'an unknown process'}",
                f"{listener.port} free for {wanted[listener.port]}",
                f"stop it (`ss -ltnp sport = :{listener.port}` shows it)",
            )


@each_host("swap", CONTROLLED, when=_kubernetes)
def swap(subject: Subject) -> Iterable[Problem]:
    """Swap is off, as the kubelet demands; the installer turns it off."""
    if subject.seen.swaps:
        yield shortfall(", ".join(subject.seen.swaps), "no swap", "`swapoff -a`, and remove it from /etc/fstab", True)


@each_host("cgroups", CONTROLLED, when=lambda config: config.installer == "kubeadm")
def cgroups(subject: Subject) -> Iterable[Problem]:
    """A cgroup hierarchy that the Kubernetes version supports: v2 from 1.19 on, v1 to 1.34."""
    version = numbers(subject.config.kubernetes_version)[:2]
    if subject.seen.cgroup == "v2" and version < FIRST_CGROUP_V2:
        needed, argument = "v1", "systemd.unified_cgroup_hierarchy=0"
    elif subject.seen.cgroup != "v2" and version > LAST_CGROUP_V1:
        needed, argument = "v2", "systemd.unified_cgroup_hierarchy=1"
    else:
        return
    needed = f"{needed} for Kubernetes {subject.config.kubernetes_version}"
    yield shortfall(subject.seen.cgroup, needed, f"boot with {argument}, or change kubernetes_version")


@each_host("cgroup-controllers", CONTROLLED, when=lambda config: config.installer == "kubeadm")
def cgroup_controllers(subject: Subject) -> Iterable[Problem]:
    """The kernel has the cgroup controllers that kubeadm's SystemVerification wants."""
    seen, passed = subject.seen, {"SystemVerification", "all"} & set(subject.config.kubeadm_ignore_preflight_errors)
    missing = (CONTROLLERS if seen.cgroup == "v2" else CONTROLLERS | CONTROLLERS_V1) - seen.controllers
    if missing and seen.controllers and not passed:
        yield shortfall(
            f"without {', '.join(sorted(missing))}",
            "all controllers of kubeadm's check",
            "boot a kernel that has them (`cat /proc/cmdline /proc/cgroups`: no cgroup_disable=), or set "
            "kubeadm_ignore_preflight_errors: [SystemVerification] in config.yaml",
        )


@each_host("container-runtimes", EVERY)
def container_runtimes(subject: Subject) -> Iterable[Problem]:
    """No other container runtime or Kubernetes that would take Docker's or the kubelet's place."""
    for name in subject.seen.rivals:
        yield shortfall(RIVALS.get(name, name), "Docker alone", f"remove {RIVALS.get(name, name)} from the host")


@each_host("docker", EVERY, when=_docker)
def docker(subject: Subject) -> Iterable[Problem]:
    """Docker newer than 1.10 is installed; the deploy installs it."""
    found = subject.seen.docker
    if not subject.gets_docker:
        return
    if not found.installed:
        yield shortfall("not installed", "Docker", "the deploy installs it", True)
    elif numbers(found.version) <= OLDEST_DOCKER:
        yield shortfall(found.version, "newer than 1.10", "the deploy replaces it", True)


@each_host("docker-change", EVERY, needs_root=True)
def docker_change(subject: Subject) -> Iterable[Problem]:
    """A Docker that is here may become the deploy's: not under containers, nor down by a major version unasked."""
    if subject.gets_docker and not subject.keeps_docker:
        seen, allowed = subject.seen, subject.survey.disruption or subject.rolls
        problem = change_refusal(seen.packages, seen.docker, shims(seen.driver.at_work), subject.config, allowed)
        if problem:
            yield replace(problem, needed="a Docker that may be changed, or need not be")


@each_host("docker-config", EVERY, when=_docker, needs_root=True)
def docker_config(subject: Subject) -> Iterable[Problem]:
    """Docker's configuration file, where there is one, is valid: the deploy merges its keys into it."""
    text, path = subject.seen.docker.file, subject.config.docker_config_file_path
    if text is None:
        return
    try:
        if isinstance(json.loads(text), dict):
            return
        found = "not a JSON object"
    except ValueError as error:
        found = str(error)
    yield shortfall(f"{path}: {found}", "valid JSON", f"correct {path} on the host, or move it away")


@each_host("docker-runtime", WORKERS, when=_docker, needs_root=True)
def docker_runtime(subject: Subject) -> Iterable[Problem]:
    """Docker's default runtime on workers is worker_default_docker_runtime; the deploy sets NVIDIA's."""
    needed = subject.config.worker_default_docker_runtime
    found = subject.seen.docker.info.get("DefaultRuntime")
    if found == needed:
        return
    # Docker comes with runc as its default.
    deployed = (needed == "nvidia" and subject.config.gpu_type == "nvidia") or (needed == "runc" and not found)
    fix = "the deploy sets it" if deployed else f"install {needed} and make it the default in daemon.json"
    yield shortfall(found or "no Docker", needed, fix, deployed)


@each_host("package-lock", EVERY, needs_root=True)
def package_lock(subject: Subject) -> Iterable[Problem]:
    """No other program holds the locks of apt and dpkg; waited for, package_lock_wait seconds."""
    if subject.seen.lock_holder:
        yield shortfall(
            f"held by {subject.seen.lock_holder} after {subject.seen.lock_waited} s",
            "free",
            "wait until it ends (unattended upgrades take minutes), or raise package_lock_wait in config.yaml",
        )


@each_host("packages-finished", EVERY, Severity.SHOULD)
def packages_finished(subject: Subject) -> Iterable[Problem]:
    """dpkg was not interrupted; the deploy has it finish first, where it installs something."""
    if subject.seen.unfinished:
        yield shortfall(", ".join(subject.seen.unfinished), "none half done", "the deploy has dpkg finish it", True)


@each_host("time-sync", CONTROLLED, Severity.SHOULD, needs_root=True)
def time_sync(subject: Subject) -> Iterable[Problem]:
    """A time daemon keeps the clock; the deploy installs one, on the hosts that ntp_hosts names."""
    time, config = subject.seen.time, subject.config
    deployed = config.ntp_hosts == "all" or subject.host.role is Role.MASTER
    if not time.synchronised:
        found = f"{time.unit} runs, not synchronised" if time.unit else "no time daemon"
        yield shortfall(found, "a synchronised clock", "the deploy sees to it" if deployed else "set ntp_hosts: all",
                        deployed)  # fmt: skip


@each_host("backups", MASTERS, Severity.SHOULD, when=lambda config: config.installer == "kubeadm")
def backups(subject: Subject) -> Iterable[Problem]:
    """The master has age, or its release does, which encrypts backups; without it none is made."""
    seen = subject.seen
    if not seen.age and not has_age(seen.os):
        fix = "put age and age-keygen into /usr/local/bin there, or install a newer release"
        yield shortfall(f"no backups: {seen.os.name} has no package age", "age", fix)


ALL = (
    ports, swap, cgroups, cgroup_controllers, container_runtimes, docker, docker_change, docker_config,
    docker_runtime, package_lock, packages_finished, time_sync, backups,
)  # fmt: skip
