# shellcheck shell=sh
# dpkg ended twice in the middle: a package's script failed once; in another's, dpkg itself was killed, as by a reset.
set -eu
cd "$(mktemp -d)"
package() { # NAME COMMAND: whose postinst runs COMMAND the first time
    mkdir -p "$1/DEBIAN"
    put "$1/DEBIAN/control" <<-END
	Package: $1
	Version: 1.0
	Architecture: all
	Maintainer: somebody <somebody@localhost>
	Description: a package of somebody's
	END
    put "$1/DEBIAN/postinst" <<-END
	#!/bin/sh
	[ -e /var/lib/$1 ] || { : >/var/lib/$1; $2; }
	END
    chmod 755 "$1/DEBIAN/postinst"
    dpkg-deb --root-owner-group --build "$1" "$1.deb"
}
package flaky 'exit 1'
package slow 'sleep 1000'
if dpkg -i flaky.deb; then exit 1; fi
systemd-run -q --unit=slow dpkg -i "$PWD/slow.deb"
until [ -e /var/lib/slow ]; do sleep 0.1; done
systemctl kill -s KILL slow
systemctl reset-failed slow
