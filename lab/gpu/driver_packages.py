"""The distributions' driver packages under their real names, with the dependencies that matter, and kernel headers."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

from lab.deb import Package
from lab.gpu import driver

DEBIAN = ("535.216.03", "535.247.01")
UBUNTU = ("535.216.03", "535.247.01", "550.144.03", "550.163.01")
BLACKLIST = "blacklist nouveau\noptions nouveau modeset=0\n"
UPDATE_INITRAMFS = 'if [ "$1" = configure ] && [ -x /usr/sbin/update-initramfs ]; then update-initramfs -u; fi\n'


def debian() -> Iterator[Package]:
    """Debian's packages, in two versions."""
    for upstream in DEBIAN:
        version = f"{upstream}-1~deb12u1"
        same = f"(= {version})"
        yield Package("libcuda1", version, files=_library("libcuda", upstream), links=_link("libcuda", upstream))
        yield Package(
            "libnvidia-ml1", version, files=_library("libnvidia-ml", upstream), links=_link("libnvidia-ml", upstream)
        )
        yield Package(
            "nvidia-smi",
            version,
            f"libnvidia-ml1 {same}, nvidia-alternative {same}",
            files=_bin("nvidia-smi", upstream),
        )
        yield Package("nvidia-modprobe", version, files=_bin("nvidia-modprobe", upstream))
        yield _persistenced("nvidia-persistenced", version, upstream, "")
        yield Package("nvidia-alternative", version)
        yield _support(
            "nvidia-kernel-support", version, "nvidia-modprobe", "etc/modprobe.d/nvidia-blacklists-nouveau.conf"
        )
        provides = {"Provides": f"nvidia-kernel {same}"}
        yield _dkms("nvidia-kernel-dkms", version, upstream, f"dkms, nvidia-kernel-support {same}", provides)
        yield Package("nvidia-driver-libs", version, f"libcuda1 {same}, libnvidia-ml1 {same}")
        yield Package("nvidia-driver-bin", version, f"nvidia-alternative {same}", "nvidia-smi")
        yield Package(
            "nvidia-driver",
            version,
            f"nvidia-driver-libs {same}, nvidia-driver-bin {same}, nvidia-kernel-dkms {same}, nvidia-smi {same}",
            "nvidia-persistenced",
        )


def ubuntu() -> Iterator[Package]:
    """Ubuntu's server packages, two branches in two versions."""
    for upstream in UBUNTU:
        branch = f"{upstream.split('.')[0]}-server"
        version = f"{upstream}-0ubuntu0.22.04.1"
        same = f"(= {version})"
        rivals = {"Conflicts": "nvidia-utils", "Provides": "nvidia-utils", "Replaces": "nvidia-utils"}
        libraries = _library("libcuda", upstream) | _library("libnvidia-ml", upstream)
        links = _link("libcuda", upstream) | _link("libnvidia-ml", upstream)
        compute = {"Conflicts": "libnvidia-compute", "Provides": "libnvidia-compute", "Replaces": "libnvidia-compute"}
        yield Package(f"libnvidia-compute-{branch}", version, relations=compute, files=libraries, links=links)
        yield Package(
            f"nvidia-utils-{branch}",
            version,
            f"libnvidia-compute-{branch} {same}",
            relations=rivals,
            files=_bin("nvidia-smi", upstream),
        )
        yield _persistenced(f"nvidia-compute-utils-{branch}", version, upstream, f"libnvidia-compute-{branch} {same}")
        common, source = f"nvidia-kernel-common-{branch}", f"nvidia-kernel-source-{branch}"
        yield _support(
            common, version, "", "usr/lib/modprobe.d/nvidia-kernel-common.conf", _bin("nvidia-modprobe", upstream)
        )
        yield Package(source, version)
        yield _dkms(f"nvidia-dkms-{branch}", version, upstream, f"dkms, {source} {same}, {common} {same}", {})
        tools = f"nvidia-utils-{branch} {same}, nvidia-compute-utils-{branch} {same}, nvidia-dkms-{branch} {same}"
        yield Package(f"nvidia-headless-{branch}", version, tools)
        yield Package(f"nvidia-driver-{branch}", version, tools)


def headers() -> Iterator[Package]:
    """linux-headers-RELEASE of the running kernel: as much of it as says that a module could be built."""
    release = platform.release()
    source = f"usr/src/linux-headers-{release}"
    yield Package(
        f"linux-headers-{release}",
        "1.0",
        texts={
            f"{source}/Makefile": f"KERNELRELEASE = {release}\n",
            f"{source}/include/generated/autoconf.h": "#define CONFIG_MODULES 1\n",
            f"{source}/include/config/kernel.release": f"{release}\n",
        },
        links={f"usr/lib/modules/{release}/build": f"/{source}"},
        summary="headers of the running kernel",
    )


def _bin(name: str, upstream: str) -> dict[str, Path]:
    return {f"usr/bin/{name}": driver.files(upstream) / name}


def _library(name: str, upstream: str) -> dict[str, Path]:
    library = f"{name}.so.{upstream}"
    return {f"{driver.LIBRARY_FOLDER}/{library}": driver.files(upstream) / library}


def _link(name: str, upstream: str) -> dict[str, str]:
    return {f"{driver.LIBRARY_FOLDER}/{name}.so.1": f"{name}.so.{upstream}"}


def _support(name: str, version: str, depends: str, blacklist: str, files: dict[str, Path] | None = None) -> Package:
    """The package that keeps nouveau away, and has the initramfs rebuilt for it."""
    scripts = {"postinst": UPDATE_INITRAMFS}
    return Package(name, version, depends, files=files or {}, texts={blacklist: BLACKLIST}, scripts=scripts)


def _persistenced(name: str, version: str, upstream: str, depends: str) -> Package:
    """The persistence daemon; as with the real package, one that cannot start does not fail the installation."""
    unit = "nvidia-persistenced.service"
    start = f"systemctl daemon-reload; systemctl -q enable {unit}; systemctl start {unit} || true"
    stop = f'if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl -q disable --now {unit}; fi\n'
    files = _bin("nvidia-persistenced", upstream) | {f"usr/lib/systemd/system/{unit}": driver.files(upstream) / unit}
    scripts = {"postinst": f"if [ -d /run/systemd/system ]; then {start}; fi\n", "prerm": stop}
    return Package(name, version, depends, files=files, scripts=scripts)


def _dkms(name: str, version: str, upstream: str, depends: str, relations: dict[str, str]) -> Package:
    """The module's source; built at installation where the running kernel's headers are, and silently not otherwise."""
    source = f"usr/src/nvidia-{upstream}"
    files = {f"{source}/{module}.ko": driver.files(upstream) / f"{module}.ko" for module in driver.MODULES}
    files[f"{source}/dkms.conf"] = driver.files(upstream) / "dkms.conf"
    scripts = {"postinst": _BUILD.replace("@VERSION@", upstream), "prerm": _UNBUILD.replace("@VERSION@", upstream)}
    return Package(name, version, depends, relations=relations, files=files, scripts=scripts)


_BUILD = """\
[ "$1" = configure ] || exit 0
release=$(uname -r)
echo "Loading new nvidia-@VERSION@ DKMS files..."
if [ ! -e "/lib/modules/$release/build/include/generated/autoconf.h" ]; then
    echo "Module build for kernel $release was skipped since the"
    echo "kernel headers for this kernel do not seem to be installed."
    exit 0
fi
echo "Building initial module for $release"
object=$(mktemp)
echo 'int nvidia_module;' | cc -c -x c - -o "$object"
rm "$object"
built=/var/lib/dkms/nvidia/@VERSION@/$release/x86_64
mkdir -p "$built/module" "/lib/modules/$release/updates/dkms"
cp /usr/src/nvidia-@VERSION@/*.ko "$built/module/"
ln -sfn /usr/src/nvidia-@VERSION@ /var/lib/dkms/nvidia/@VERSION@/source
ln -sfn "@VERSION@/$release/x86_64" "/var/lib/dkms/nvidia/kernel-$release-x86_64"
cp /usr/src/nvidia-@VERSION@/*.ko "/lib/modules/$release/updates/dkms/"
depmod -a "$release"
echo "Done."
"""

_UNBUILD = """\
rm -rf /var/lib/dkms/nvidia
rm -f "/lib/modules/$(uname -r)/updates/dkms/"nvidia*.ko
depmod -a "$(uname -r)"
"""
