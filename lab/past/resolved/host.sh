# shellcheck shell=sh
put /etc/systemd/resolved.conf.d/company.conf <<END
[Resolve]
DNS=$GATEWAY
END
systemctl restart systemd-resolved
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
