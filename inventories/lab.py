"""The rehearsal lab (python -m lab up): the folder inventories/lab/ as pyinfra groups."""

from tasks.reach import groups

dev_box, master, worker = groups(__file__, made_by="python -m lab up")
