# shellcheck shell=dash
# A user's SSH files and a drop-in of sudo's. $1 the user, $2 the drop-in.
user=$1
home=$(getent passwd -- "$user" | cut -d: -f6)
at_home() { # where root may not look, as on NFS with root_squash, the user does
    "$@" || runuser -u "$user" -- "$@"
}
section home printf %s "$home"
# shellcheck disable=SC2016
section public at_home sh -c 'cat "$1/.ssh/id_ed25519.pub" || cat "$1"/.ssh/id_*.pub' sh "$home"
section authorized at_home cat "$home/.ssh/authorized_keys"
section known at_home cat "$home/.ssh/known_hosts"
section sudoers cat -- "$2"
section mode stat -c '%a %U:%G' -- "$2"
