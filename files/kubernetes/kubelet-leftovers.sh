# shellcheck shell=dash
# What an earlier kubelet left that speaks in place of ours: files of ours that somebody else wrote, and drop-ins that say
# how the kubelet is started or with which flags. $1 marks our files, $2 and $3 are the unit and its flags, the rest
# systemd's folders of units, the one whose drop-ins hide those of the others first.
mark=$1
for file in "$2" "$3"; do
    if [ -s "$file" ] && ! grep -q "$mark" "$file"; then echo "$file"; fi
done
shift 3
own=$1/kubelet.service.d

speaks() { grep -qE '^[[:space:]]*(ExecStart|EnvironmentFile)[[:space:]]*=' "$1"; }

for folder; do
    for file in "$folder/kubelet.service.d"/*.conf; do
        hiding=$own/${file##*/}
        if [ "$folder" != "$1" ] && [ -e "$hiding" ] && ! speaks "$hiding"; then continue; fi
        if [ -e "$file" ] && speaks "$file"; then echo "$file"; fi
    done
done
