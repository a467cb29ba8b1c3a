# shellcheck shell=sh
# docker-ce whose version says 29.1.5, the lab's own engine in it.
set -eu
pretended=5:29.1.5-1~$DISTRIBUTION.$VERSION~$CODENAME
pool=dists/$CODENAME/stable/binary-amd64/Packages
scratch=$(mktemp -d)
cd "$scratch"
/usr/lib/apt/apt-helper -q download-file "$WEB/docker/linux/$DISTRIBUTION/$pool" index
for name in docker-ce docker-ce-cli containerd.io; do
    file=$(sed -n "s|^Filename: \(.*/${name}_.*\)|\1|p" index | tail -1)
    /usr/lib/apt/apt-helper -q download-file "$WEB/docker/linux/$DISTRIBUTION/$(printf %s "$file" | sed 's/%/%25/g')" $name.deb
    [ $name != containerd.io ] || continue
    dpkg-deb -R $name.deb $name
    sed -i "s/^Version:.*/Version: $pretended/" $name/DEBIAN/control
    dpkg-deb -Zgzip -z1 --root-owner-group --build $name $name.deb
done
put /etc/docker/daemon.json <<END
{"insecure-registries": ["$REGISTRY"]}
END
install ./docker-ce.deb ./docker-ce-cli.deb ./containerd.io.deb
rm -r "$scratch"
