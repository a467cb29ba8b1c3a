# shellcheck shell=dash
# An ed25519 key pair for the user $1. A private key whose public half is missing (a run killed between the two) gets that
# half, not a new key.
set -eu
group=$(id -gn -- "$1")
home=$(getent passwd -- "$1" | cut -d: -f6)
key=$home/.ssh/id_ed25519
umask 077
install -d -m 700 -o "$1" -g "$group" "$home/.ssh"
rm -f "$key.new" "$key.new.pub"
if [ -e "$key" ]; then
    ssh-keygen -y -P '' -f "$key" >"$key.new.pub"
else
    ssh-keygen -q -t ed25519 -N '' -C "$1@$(hostname)" -f "$key.new"
    chown "$1:$group" "$key.new"
    mv "$key.new" "$key"
fi
chmod 644 "$key.new.pub"
chown "$1:$group" "$key.new.pub"
mv "$key.new.pub" "$key.pub"
