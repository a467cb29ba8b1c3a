"""What a run shows, keeps and ends with: its stages, hosts that changed or failed, a summary, a log, an exit status."""

from tasks.progress.notes import DOCKER_RESTART, REBOOT, foresee, notes, would_stop
from tasks.progress.run import watch, watch_ours
