"""Source code at one commit."""

from tasks.git.operations import checked_out, proxies

__all__ = ["checked_out", "proxies"]
