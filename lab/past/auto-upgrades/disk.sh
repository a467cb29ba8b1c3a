# shellcheck shell=sh
# unattended-upgrades, its timers and apt's, which are at work when the deploy comes.
install unattended-upgrades
put /etc/apt/apt.conf.d/20auto-upgrades <<END
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
END
systemctl unmask -q apt-daily.timer apt-daily-upgrade.timer
systemctl enable -q apt-daily.timer apt-daily-upgrade.timer
