"""The production cluster: the folder inventories/prod/ as pyinfra groups."""

from tasks.reach import groups

dev_box, master, worker = groups(__file__)
