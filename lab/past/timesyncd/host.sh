# shellcheck shell=sh
put /etc/systemd/timesyncd.conf.d/company.conf <<END
[Time]
NTP=$GATEWAY
END
systemctl daemon-reload
systemctl restart systemd-timesyncd
timeout 60 sh -c 'until [ -e /run/systemd/timesync/synchronized ]; do sleep 0.5; done'
