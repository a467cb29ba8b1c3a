"""Services that run with their present files, and reboots that a state calls for."""

from tasks.systemd.facts import CLOCK_RESOLUTION, CONTAINERS, Boot, ServiceState, started_at
from tasks.systemd.operations import fresh, reboot_for
