# shellcheck shell=sh
# chronyd leaves the clock alone, as Ubuntu's own start script has it in containers: it may not set it there.
put /etc/systemd/system/chrony.service.d/lab.conf <<END
[Service]
EnvironmentFile=/etc/systemd/system/chrony.service.d/options
END
echo 'DAEMON_OPTS="-F 1 -x"' | put /etc/systemd/system/chrony.service.d/options
systemctl daemon-reload
