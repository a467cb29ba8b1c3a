"""GPUs and their driver. What preflight names already (secure-boot, kernel-headers, fabric-manager) is there."""

from cluster.explanations.model import Explanation

GPU = {
    "driver-missing": Explanation(
        seen="no NVIDIA driver is installed for kernel ...; nvidia-smi is missing",
        why="nvidia_driver says preinstalled, and there is none for the kernel that runs, or none of its programs.",
        remedy="Install it, or have it installed: nvidia_driver: apt or runfile.",
    ),
    "driver-version": Explanation(
        seen="driver ... is installed but nvidia_driver_version asks for ...; driver ... is loaded, not ...",
        why="Workers are to run one driver, and this one runs another.",
        remedy="Change nvidia_driver_version, install that version, or reboot where it is installed already.",
    ),
    "driver-mismatch": Explanation(
        seen="driver/library version mismatch",
        why="The driver was upgraded on the disk, and the old one is still loaded: new GPU programs do not start.",
        remedy="Reboot the host, then run again. To keep it from coming back: the deploy holds the packages.",
    ),
    "driver-origin": Explanation(
        seen="driver ... is loaded but neither apt nor NVIDIA's runfile installed it; was installed by NVIDIA's "
        "runfile; was installed from apt",
        why="Two ways of installing overwrite each other's files, and neither takes the other's away.",
        remedy="Set nvidia_driver to the way that it was installed (preinstalled keeps it), or remove it by that way "
        "first, or allow its replacement: --data allow_disruption=yes where the line says so.",
    ),
    "driver-at-work": Explanation(
        seen="driver ... must be replaced but ... are at work",
        why="Programs on the GPUs hold the loaded driver, and would end with it.",
        remedy="Wait for them or stop them, or allow it: --data allow_disruption=yes. Nodes of the cluster: "
        "tasks.rolling.change.",
    ),
    "driver-branch": Explanation(
        seen="Ubuntu's driver packages are named by branch",
        why="There is no package that means the newest one.",
        remedy="Set nvidia_driver_branch, as 535 or 535-server.",
    ),
    "driver-offer": Explanation(
        seen="... is in none of the host's apt sources (offered: ...)",
        why="The package, or that version of it, is not where the host looks.",
        remedy="Add the source or component that has it (non-free on Debian, NVIDIA's repository), or ask for one that "
        "is offered.",
    ),
    "driver-installation": Explanation(
        seen="the installation left driver ... on the disk, not ...",
        why="NVIDIA's installer, or DKMS, ended without the module for this kernel.",
        remedy="Read the two logs in the line; most often a compiler, headers or room in /boot is missing.",
    ),
    "runfile-sum": Explanation(
        seen="... has sha256 ..., not ...",
        why="The runfile is not the one that the config means: cut off, another version, or changed.",
        remedy="Download it again, or correct nvidia_driver_runfile_sha256.",
    ),
    "nouveau-initramfs": Explanation(
        seen="nouveau is loaded from an initramfs that neither update-initramfs nor dracut is there to rebuild",
        why="nouveau keeps NVIDIA's driver out, and comes back at each boot.",
        remedy="apt-get install initramfs-tools, then run again.",
    ),
    "gpu-lost": Explanation(
        seen="nvidia-smi shows ... of the ... GPUs on the PCI bus; a GPU has fallen off the bus",
        why="The card does not answer its driver: heat, power, the slot, or the card itself.",
        remedy="dmesg shows the Xid; power-cycle the host, reseat the card, have it replaced if it comes back.",
    ),
    "gpu-hangs": Explanation(
        seen="nvidia-smi did not answer within ... s",
        why="The driver waits for a GPU that does not answer.",
        remedy="dmesg shows the Xid; power-cycle the host, as a reboot may hang too.",
    ),
    "nvidia-smi": Explanation(
        seen="nvidia-smi failed with exit status ...",
        why="The driver is not loaded, or not whole; nvidia-smi's own words are in the line.",
        remedy="Do what the line says; dmesg (NVRM) has the driver's own words.",
    ),
}
