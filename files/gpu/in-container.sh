# shellcheck shell=dash
# Fails, saying why, unless a container of the image $1 sees $2 GPUs; the rest are options of `docker run`.
image=$1 wanted=$2
shift 2
# Seconds to pull an image that is not there yet, and for nvidia-smi.
pull=300 limit=60
if ! docker image inspect "$image" >/dev/null 2>&1 && ! timeout $pull docker pull -q "$image" >/dev/null; then
    echo "docker pull $image failed or took more than $pull s" >&2
    exit 1
fi
name=openpai-deploy-gpu-$$
# timeout(1) ends the client alone; only the daemon can end the container.
said=$(timeout -k 1 $limit docker run --rm --network none --name "$name" "$@" "$image" nvidia-smi -L 2>&1)
status=$?
case $status in 124 | 137) docker rm -f "$name" >/dev/null ;; esac
found=$(printf '%s\n' "$said" | grep -c '^GPU ')
[ $status = 0 ] && [ "$found" = "$wanted" ] && exit
echo "a container of $image sees $found of $wanted GPUs (status $status): $(printf '%s\n' "$said" | tail -n 1)" >&2
exit 1
