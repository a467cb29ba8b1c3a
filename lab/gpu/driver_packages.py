"""Ubuntu's driver packages under their real names, with the dependencies that matter; kernels and their headers."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from lab.deb import Package
from lab.gpu import driver

LATER = "99.0.0-1-lab"
"""The release of a kernel that is newer than the running one."""
UBUNTU = ("535.216.03", "535.247.01", "550.144.03", "550.163.01")
BLACKLIST = "blacklist nouveau\noptions nouveau modeset=0\n"
UPDATE_INITRAMFS = 'if [ "$1" = configure ] && [ -x /usr/sbin/update-initramfs ]; then update-initramfs -u; fi\n'


def ubuntu() -> Iterator[Package]:
    """Ubuntu's server packages, two branches in two versions."""
    for upstream in UBUNTU:
        branch = f"{upstream.split('.')[0]}-server"
        yield from of_source(f"nvidia-graphics-drivers-{branch}", _ubuntu(upstream, branch))


def _ubuntu(upstream: str, branch: str) -> Iterator[Package]:
    version = f"{upstream}-0ubuntu0.22.04.1"
    same = f"(= {version})"
    rivals = {"Conflicts": "nvidia-utils", "Provides": "nvidia-utils", "Replaces": "nvidia-utils"}
    libraries = library("libcuda", upstream) | library("libnvidia-ml", upstream)
    links = link("libcuda", upstream) | link("libnvidia-ml", upstream)
    compute = {"Conflicts": "libnvidia-compute", "Provides": "libnvidia-compute", "Replaces": "libnvidia-compute"}
    yield Package(f"libnvidia-compute-{branch}", version, relations=compute, files=libraries, links=links)
    yield Package(
        f"nvidia-utils-{branch}",
        version,
        f"libnvidia-compute-{branch} {same}",
        relations=rivals,
        files=program("nvidia-smi", upstream),
    )
    yield persistenced(f"nvidia-compute-utils-{branch}", version, upstream, f"libnvidia-compute-{branch} {same}")
    common, source = f"nvidia-kernel-common-{branch}", f"nvidia-kernel-source-{branch}"
    yield _support(
        common, version, "", "usr/lib/modprobe.d/nvidia-kernel-common.conf", program("nvidia-modprobe", upstream)
    )
    yield Package(source, version)
    yield dkms(f"nvidia-dkms-{branch}", version, upstream, f"dkms, {source} {same}, {common} {same}", {})
    tools = f"nvidia-utils-{branch} {same}, nvidia-compute-utils-{branch} {same}, nvidia-dkms-{branch} {same}"
    yield Package(f"nvidia-headless-{branch}", version, tools)
    yield Package(f"nvidia-driver-{branch}", version, tools)


def headers() -> Iterator[Package]:
    """linux-headers-RELEASE of the running kernel: as much of it as says that a module could be built."""
    yield _headers(platform.release(), "1.0")


def later_kernel() -> Iterator[Package]:
    """A kernel newer than the running one with its headers, and their metapackages: Debian's, of a flavour `lab`."""
    version = "1.1"
    for part in ("image", "headers"):
        source = {"Source": "linux-signed-amd64"}
        yield Package(f"linux-{part}-lab", version, f"linux-{part}-{LATER} (= {version})", relations=source)
    yield _headers(LATER, version)
    modules = f"usr/lib/modules/{LATER}"
    texts = {f"{modules}/{name}": "" for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo")}
    texts |= {f"boot/vmlinuz-{LATER}": "", f"boot/config-{LATER}": "CONFIG_RD_GZIP=y\nCONFIG_RD_ZSTD=y\n"}
    postinst = _HOOKS.format(arguments=f"--arg={LATER} --arg=/boot/vmlinuz-{LATER}", folder="postinst.d")
    scripts = {"postinst": f"depmod {LATER}\n{postinst}", "postrm": f"[ $1 != purge ] || rm -rf /{modules}\n"}
    relations = {"Depends": "kmod, linux-base (>= 4.3~), initramfs-tools (>= 0.120+deb8u2)"}
    yield Package(f"linux-image-{LATER}", version, relations=relations, texts=texts, scripts=scripts)


def _headers(release: str, version: str) -> Package:
    source = f"usr/src/linux-headers-{release}"
    return Package(
        f"linux-headers-{release}",
        version,
        texts={
            f"{source}/Makefile": f"KERNELRELEASE = {release}\n",
            f"{source}/include/generated/autoconf.h": "#define CONFIG_MODULES 1\n",
            f"{source}/include/config/kernel.release": f"{release}\n",
        },
        links={f"usr/lib/modules/{release}/build": f"/{source}"},
        scripts={"postinst": _HOOKS.format(arguments=f"--arg={release}", folder="header_postinst.d")},
        summary=f"headers of kernel {release}",
    )


# As the real packages have it: DKMS builds where its hook is.
_HOOKS = """\
if [ -d /etc/kernel/{folder} ]; then run-parts --report --exit-on-error {arguments} /etc/kernel/{folder}; fi
"""


def of_source(source: str, packages: Iterable[Package]) -> Iterator[Package]:
    """The packages as built from that source package."""
    for package in packages:
        yield replace(package, relations={"Source": source, **package.relations})


def program(name: str, upstream: str) -> dict[str, Path]:
    return {f"usr/bin/{name}": driver.files(upstream) / name}


def library(name: str, upstream: str) -> dict[str, Path]:
    library = f"{name}.so.{upstream}"
    return {f"{driver.LIBRARY_FOLDER}/{library}": driver.files(upstream) / library}


def link(name: str, upstream: str) -> dict[str, str]:
    return {f"{driver.LIBRARY_FOLDER}/{name}.so.1": f"{name}.so.{upstream}"}


def _support(name: str, version: str, depends: str, blacklist: str, files: dict[str, Path] | None = None) -> Package:
    """The package that keeps nouveau away, and has the initramfs rebuilt for it."""
    scripts = {"postinst": UPDATE_INITRAMFS}
    return Package(name, version, depends, files=files or {}, texts={blacklist: BLACKLIST}, scripts=scripts)


def persistenced(name: str, version: str, upstream: str, depends: str) -> Package:
    """The persistence daemon; as with the real package, one that cannot start does not fail the installation."""
    unit = "nvidia-persistenced.service"
    start = f"systemctl daemon-reload; systemctl -q enable {unit}; systemctl start {unit} || true"
    stop = f'if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl -q disable --now {unit}; fi\n'
    files = program("nvidia-persistenced", upstream) | {f"usr/lib/systemd/system/{unit}": driver.files(upstream) / unit}
    scripts = {"postinst": f"if [ -d /run/systemd/system ]; then {start}; fi\n", "prerm": stop}
    return Package(name, version, depends, files=files, scripts=scripts)


def dkms(
    name: str, version: str, upstream: str, depends: str, relations: dict[str, str], module: str = "nvidia"
) -> Package:
    """The module's source; built at installation where the running kernel's headers are, and silently not otherwise.

    `module` is the name that the distribution gives to it: those of its parts begin with that.
    """
    source = f"usr/src/{module}-{upstream}"
    parts = {part: part.replace("nvidia", module, 1) for part in driver.MODULES}
    files = {f"{source}/{named}.ko": driver.files(upstream) / f"{part}.ko" for part, named in parts.items()}
    description = (driver.files(upstream) / "dkms.conf").read_text().replace('="nvidia', f'="{module}')
    scripts = {
        target: text.replace("@MODULE@", module).replace("@VERSION@", upstream)
        for target, text in {"postinst": _BUILD, "prerm": _UNBUILD}.items()
    }
    texts = {f"{source}/dkms.conf": description}
    return Package(name, version, depends, relations=relations, files=files, texts=texts, scripts=scripts)


_BUILD = """\
[ "$1" = configure ] || exit 0
release=$(uname -r)
echo "Loading new @MODULE@-@VERSION@ DKMS files..."
mkdir -p /var/lib/dkms/@MODULE@/@VERSION@
ln -sfn /usr/src/@MODULE@-@VERSION@ /var/lib/dkms/@MODULE@/@VERSION@/source
if [ ! -e "/lib/modules/$release/build/include/generated/autoconf.h" ]; then
    echo "Module build for kernel $release was skipped since the"
    echo "kernel headers for this kernel do not seem to be installed."
    exit 0
fi
echo "Building initial module for $release"
object=$(mktemp)
echo 'int nvidia_module;' | cc -c -x c - -o "$object"
rm "$object"
built=/var/lib/dkms/@MODULE@/@VERSION@/$release/x86_64
mkdir -p "$built/module" "/lib/modules/$release/updates/dkms"
cp /usr/src/@MODULE@-@VERSION@/*.ko "$built/module/"
ln -sfn "@VERSION@/$release/x86_64" "/var/lib/dkms/@MODULE@/kernel-$release-x86_64"
cp /usr/src/@MODULE@-@VERSION@/*.ko "/lib/modules/$release/updates/dkms/"
depmod -a "$release"
echo "Done."
"""

_UNBUILD = """\
rm -rf /var/lib/dkms/@MODULE@
rm -f "/lib/modules/$(uname -r)/updates/dkms/@MODULE@"*.ko
depmod -a "$(uname -r)"
"""
