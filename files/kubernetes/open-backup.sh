# shellcheck shell=dash
# etcd's content, and nothing else, out of the backup $1 as the snapshot $2. The key to the backup is standard input.
set -eu
umask 077
mkdir -p "${2%/*}"
trap 'rm -f "$2.tar" "$2.part"' EXIT
# By a pipe: /dev/stdin cannot be opened where it is a socket, as sshd's may be.
cat | age -d -i /dev/stdin -o "$2.tar" "$1"
tar -xOf "$2.tar" etcd.db >"$2.part"
mv "$2.part" "$2"
