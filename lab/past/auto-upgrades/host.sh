# shellcheck shell=sh
put /etc/apt/apt.conf.d/80company-proxy <<END
Acquire::http::Proxy "$PROXY";
END
systemctl start --no-block apt-daily.service apt-daily-upgrade.service
