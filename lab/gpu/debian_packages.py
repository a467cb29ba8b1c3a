"""Debian's driver packages, after the control files, scripts and modprobe lines of 535.261.03 in bookworm.

Their names, dependencies and recommendations are the real ones', but for libraries of others (libc6, X), and so is the
way of each file: it lies in a folder of the driver's own, and alternatives lead to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.deb import Package
from lab.gpu import driver
from lab.gpu.driver_packages import dkms, of_source, persistenced, program

VERSIONS = ("535.216.03", "535.247.01")
FOLDER = f"{driver.LIBRARY_FOLDER}/nvidia/current"


def debian() -> Iterator[Package]:
    """The packages, the driver's own in two versions."""
    support = ("nvidia-installer-cleanup", "nvidia-support", "nvidia-kernel-common")
    yield from of_source("nvidia-support", (Package(name, "20220217+3~deb12u1") for name in support))
    # These have versions of their own, however new the driver is.
    oldest = VERSIONS[0]
    yield Package("nvidia-modprobe", f"{oldest}-1", files=program("nvidia-modprobe", oldest))
    yield persistenced("nvidia-persistenced", f"{oldest}-1", oldest, "libnvidia-cfg1")
    for upstream in VERSIONS:
        yield from of_source("nvidia-graphics-drivers", _driver(upstream, f"{upstream}-1~deb12u1"))


def _driver(upstream: str, version: str) -> Iterator[Package]:
    same = f"(= {version})"
    alternative = f"nvidia-alternative {same}"
    kernel = f"nvidia-kernel-dkms {same} | nvidia-kernel-{upstream} | nvidia-open-kernel-{upstream}"
    early = {"Pre-Depends": "nvidia-legacy-check (>= 495)"}
    yield Package("nvidia-legacy-check", version, relations={"Pre-Depends": "nvidia-installer-cleanup (>= 20151021)"})
    yield Package(
        "nvidia-alternative",
        version,
        relations=early | {"Provides": f"nvidia-alternative--kmod-alias, nvidia-alternative-{upstream}"},
        scripts={"postinst": _ALTERNATIVES, "prerm": _NO_ALTERNATIVES},
        triggers=_TRIGGERS,
    )
    yield _library("libnvidia-ml", "libnvidia-ml1", upstream, version, alternative)
    yield _library(
        "libcuda",
        "libcuda1",
        upstream,
        version,
        f"nvidia-support, {alternative}, libnvidia-ptxjitcompiler1 {same}, libnvidia-pkcs11-openssl3 {same}",
        f"{kernel}, nvidia-smi, libnvidia-cfg1 {same}, nvidia-persistenced (>= 535)",
    )
    for name, depends in {
        "libnvidia-ptxjitcompiler1": "",
        "libnvidia-pkcs11-openssl3": "",
        "firmware-nvidia-gsp": "",
        "libnvidia-cfg1": alternative,
        "libnvcuvid1": f"{alternative}, libcuda1 {same}",
        "libnvidia-encode1": "libnvcuvid1 (>= 260)",
        "libgl1-nvidia-glvnd-glx": alternative,
        "nvidia-egl-icd": alternative,
        "nvidia-vdpau-driver": alternative,
        "xserver-xorg-video-nvidia": f"{alternative}, nvidia-support",
        "nvidia-driver-bin": f"{alternative}, libnvidia-ml1 (>= 319)",
    }.items():
        yield Package(name, version, depends)
    smi = {"usr/lib/nvidia/current/nvidia-smi": driver.files(upstream) / "nvidia-smi"}
    yield Package("nvidia-smi", version, f"{alternative}, libnvidia-ml1 {same}", kernel, files=smi)
    yield Package(
        "nvidia-kernel-support",
        version,
        f"{alternative}, nvidia-alternative--kmod-alias, nvidia-kernel-common (>= 20151021), nvidia-modprobe (>= 535)",
        relations={"Provides": "nvidia-kernel-support--v1"},
        texts={f"etc/nvidia/current/{name}": text for name, text in _SETTINGS.items()},
    )
    yield dkms(
        "nvidia-kernel-dkms",
        version,
        upstream,
        f"firmware-nvidia-gsp {same}, nvidia-kernel-support--v1, dkms (>= 3.0.3-4~)",
        {"Provides": f"nvidia-kernel-{upstream}", "Pre-Depends": "nvidia-installer-cleanup"},
        "nvidia-current",
    )
    yield Package(
        "nvidia-driver-libs",
        version,
        f"libgl1-nvidia-glvnd-glx {same}, nvidia-egl-icd {same}",
        f"libnvidia-cfg1 {same}, libnvidia-encode1 {same}",
    )
    yield Package(
        "nvidia-driver",
        version,
        f"nvidia-driver-libs {same}, nvidia-driver-bin {same}, xserver-xorg-video-nvidia {same}, "
        f"nvidia-vdpau-driver {same}, {alternative}, {kernel}, nvidia-support",
        f"libnvidia-cfg1 {same}, nvidia-persistenced (>= 535)",
        {"Pre-Depends": "nvidia-installer-cleanup, nvidia-legacy-check (>= 495)"},
    )


def _library(library: str, name: str, upstream: str, version: str, depends: str, recommends: str = "") -> Package:
    file = f"{library}.so.{upstream}"
    return Package(
        name,
        version,
        depends,
        recommends,
        files={f"{FOLDER}/{file}": driver.files(upstream) / file},
        links={f"{FOLDER}/{library}.so.1": file},
    )


_SETTINGS = {
    "nvidia-blacklists-nouveau.conf": "# see #580894\nblacklist nouveau\n",
    "nvidia-load.conf": "nvidia-drm\n",
    # Word for word but for comments and peermem's line.
    "nvidia-modprobe.conf": """\
install nvidia modprobe -i nvidia-current $CMDLINE_OPTS
install nvidia-modeset modprobe nvidia ; modprobe -i nvidia-current-modeset $CMDLINE_OPTS
install nvidia-drm modprobe nvidia-modeset ; modprobe -i nvidia-current-drm $CMDLINE_OPTS
install nvidia-uvm modprobe nvidia ; modprobe -i nvidia-current-uvm $CMDLINE_OPTS
remove nvidia modprobe -r -i nvidia-drm nvidia-modeset nvidia-peermem nvidia-uvm nvidia
remove nvidia-modeset modprobe -r -i nvidia-drm nvidia-modeset
alias char-major-195* nvidia
alias pci:v000010DEd*sv*sd*bc03sc02i00* nvidia
alias pci:v000010DEd*sv*sd*bc03sc00i00* nvidia
""",
}
_TRIGGERS = f"""\
interest-await register-nvidia-alternative
interest-await /etc/nvidia/current
interest-await /usr/lib/nvidia/current
interest-await /{FOLDER}
activate-noawait update-initramfs
"""
# In Debian the lines of modprobe.d go through one alternative more, glx, which X and Mesa share.
_ALTERNATIVES = f"""\
case $1 in
configure) dpkg-trigger register-nvidia-alternative ;;
triggered)
    slaves=
    slave() {{ [ ! -e "$3" ] || slaves="$slaves --slave $1 $2 $3"; }}
    slave /usr/bin/nvidia-smi nvidia--nvidia-smi /usr/lib/nvidia/current/nvidia-smi
    for library in libcuda libnvidia-ml; do
        slave /{driver.LIBRARY_FOLDER}/$library.so.1 nvidia--$library.so.1-x86_64-linux-gnu /{FOLDER}/$library.so.1
    done
    slave /etc/modprobe.d/nvidia-blacklists-nouveau.conf glx--nvidia-blacklists-nouveau.conf \\
        /etc/nvidia/current/nvidia-blacklists-nouveau.conf
    slave /etc/modprobe.d/nvidia.conf glx--nvidia-modprobe.conf /etc/nvidia/current/nvidia-modprobe.conf
    slave /etc/modules-load.d/nvidia.conf glx--nvidia-load.conf /etc/nvidia/current/nvidia-load.conf
    mkdir -p /usr/lib/nvidia/current
    if [ "$slaves" ]; then
        update-alternatives --quiet --install /usr/lib/nvidia/nvidia nvidia /usr/lib/nvidia/current 535 $slaves
    else
        update-alternatives --quiet --remove nvidia /usr/lib/nvidia/current
    fi
    ;;
esac
"""
_NO_ALTERNATIVES = """\
case $1 in
remove | deconfigure) update-alternatives --quiet --remove nvidia /usr/lib/nvidia/current ;;
esac
"""
