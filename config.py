"""What pyinfra reads first in this folder: the run gets its screen, its log and its exit statuses."""

from tasks import progress

progress.watch()
