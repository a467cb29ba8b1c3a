# shellcheck shell=dash
# A user's SSH files and a drop-in of sudo's. $1 the user, $2 the drop-in.
user=$1
home=$(getent passwd -- "$user" | { IFS=: read -r _ _ _ _ _ home _ && echo "$home"; })
there() { [ -e "$1" ] || [ -L "$1" ]; }
# The command $2..., unless root sees the folder's files and $1 is none of them; where root may not look, as on NFS with
# root_squash, the user does: runuser takes some 5 ms of processor time.
at_home() {
    file=$1
    shift
    { there "$home"/.ssh/* && ! there "$file"; } || "$@" || runuser -u "$user" -- "$@"
}
public() {
    set -- "$home"/.ssh/id_*.pub
    # shellcheck disable=SC2016
    at_home "$1" sh -c 'cat "$1/.ssh/id_ed25519.pub" || cat "$1"/.ssh/id_*.pub' sh "$home"
}
section home printf %s "$home"
section public public
section authorized at_home "$home/.ssh/authorized_keys" cat "$home/.ssh/authorized_keys"
section known at_home "$home/.ssh/known_hosts" cat "$home/.ssh/known_hosts"
section sudoers cat -- "$2"
section mode stat -c '%a %U:%G' -- "$2"
