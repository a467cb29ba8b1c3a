# shellcheck shell=dash
# The file at the URL $1 as $2 with the mode $3, if its $4 is $5; else what was there stays, and $6 says what to do. $4 is
# `sha256`, `fingerprint` (of the one OpenPGP key in it) or `nothing`, for what nobody vouches for. Where $7 is a folder, what
# is then in place is noted there with its sum, for sums.sh.
# By apt's own helper: it is on every host, and goes through apt's proxy.
set -u
url=$1 path=$2 mode=$3 kind=$4 expected=$5 remedy=$6 seen=${7:-}
trap 'rm -f "$path.new" "$path.copy"' EXIT
umask 022
mkdir -p "$(dirname "$path")" && rm -f "$path.new" || exit
if ! /usr/lib/apt/apt-helper -q -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
    download-file "$url" "$path.new" >/dev/null; then
    echo "$url could not be fetched; $remedy" >&2
    exit 1
fi
# Of a file:// URL it makes a link, which would end with the medium that it leads to.
if [ -L "$path.new" ]; then cp -L -- "$path.new" "$path.copy" && mv -f -- "$path.copy" "$path.new" || exit; fi
case $kind in
    sha256) found=$(sha256sum <"$path.new" | cut -d' ' -f1) ;;
    fingerprint) # by this and not by --show-keys, which Ubuntu 18.04's gpg 2.2.4 lacks
        found=$(gpg --batch --with-colons --no-keyring --import-options show-only --import "$path.new" 2>/dev/null |
            awk -F: '/^pub/ { primary = 1 } /^fpr/ && primary { print $10; primary = 0 }')
        ;;
    *) found=$expected ;;
esac
if [ "$found" != "$expected" ]; then
    echo "$url is not what was expected: not $kind $expected, but ${found:-none}; $remedy" >&2
    exit 1
fi
chmod "$mode" "$path.new" && mv -f "$path.new" "$path" || exit
[ -n "$seen" ] || exit 0
note=$seen/${path##*/}
mkdir -p "$seen" && echo "$(stat -c '%i %s %.Y %.Z' "$path") $expected" >"$note.new" && mv -f "$note.new" "$note"
