"""A lab host's kernel is the machine's: what a kubelet would change there, it gets as files of the host's own."""

from __future__ import annotations

from pathlib import Path

from lab.shell import run

TUNABLES = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
]
"""What the kubelet sets at its start (pkg/kubelet/cm/container_manager_linux.go), and what would be the machine's."""
NO_SWAP = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

# The files are on the host's /run, which nspawn has mounted by then and which is new at each boot.
SHIELD = """
set -e
folder=/run/openpai-lab/proc
mkdir -p "$folder"
printf '%s' "$1" > "$folder/swaps"
mount --bind "$folder/swaps" /proc/swaps
shift
for path; do
    mkdir -p "$folder/${path%/*}"
    cat "/proc/$path" > "$folder/$path"
    mount --bind "$folder/$path" "/proc/$path"
done
# A server's kernel has it, and OpenPAI gives it to every job; a container's /dev has not.
[ -e /dev/fuse ] || (umask 0; mknod /dev/fuse c 10 229)
"""


def on_boot(leader: int) -> None:
    """Called at each boot of a host, whose init is `leader`: its kubelet gets tunables and a list of swap of its own.

    Without it a kubelet sets the machine's, and refuses to start on a machine with swap, which no host can turn off."""
    paths = [f"sys/{name}" for name in TUNABLES if Path("/proc/sys", name).exists()]
    run("nsenter", f"--target={leader}", "--mount", "--root", "sh", "-c", SHIELD, "sh", NO_SWAP, *paths)
