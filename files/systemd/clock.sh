# shellcheck shell=dash
# The time of day and the uptime at one moment, in seconds. A busy host may let a shell wait between the two: a service
# would seem to have started before its files changed. So the uptime is the same before and after, but for the last try.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    read -r before _ </proc/uptime
    now=$(date +%s.%N)
    read -r uptime _ </proc/uptime
    [ "$before" != "$uptime" ] || break
done
echo "$now"
echo "$uptime"
