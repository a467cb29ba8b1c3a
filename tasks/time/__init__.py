"""Clocks that are synchronised."""

from tasks.time.deploy import settle, synchronise
from tasks.time.facts import TimeDaemon, TimeSync
