# shellcheck shell=dash disable=SC2016,SC2046
# Which time daemon is at work, and what it says of itself: no other is asked. Where none of these units is, there may be
# an ntpd without one. $1: the file that timesyncd makes.
synchronised=$1
set -- $(systemctl is-active chrony.service ntpsec.service ntp.service systemd-timesyncd.service 2>/dev/null)

# What `ntpq -c rv -c peers` asks of ntpd, as it asks (RFC 9327: read variables, of the system and of an association), in
# its words: ntpsec's ntpq is a program of Python's, whose start takes ten times the processor time of all this. Nothing
# where ntpd does not answer.
ntpd() {
    timeout 2 bash -c '
        exec 3<>/dev/udp/127.0.0.1/123 || exit
        ask() { # an association, and names of variables, in a multiple of four bytes
            printf "\26\2\0\1\0\0$(printf "\\\\x%02x" $(($1 / 256)) $(($1 % 256)))\0\0\0\x$(printf %02x ${#2})$2" >&3
            dd bs=1000 count=1 <&3 2>/dev/null | tr -d "\0\r\n"
        }
        system=$(ask 0 leap,stratum,offset,peer)
        [[ $system =~ peer=([0-9]+) ]] || exit
        system=leap=${system#*leap=}
        echo "${system/leap=3/leap=11}"
        [[ $(ask "${BASH_REMATCH[1]}" srcadr,hmode) =~ srcadr=([^,]+) ]] && echo "*${BASH_REMATCH[1]}"'
}

section chrony echo "$1"
section ntpsec echo "$2"
section ntp echo "$3"
section timesyncd echo "$4"
case $1-$2-$3-$4 in
active-*) section tracking timeout 10 chronyc -n -c tracking ;;
*-active-*-* | *-*-active-*)
    said=$(ntpd 2>/dev/null)
    if [ "$said" ]; then section ntpq echo "$said"; else section ntpq timeout 10 ntpq -n -c rv -c peers; fi
    ;;
*-active)
    section timesync timeout 10 timedatectl show-timesync --all
    section timesync_done ls "$synchronised"
    ;;
*) section ntpq timeout 10 ntpq -n -c rv -c peers ;;
esac
