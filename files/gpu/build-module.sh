# shellcheck shell=dash
# Have DKMS build the driver for kernel $1, where that has no module, or one of another version than $3.
kernel=$1
module=$2 # program: asks the module
wanted=$3 # may be empty: any that DKMS has
present=$(sh -c "$module" sh version "$kernel")
[ "${present:-none}" != "${wanted:-$present}" ] || exit 0
# shellcheck disable=SC2231 # a glob
for source in /var/lib/dkms/nvidia*/${wanted:-[0-9][0-9][0-9].*}/source; do
    [ -e "$source" ] || continue
    folder=${source%/source}
    name=${folder%/*}
    dkms install -m "${name##*/}" -v "${folder##*/}" -k "$kernel" || {
        echo "DKMS cannot build driver ${folder##*/} for kernel $kernel: see $folder/build/make.log; take another" \
            "driver, or remove that kernel (apt-get purge linux-image-$kernel)" >&2
        exit 1
    }
done
