"""Modules, sysctls and swap as Kubernetes needs them, now and after a reboot.

pyinfra's server.modprobe fails where a module is built in, server.sysctl edits lines of a shared file, and nothing
there turns swap off.
"""

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from tasks.kubernetes.facts.kernel import PROVIDES, KernelState
from tasks.reach import Commands
from tasks.systemd import systemctl


@operation()
def modules(names: list[str]) -> Commands:
    """Load those of `names` that the kernel does not have in effect; their persistence is modules-load.d's affair."""
    present = host.get_fact(KernelState, sysctls=[]).modules
    for name in names:
        if name not in present:
            said = QuoteString(f"the kernel has no module {name}; install the package with the modules of kernel")
            yield StringCommand(
                "modprobe", QuoteString(name), f"&& {PROVIDES[name]} || {{ echo", said, '"$(uname -r)" >&2; exit 1; }'
            )


@operation()
def sysctls(values: dict[str, str]) -> Commands:
    """Set those of `values` that differ from the running kernel's."""
    running = host.get_fact(KernelState, sysctls=list(values)).sysctls
    for name, value in values.items():
        if running.get(name) != value:
            yield StringCommand("sysctl -q -w", QuoteString(f"{name}={value}"))


@operation()
def no_swap() -> Commands:
    """Turn swap off and keep it off: swap.target, which fstab's entries and swap units hang from, is masked."""
    kernel = host.get_fact(KernelState, sysctls=[])
    for unit in kernel.swap_services:
        yield from systemctl("disable", "--now", unit)
    if not kernel.swap_masked:
        yield from systemctl("mask", "swap.target")
    if kernel.swaps:
        yield StringCommand("swapoff -a")
