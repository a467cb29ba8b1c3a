# shellcheck shell=sh
# sshd started by systemd at each connection's coming, as Ubuntu has it since 22.10.
systemctl disable -q ssh.service
systemctl enable -q ssh.socket
