"""One host: its disk, its identity, and how systemd-nspawn boots it."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from pathlib import Path

from lab import apt, folder, gpu, process
from lab.settings import USER
from lab.shell import LabError, run
from lab.state import LabHost, LabState

# dockerd and its containers need @keyring and bpf; the clock is the machine's own, no host may set it.
SYSTEM_CALLS = ("@keyring bpf", "~clock_adjtime clock_settime settimeofday adjtimex")
# overlay2 refuses to work on the overlay that is the host's disk, so what Docker stores lies on the machine's disk.
VOLUMES = ("/mnt/docker", "/var/lib/docker", "/var/lib/containerd")


def part(name: str) -> str:
    """The name under which a host's processes are found."""
    return f"host:{name}"


def machine(lab: LabState, host: LabHost) -> str:
    """The host's name for systemd-nspawn, and so on this machine."""
    return f"{lab.name}-{host.name}"


def make(lab: LabState, host: LabHost) -> None:
    """Make the empty directories of a host; its disk is mounted by its supervisor."""
    directory = lab.host_directory(host.name)
    for name in ("root", "upper", "work", "gpu", *(f"volumes{volume}" for volume in VOLUMES)):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "upper").chmod(0o755)
    gpu.prepare(directory, host.gpu, system(host).id)


def wipe(lab: LabState, host: LabHost) -> None:
    """Remove all that a stopped host has written."""
    for name in ("upper", "work", "gpu", "volumes"):
        shutil.rmtree(lab.host_directory(host.name) / name)
    aged(lab, host).unlink(missing_ok=True)


def aged(lab: LabState, host: LabHost) -> Path:
    """The file that says that the host's past has run on it."""
    return lab.host_directory(host.name) / "aged"


def disks(host: LabHost) -> list[Path]:
    """What a new host's disk stands on, the upper first: what its past adds, and the base of its suite."""
    return [*([Path(host.layer, "disk")] if host.layer else []), Path(host.base)]


def system(host: LabHost) -> apt.System:
    """What a new host says it is: its suite, or another system by name that its past makes of it."""
    return next(apt.system(disk) for disk in disks(host) if (disk / apt.OS_RELEASE).exists())


def mount(lab: LabState, host: LabHost) -> Path:
    """Mount the host's disk, an overlay of what `disks` names, in the caller's mount namespace; returns its root.

    What a host writes need not outlive a power failure of this machine: nobody waits for the disk of a volatile
    overlay, as dpkg and etcd do for seconds. Its mark, which keeps it from being mounted again, tells of a failure.
    """
    directory = lab.host_directory(host.name)
    lower = ":".join(map(str, disks(host)))
    own = directory / "work"
    layers = f"volatile,lowerdir={lower},upperdir={directory}/upper,workdir={own}"
    shutil.rmtree(own / own.name / "incompat", ignore_errors=True)
    run("mount", "-t", "overlay", "overlay", "-o", layers, directory / "root")
    return directory / "root"


def personalise(lab: LabState, host: LabHost, root: Path) -> None:
    """Give a new disk what no two machines share: name, machine id, SSH host keys, and the lab's password."""
    identity = root / "etc/machine-id"
    if identity.read_text().strip() not in ("", "uninitialized"):
        return
    (root / "etc/hostname").write_text(f"{host.name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1\tlocalhost\n127.0.1.1\t{host.name}\n::1\tlocalhost\n")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text(f"nameserver {lab.gateway}\n")
    for kind in ("ed25519", "ecdsa"):
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        key.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{host.name}", "-f", key)
    hashed = run("openssl", "passwd", "-6", "-stdin", stdin=folder.password(lab)).stdout.strip()
    shadow = root / "etc/shadow"
    lines = shadow.read_text().splitlines()
    changed = [f"{USER}:{hashed}:{line.split(':', 2)[2]}" if line.startswith(f"{USER}:") else line for line in lines]
    shadow.write_text("\n".join(changed) + "\n")
    identity.write_text(f"{uuid.uuid4().hex}\n")  # last: it marks the disk as finished


def nspawn_command(lab: LabState, host: LabHost) -> list[str]:
    """The command that boots the host; it ends with 133 when the host reboots."""
    directory = lab.host_directory(host.name)
    return [
        "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=read-only",
        f"--directory={directory}/root", f"--machine={machine(lab, host)}", f"--hostname={host.name}",
        f"--network-bridge={lab.bridge}", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
        "--capability=all", *(f"--system-call-filter={calls}" for calls in SYSTEM_CALLS),
        "--bind=/dev/kmsg", f"--bind-ro={directory}/gpu:/opt/lab-gpu",
        *(f"--bind={directory}/volumes{volume}:{volume}" for volume in VOLUMES),
        # The host's init outlives a killed nspawn: it must be found as a process of the lab, too.
        *(f"--setenv={key}={value}" for key, value in process.marks(lab.name, part(host.name)).items()),
    ]  # fmt: skip


def environment(root: Path) -> dict[str, str]:
    """What nspawn itself must know: kubelet writes to /proc/sys; systemd from 256 on is meant for cgroup v2 only.

    No lock is needed on a disk that one supervisor has in its own mount namespace, and its file would stay in /run.
    """
    settings = {**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1", "SYSTEMD_NSPAWN_LOCK": "0"}
    if any(_systemd_version(path) >= 256 for path in root.glob("usr/lib/**/libsystemd-shared-*.so")):
        settings["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "1"
    return settings


def leader(lab: LabState, host: LabHost) -> int | None:
    """The process id of the host's init as the machine sees it; None when the host does not run."""
    return next((pid for pid in process.find(lab.name, part(host.name)) if _is_init(pid)), None)


def answers(host: LabHost, patience: float = 1) -> bool:
    """Whether the host's sshd takes a connection within `patience` seconds, and greets within as many more."""
    try:
        with socket.create_connection((host.address, 22), timeout=patience) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def need_leader(lab: LabState, host: LabHost) -> int:
    """The host's init; LabError when the host does not run."""
    pid = leader(lab, host)
    if pid is None:
        raise LabError(f"{host.name} does not run; start it with: python -m lab up --name {lab.name}")
    return pid


def _systemd_version(library: Path) -> int:
    digits = library.stem.removeprefix("libsystemd-shared-").split(".")[0]
    return int(digits) if digits.isdigit() else 0


def _is_init(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    ids = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(ids) > 1 and ids[-1] == "1" and status.startswith("Name:\tsystemd\n")
