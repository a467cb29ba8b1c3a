# shellcheck shell=sh
# Sources of others that are refused, gone, and of a name that nobody knows; the index of the first was fetched once.
put /etc/apt/sources.list.d/refused.list <<END
deb [trusted=yes] http://$GATEWAY:9/refused bookworm main
END
put "/var/lib/apt/lists/$GATEWAY:9_refused_dists_bookworm_InRelease" <<END
Origin: Refused
END
put /etc/apt/sources.list.d/gone.sources <<END
# theirs
Types: deb
URIs: $WEB/gone
Suites: ./
Trusted: yes
END
put /etc/apt/sources.list <<END
deb [trusted=yes] http://nowhere.invalid/apt stable main
END
