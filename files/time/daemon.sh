# shellcheck shell=dash disable=SC2046
# Which time daemon is at work, and what it says of itself: no other is asked, as ntpsec's ntpq is a program of Python's.
# Where none of these units is, there may be an ntpd without one. $1: the file that timesyncd makes.
synchronised=$1
set -- $(systemctl is-active chrony.service ntpsec.service ntp.service systemd-timesyncd.service 2>/dev/null)
section chrony echo "$1"
section ntpsec echo "$2"
section ntp echo "$3"
section timesyncd echo "$4"
case $1-$2-$3-$4 in
active-*) section tracking timeout 10 chronyc -n -c tracking ;;
*-active-*-* | *-*-active-*) section ntpq timeout 10 ntpq -n -c rv -c peers ;;
*-active)
    section timesync timeout 10 timedatectl show-timesync --all
    section timesync_done ls "$synchronised"
    ;;
*) section ntpq timeout 10 ntpq -n -c rv -c peers ;;
esac
