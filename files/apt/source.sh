# shellcheck shell=dash
# Put the package source $3, whose new text is in the file $2, in place in apt's folder $1. $4 is `keep` where the file
# that is there is somebody else's. Then come, by twos, the files of entries that give way to it, and which of their
# lines: `all`, or sed's ranges separated by spaces.
# First apt judges a copy of all its sources, so that nothing changes where it would refuse them. A file that gives way is
# kept as FILE.openpai.disabled, a name that apt passes over without a word; ours comes last: a run that is killed before leaves it to do.
set -u
etc=$1 new=$2 path=$3 keep=$4
shift 4
staged=$etc/openpai.staged
trap 'rm -rf "$staged"' EXIT
umask 022
rm -rf "$staged" && mkdir -p "$staged/sources.list.d" || exit
[ ! -e "$etc/sources.list" ] || cp -a "$etc/sources.list" "$staged/" || exit
[ ! -d "$etc/sources.list.d" ] || cp -a "$etc/sources.list.d/." "$staged/sources.list.d" || exit

aside() { mv --backup=numbered -T "$1" "$1.openpai.disabled"; }

# For each pair: `stage` into the copy, then `place` in the folder itself.
each() {
    how=$1
    shift
    while [ $# -gt 0 ]; do
        "$how" "$1" "$2" || return
        shift 2
    done
}
stage() {
    copy=$staged${1#"$etc"}
    if [ "$2" = all ]; then
        rm "$copy"
        return
    fi
    script=
    for range in $2; do script="$script${range}s/^/# openpai-deploy: /;"; done
    sed -i --follow-symlinks "$script" "$copy"
}
place() {
    if [ "$2" = all ]; then aside "$1"; else mv -fT "$staged${1#"$etc"}" "$1"; fi
}

each stage "$@" || exit
cp "$new" "$staged${path#"$etc"}" || exit
if ! said=$(apt-get -o Dir::Etc::sourcelist="$staged/sources.list" -o Dir::Etc::sourceparts="$staged/sources.list.d" \
    indextargets 2>&1 >/dev/null); then
    echo "$said" | sed "s|$staged|$etc|g" >&2
    echo "apt refuses the sources of this host together with $path, so nothing was changed; mend them, then run again" >&2
    exit 1
fi
each place "$@" || exit
[ -z "$keep" ] || aside "$path" || exit
chmod 644 "$new" && mv -f "$new" "$path"
