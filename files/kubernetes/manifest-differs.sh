# shellcheck shell=dash disable=SC2086
# Whether the cluster's objects differ from the manifest $2, asked with $1: `same`, or `differs` where nobody can tell.
# Where the object $3 (kind/name, or empty) is there without our label it is somebody else's: `same`.
if $1 diff -f "$2" >/dev/null 2>&1; then
    echo same
    exit
fi
theirs=''
[ -z "$3" ] || theirs=$($1 get -n kube-system -o 'jsonpath={.metadata.name} {.metadata.labels}' -- "$3" 2>/dev/null)
case $theirs in
'' | *managed-by*openpai-deploy*) echo differs ;;
*) echo same ;;
esac
