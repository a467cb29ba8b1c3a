# shellcheck shell=dash
# The command $2... for the home of the user $1: by root, or by the user where root may not write there, as on NFS with
# root_squash.
user=$1
shift
# By a trial, as access(2) may promise root what the server then refuses.
if trial=$(mktemp "$(getent passwd -- "$user" | cut -d: -f6)/.openpai-XXXXXXXX" 2>/dev/null); then
    rm -f "$trial"
else
    set -- runuser -u "$user" -- "$@"
fi
exec "$@"
