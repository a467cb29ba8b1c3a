"""The disk images the hosts start from: what a plain server install has, once per suite, in the cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from lab import apt, cache
from lab.settings import CACHE, USER
from lab.shell import run

# What a server installed with "SSH server" and "standard system utilities" has and the deploy may count on; no
# Docker, NTP, Python, curl or gnupg, which the deploy must bring or do without.
PACKAGES = [
    *("systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "ca-certificates"),
    *("iproute2", "iputils-ping", "procps", "kmod", "initramfs-tools"),
]

UNWANTED = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*")
# A server of these releases was installed with /bin, /sbin and /lib merged into /usr, but no package of theirs does it.
MERGED_BY_INSTALLER = {"bullseye", "focal", "jammy"}
MERGE = 'for name in bin sbin lib lib32 lib64 libx32; do mkdir -p "$1/usr/$name"; ln -s "usr/$name" "$1/$name"; done'

# udev inside a container would act on the machine's devices; the apt timers would take apt's lock at their own times.
PREPARE = f"""
useradd --create-home --shell /bin/bash --groups sudo {USER}
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id
echo uninitialized > /etc/machine-id
systemctl mask --quiet systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
    systemd-udev-trigger.service systemd-udev-settle.service systemd-networkd.service systemd-resolved.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer getty.target \
    console-getty.service
mkdir -p /etc/systemd/journald.conf.d /mnt/docker /var/lib/docker /var/lib/containerd
mkdir -p /etc/systemd/system.conf.d
# A container that ignores SIGTERM would hold up each reboot for systemd's 90 seconds.
printf '[Manager]\\nDefaultTimeoutStopSec=10s\\n' > /etc/systemd/system.conf.d/lab.conf
printf '[Journal]\\nStorage=volatile\\nRuntimeMaxUse=16M\\nReadKMsg=no\\n' > /etc/systemd/journald.conf.d/lab.conf
printf 'force-unsafe-io\\n' > /etc/dpkg/dpkg.cfg.d/lab
update-ca-certificates >/dev/null 2>&1
"""


def ensure(suite: str, say: Callable[[str], None]) -> Path:
    """The directory with the base of `suite`, built when the cache lacks it."""
    sources = "\n".join(source.text() for source in apt.sources(suite))

    def build(draft: Path) -> None:
        say(f"building the base of {suite} hosts (once)")
        _build(suite, sources, draft)

    made_from = (_bootstrap(suite), PREPARE, sources, apt.options(), [path.read_text() for path in _certificates()])
    return cache.ensure(f"base-{suite}", made_from, build)


def _bootstrap(suite: str) -> list[str]:
    """The command that makes a root directory; it lacks only the directory, and the sources on standard input."""
    # In a mount namespace of its own, a killed run leaves none of the machine's /dev mounted in what is then removed.
    command = [
        "unshare",
        "--mount",
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
    ]
    command += [f"--dpkgopt=path-exclude={path}" for path in UNWANTED]
    return [*command, *([f"--setup-hook={MERGE}"] if suite in MERGED_BY_INSTALLER else []), suite]


def _build(suite: str, sources: str, draft: Path) -> None:
    run(*_bootstrap(suite), draft, "-", stdin=sources, env={**os.environ, "TMPDIR": str(CACHE)})
    for path in (draft / "etc/apt/sources.list.d").iterdir():
        path.unlink()
    (draft / "etc/apt/sources.list").unlink(missing_ok=True)
    (draft / f"etc/apt/sources.list.d/{apt.distribution()}.sources").write_text(sources)
    (draft / "etc/apt/apt.conf.d/10mirror").write_text(apt.options() + 'Acquire::Languages "none";\n')
    for source in apt.sources(suite):
        keyring = Path(source.signed_by or "/")
        inside = draft / str(keyring).lstrip("/")
        if keyring.is_file() and not inside.exists():
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(keyring, inside)
    for certificate in _certificates():
        shutil.copy(certificate, draft / "usr/local/share/ca-certificates")
    run("chroot", draft, "sh", "-eu", stdin=PREPARE)


def _certificates() -> list[Path]:
    """The authorities this machine trusts beyond Debian's: a company's proxy needs them on every host."""
    return sorted(Path("/usr/local/share/ca-certificates").glob("*.crt"))
