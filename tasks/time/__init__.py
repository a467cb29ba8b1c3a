"""Clocks that are synchronised."""

from tasks.time.deploy import synchronise
from tasks.time.facts import TimeDaemon, TimeSync
