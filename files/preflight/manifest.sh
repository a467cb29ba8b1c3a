# shellcheck shell=dash disable=SC2153,SC2154
# Whether a registry has an image, asked for as Docker does: functions for snapshot.sh, which sets dir and CONNECT.
# Before this text come LOGIN, the value of the Authorization header for the config's own registry, or nothing, and
# REFUSED, what is said where the registry does not take it.

ACCEPT='application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json'
ACCEPT="$ACCEPT, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/json"

# The whole answer to a request: HEAD or GET, URL, Authorization. What is secret goes by a file or the environment, and
# to no place that a registry sends on to: registry.k8s.io does, for its images.
ask() {
    if command -v curl >/dev/null; then
        given=$(mktemp -p "$dir")
        printf 'header = "Accept: %s"\n' "$ACCEPT" >"$given"
        if [ -n "$3" ]; then printf 'header = "Authorization: %s"\n' "$3"; else echo location; fi >>"$given"
        [ "$1" = GET ] || echo head >>"$given"
        [ -e /etc/ssl/certs/ca-certificates.crt ] || echo insecure >>"$given" # the deploy brings them
        curl -q -sS -i -m "$CONNECT" -K "$given" "$2" 2>&1
        rm -f "$given"
    elif command -v wget >/dev/null; then
        given=$(mktemp -p "$dir")
        printf 'header = Accept: %s\n' "$ACCEPT" >"$given"
        [ -z "$3" ] || printf 'header = Authorization: %s\n' "$3" >>"$given"
        [ "$1" = GET ] || echo 'spider = on' >>"$given"
        [ -e /etc/ssl/certs/ca-certificates.crt ] || echo 'check_certificate = off' >>"$given"
        WGETRC=$given wget -nv -S -T "$CONNECT" -t 1 --max-redirect $((${#3} ? 0 : 5)) -O - "$2" 2>&1
        rm -f "$given"
    else
        # shellcheck disable=SC2016
        AUTHORIZATION=$3 timeout "$CONNECT" bash -c '
            rest=${2#http://}
            address=${rest%%/*}
            case $address in *:*) port=${address##*:} ;; *) port=80 ;; esac
            exec 3<>"/dev/tcp/${address%:*}/$port" || exit
            printf "%s\r\n" "$1 /${rest#*/} HTTP/1.0" "Host: $address" "Accept: $3" \
                ${AUTHORIZATION:+"Authorization: $AUTHORIZATION"} "" >&3
            while IFS= read -r line <&3 || [ "$line" ]; do printf "%s\n" "$line"; done' bash "$1" "$2" "$ACCEPT" 2>&1
    fi
}

# Ask as ask() does: answer, and the status of its last part; a proxy's own comes before it.
answer_to() {
    answer=$(ask "$@") status=''
    while read -r protocol number _; do
        case $protocol in HTTP*) status=${number%%[!0-9]*} ;; esac
    done <<END
$answer
END
}

# One parameter of the challenge of an answer.
challenged() { printf '%s\n' "$2" | sed -n "s/^ *[Ww][Ww][Ww]-[Aa]uthenticate:.*[ ,]$1=\"\([^\"]*\)\".*/\1/p" | tail -n 1; }

# Whether this host can ask a URL as Docker does.
can_ask() {
    command -v curl || command -v wget || { [ "${1#http:}" != "$1" ] && [ -z "$http_proxy" ]; }
} >/dev/null

# ID, `image` or `image-login`, proxy or `-`, URL of a manifest. Prints the ID, the HTTP status (000: none), and what
# went wrong. A registry that answers 401 says where its tokens come from, which it gives to everybody for what is public.
manifest() {
    [ "$3" = - ] || export http_proxy="$3" https_proxy="$3"
    if ! can_ask "$4"; then
        # apt's own client can see whether the registry is there, and no more.
        url "$1" apt "$3" "${4%%/v2/*}/v2/" | sed 's/^\([^ ]* \)40[13] .*/\1200 /'
        return
    fi
    login='' said=''
    [ "$2" = image ] || login=$LOGIN
    answer_to HEAD "$4" ""
    if [ "$status" = 401 ]; then
        realm=$(challenged realm "$answer")
        case $(printf '%s\n' "$answer" | sed -n 's/^ *[Ww][Ww][Ww]-[Aa]uthenticate: *//p' | tail -n 1) in
        [Bb]earer*)
            service=$(challenged service "$answer" | sed 's/ /%20/g')
            token=$(ask GET "$realm?service=$service&scope=$(challenged scope "$answer")" "$login" |
                sed -n 's/.*"\(access_\)\{0,1\}token" *: *"\([^"]*\)".*/\2/p' | head -n 1)
            if [ -n "$token" ]; then answer_to HEAD "$4" "Bearer $token"; else said=${login:+$REFUSED}; fi
            ;;
        *)
            [ -z "$login" ] || answer_to HEAD "$4" "$login"
            [ "$status" != 401 ] || said=${login:+$REFUSED}
            ;;
        esac
    fi
    [ -n "$status" ] || said=$(printf '%s\n' "$answer" | tail -n 1 | sed 's/^curl: ([0-9]*) //')
    printf '%s %s %.200s\n' "$1" "${status:-000}" "$said"
}
