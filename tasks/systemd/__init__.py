"""Services that run with their present files, and reboots that a state calls for."""

from tasks.systemd.at_work import ON_GPUS, beyond_pods, in_words, read_lines, shims
from tasks.systemd.facts import (
    AT_WORK,
    BOOT_ID,
    CLOCK,
    CLOCK_RESOLUTION,
    GPU_PROCESSES,
    Boot,
    LosingGpus,
    ServiceState,
    started_at,
)
from tasks.systemd.operations import (
    ALLOW_REBOOT,
    fresh,
    reboot_for,
    reread,
    scheduled,
    systemctl,
    unscheduled,
)
