"""Source code at one commit."""

from tasks.git.operations import checked_out, proxies
