"""The kernel that a host boots next, and whether it has the driver."""

from __future__ import annotations

from cluster import Config
from tests.hosts.gpus import MODULE_NAME
from tests.hosts.probes import Answer, Probe

# GRUB takes its first entry, the newest kernel, unless its default or its saved entry names another.
NEXT_KERNEL = Probe(
    "next kernel",
    "entry=$(cat /etc/default/grub /etc/default/grub.d/*.cfg 2>/dev/null | grep ^GRUB_DEFAULT= | tail -n 1); "
    "case $entry in *saved*) entry=$(grep ^saved_entry= /boot/grub/grubenv) ;; esac; next=; named=; "
    "for kernel in $(ls /boot | sed -n 's/^vmlinuz-//p' | sort -V); do if [ -e /lib/modules/$kernel ]; then "
    "next=$kernel; case $entry in *$kernel*) named=$kernel ;; esac; fi; done; next=${named:-$next}; "
    f'[ -z "$next" ] || echo $next $(modinfo -k $next -F version {MODULE_NAME})',
)


def next_boot_fault(next_kernel: Answer, installed: str, config: Config) -> str | None:
    """Why the next boot will be without the driver `installed`; None where it is not, or nothing can be told.

    A host that shows no kernel, and one whose driver has no file (an image's own, a container's), boot what others say.
    """
    kernel, _, version = next_kernel.out.partition(" ")
    if not kernel or not installed or version == installed:
        return None
    has = f"driver {version}" if version else "no NVIDIA module"
    if config.nvidia_driver == "apt" or (config.nvidia_driver == "runfile" and config.nvidia_driver_dkms):
        remedy = (
            f"have DKMS build it there (`apt-get install linux-headers-{kernel}`, `dkms autoinstall -k {kernel}`), or "
            f"install Canonical's linux-modules-nvidia-* of that kernel where those are in use"
        )
    elif config.nvidia_driver == "runfile":
        remedy = "reboot into it and run the deploy, which installs the driver for it"
    else:
        remedy = "install the driver for it as for the running one"
    return (
        f"kernel {kernel}, which boots next, has {has}, not driver {installed} of the running one; {remedy}, "
        f"or remove that kernel (`apt-get purge linux-image-{kernel}`)"
    )
