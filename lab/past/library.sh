# shellcheck shell=sh disable=SC2317,SC2329
# What the profiles have in common. GATEWAY and the like are known on a running host alone.
export DEBIAN_FRONTEND=noninteractive
export APT_CONFIG=/run/lab-apt.conf # how apt gets out of here, which is no part of the past
if [ -n "${GATEWAY-}" ]; then
    printf 'Acquire::http::Proxy "%s";\nAcquire::http::Proxy::%s "DIRECT";\n' "$PROXY" "$GATEWAY" >$APT_CONFIG
fi

# Packages of Debian's, with what they depend on.
install() {
    ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get -q update
    apt-get -q -y --no-install-recommends install "$@"
}

# Standard input as a file, with the folders on the way to it.
put() {
    mkdir -p "${1%/*}"
    cat >"$1"
}

# A unit of standard input, started now and at every boot.
unit() {
    put "/etc/systemd/system/$1"
    systemctl daemon-reload
    systemctl enable -q --now "$1"
}

# The real timesyncd; systemd leaves it alone in a container. It may not set the clock there, which does not matter.
timesyncd() {
    install systemd-timesyncd
    put /etc/systemd/system/systemd-timesyncd.service.d/lab.conf <<-END
	[Unit]
	ConditionCapability=
	ConditionVirtualization=
	END
}
