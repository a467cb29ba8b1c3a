#!/bin/sh
# Start the fabric manager, now and at each boot; where it does not run, say its own last words. Without a reload of systemd,
# which costs running containers their GPU on cgroup v2; apt has seen to that for a new unit. Enabled by its files alone:
# told by --no-reload, systemd from 254 on says NeedDaemonReload of every unit.
set -eu
unit=nvidia-fabricmanager.service
systemctl --root=/ enable --quiet $unit
systemctl restart $unit || {
    tail -n 5 /var/log/fabricmanager.log >&2 || :
    journalctl --no-pager --output cat --lines 5 --unit $unit >&2
    echo "the fabric manager does not start, and without it CUDA cannot use the GPUs; see above, and NVSwitch in dmesg" >&2
    exit 1
}
