"""What a run shows, keeps and ends with: its stages, hosts that changed or failed, a summary, a log, an exit status."""

from tasks.progress.notes import DOCKER_RESTART, REBOOT, notes
from tasks.progress.run import watch
