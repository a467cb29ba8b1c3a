# shellcheck shell=dash
# Docker restarted with its configuration file $1; it has $2 seconds to answer. A daemon that does not come back gets
# $1.previous back, and this fails all the same.
set -u
file=$1 patience=$2
start() { systemctl restart docker.service && timeout "$patience" docker info >/dev/null; }
if start; then exit; fi
journalctl -u docker.service -n 5 --no-pager -o cat >&2
echo "dockerd does not start with $file" >&2
if [ -e "$file.previous" ]; then
    cp -p "$file" "$file.rejected" && cp -p "$file.previous" "$file.new" && mv -f "$file.new" "$file" &&
        systemctl reset-failed docker.service && start &&
        echo "dockerd runs again with the previous file; the rejected one is $file.rejected" >&2
fi
exit 1
