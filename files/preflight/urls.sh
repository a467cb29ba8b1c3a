# shellcheck shell=dash disable=SC2086,SC2154
# Which package sources, registries and other URLs a host reaches: functions for snapshot.sh, with its parameters and its
# limits in seconds.

# Download by apt's own helper: a proxy or `-`, then by twos URLs and files. What it says.
by_apt() {
    options=
    [ "$1" = - ] || options="-o Acquire::http::Proxy=$1 -o Acquire::https::Proxy=$1"
    shift
    timeout $CONNECT /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::AllowRedirect=false \
        -o Acquire::https::Verify-Peer=$trusted -o APT::Sandbox::User=root $options download-file "$@" 2>&1
}
trusted=yes with_curl='' with_wget=''
if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then # the deploy brings them
    trusted=no with_curl=--insecure with_wget=--no-check-certificate
fi

# ID, the HTTP status (000: none), and what went wrong. apt's sources are fetched by apt itself, so that its own proxy
# settings count; the proxy travels by the environment because it may hold a password.
url() {
    [ "$3" = - ] || export http_proxy="$3" https_proxy="$3"
    if [ "$2" = http ] && command -v curl >/dev/null; then
        said=$(curl -q -sS $with_curl -m $CONNECT -o /dev/null -w '\n%{http_code}' "$4" 2>&1)
        status=$(echo "$said" | tail -n 1)
        said=$(echo "$said" | sed -n 's/^curl: ([0-9]*) //p')
    elif [ "$2" = http ] && command -v wget >/dev/null; then
        said=$(wget -nv -S $with_wget -T $CONNECT -t 1 --max-redirect 0 -O /dev/null "$4" 2>&1)
        status=$(echo "$said" | sed -n 's/^ *HTTP[^ ]* \([0-9]\{3\}\).*/\1/p' | tail -n 1)
        said=$(echo "$said" | tail -n 1)
    elif said=$(by_apt "$3" "$4" "$(mktemp -u -p "$dir")"); then
        status=200 said=''
    else
        status=$(echo "$said" | sed -n 's/^[EW]: .*  \([0-9]\{3\}\)  .*/\1/p' | head -n 1)
        said=$(echo "$said" | sed -n 's/^[EW]: \(Failed to fetch [^ ]* *\)*//p' | head -n 1)
    fi
    printf '%s %s %.200s\n' "$1" "${status:-000}" "$said"
}

# The URLs of standard input that apt asks through the proxy $1: in one process where all is well, else each by itself.
urls_of_apt() {
    through=$1 ids=''
    set --
    while read -r id by proxy address; do
        [ "$by $proxy" = "apt $through" ] || continue
        ids="$ids $id"
        set -- "$@" "$address" "$dir/fetched.$id"
    done
    if [ $# -gt 2 ] && by_apt "$through" "$@" >/dev/null; then
        for id in $ids; do echo "$id 200 "; done
        return
    fi
    for id in $ids; do
        url "$id" apt "$through" "$1" &
        shift 2
    done
    wait
}

# Whether the package (by the answer of `packages`) or the program $1 is on this host.
here() {
    command -v "$1" >/dev/null && return
    while read -r name _; do
        [ "$name" != "$1" ] || return 0
    done <"$dir/packages"
    return 1
}

# The manifest of the image $1, of the lines of standard input: at its first place and those after it until one has it.
# A mirror's image needs no answer from the registry, which may be waited for in vain from where mirrors are.
manifest_of() {
    its=
    while read -r id by proxy address; do
        case $by in
        else-image*) ;;
        *) if [ "$id" = "$1" ]; then its=yes; else its=; fi ;;
        esac
        [ "$its" ] || continue
        said=$(manifest "$id" "${by#else-}" "$proxy" "$address")
        echo "$said"
        case $said in "$id 2"*) return ;; esac
    done
}

probe_urls() {
    # shellcheck source=/dev/null
    . /etc/os-release
    wanted=$(echo "$URLS" | sed "s|@id@|$ID|; s|@codename@|$VERSION_CODENAME|" |
        while read -r id by proxy address needless; do
            [ "$needless" ] && here "$needless" || echo "$id $by $proxy $address"
        done)
    echo "$wanted" | {
        proxies=
        while read -r id by proxy address; do
            case $by in
            image*) echo "$wanted" | manifest_of "$id" & ;;
            else-image*) ;; # comes with the one before
            apt) case " $proxies " in *" $proxy "*) ;; *) proxies="$proxies $proxy" ;; esac ;;
            ?*) url "$id" "$by" "$proxy" "$address" & ;;
            esac
        done
        for proxy in $proxies; do echo "$wanted" | urls_of_apt "$proxy" & done
        wait
    }
}

# Every package source, also one that was never fetched: its place, URL, and what url() says of it. Older vendors sign a
# Release file beside InRelease.
probe_sources() {
    # Its view of the packages stays in memory, on disk it would be a change to the host; and it is of no packages, as
    # reading their lists takes a third of a second and only the sources are asked for.
    mkdir "$dir/lists"
    printf '%s\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nDir::State::Lists "%s";\nDir::State::status "/dev/null";\n' \
        "$APT_PROXY" "$dir/lists" >"$dir/apt.conf"
    export APT_CONFIG="$dir/apt.conf"
    # shellcheck disable=SC2016 # apt's own names
    apt-get indextargets --no-release-info --format '$(SOURCESENTRY) $(BASE_URI)' |
        awk '{ sub("//[^/@ ]*@", "//") } / http/ && !seen[$0]++' >"$dir/places"
    [ -s "$dir/places" ] || return
    # In one process where all is well; else each by itself, for who is at fault.
    set --
    while read -r _ base; do set -- "$@" "${base}InRelease" "$dir/index$#"; done <"$dir/places"
    if timeout $COMMAND /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::AllowRedirect=false \
        -o APT::Sandbox::User=root download-file "$@" >/dev/null 2>&1; then
        while read -r place base; do echo "$place $base 200 "; done <"$dir/places"
        return
    fi
    while read -r place base; do
        {
            said=$(url - apt - "${base}InRelease")
            case $said in *' 404 '*) said=$(url - apt - "${base}Release") ;; esac
            echo "$place $base ${said#* }"
        } &
    done <"$dir/places"
    wait
}
