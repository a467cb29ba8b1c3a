# shellcheck shell=sh
# Packages that bear NVIDIA's name and are not its driver; the last depends on Debian's.
set -eu
cd "$(mktemp -d)"
for name in nvidia-mig-manager nvidia-gds nvidia-driver-local-repo-debian12-535.183.01 cuda-keyring nvidia-fs-dkms; do
    put "$name/DEBIAN/control" <<-END
	Package: $name
	Version: 2.13
	Architecture: all
	Maintainer: somebody <somebody@localhost>
	Description: a package of NVIDIA's
	END
    [ $name != nvidia-fs-dkms ] || echo 'Depends: nvidia-kernel-dkms (>= 520)' >>$name/DEBIAN/control
    dpkg-deb --root-owner-group --build "$name" "$name.deb"
done
dpkg -i ./*.deb
