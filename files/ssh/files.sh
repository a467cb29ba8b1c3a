# shellcheck shell=dash
# A user's SSH files and a drop-in of sudo's. $1 the user, $2 the drop-in.
home=$(getent passwd -- "$1" | cut -d: -f6)
section home printf %s "$home"
# shellcheck disable=SC2016
section public sh -c 'cat "$1/.ssh/id_ed25519.pub" || cat "$1"/.ssh/id_*.pub' sh "$home"
section authorized cat "$home/.ssh/authorized_keys"
section known cat "$home/.ssh/known_hosts"
section sudoers cat -- "$2"
section mode stat -c '%a %U:%G' -- "$2"
