# shellcheck shell=dash
# Refresh apt's index of some package sources, for $1 seconds until it succeeds; of all where none is named. Who holds a
# lock of apt is waited for, $2 seconds. By twos come the files of the sources and which of their lines: sed's ranges
# separated by spaces. What apt has of others stays.
# Before this text comes locks.sh.
set -u
seconds=$1 locks=$2
shift 2
end=$(($(now) + seconds))
staged=$(mktemp -d) || exit
trap 'rm -rf "$staged"' EXIT

alone='' files=''
while [ $# -gt 0 ]; do
    alone="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$staged -o APT::Get::List-Cleanup=false"
    copy=$staged/$#.${1##*.}
    for range in $2; do
        { sed -n "${range}p" "$1" && echo; } || exit
    done >"$copy"
    files="${files:+$files, }$1"
    shift 2
done

# apt 2.6 was seen to wait for ever for a source that had failed; a whole index takes minutes over a slow line.
refresh() {
    # shellcheck disable=SC2069,SC2086 # what it complains of alone; words
    DEBIAN_FRONTEND=noninteractive LC_ALL=C timeout 600 \
        apt-get -q -y $alone -o APT::Update::Error-Mode=any update 2>&1 >/dev/null && return
    [ $? != 124 ] || echo "E: apt-get update did not end within 600 s"
    return 1
}

# Before 2.2 apt has no Error-Mode: it ends with 0 where a source does not answer.
until said=$(refresh) && ! echo "$said" | grep -q '^W: Failed to fetch '; do
    if [ -n "$(lock_holder)" ]; then
        wait_for_locks "$locks"
    elif [ "$(now)" -ge $end ]; then
        echo "$said" | sed -nE '/^[EW]: Some index files/d; s|//[^/@ ]*@|//|g; s/^[EW]: (Failed to fetch )?//p' >&2
        echo "apt's index of ${files:-all its sources} is not refreshed; mend what is named above, the proxy or the mirror" >&2
        exit 1
    fi
    sleep 5
done
