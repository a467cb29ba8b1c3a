"""OpenPAI: its layout.yaml, HiveD's pools, and the files that its installer and its services read."""

from cluster.openpai.layout import LAYOUT, Layout, LayoutFile, Measurement, build_layout, parse_layout
from cluster.openpai.render import (
    hosts_yml,
    kubespray_files,
    measured_layout,
    openpai_files,
    openpai_yml,
)
from cluster.openpai.resources import parse_resources

__all__ = [
    "LAYOUT",
    "Layout",
    "LayoutFile",
    "Measurement",
    "build_layout",
    "hosts_yml",
    "kubespray_files",
    "measured_layout",
    "openpai_files",
    "openpai_yml",
    "parse_layout",
    "parse_resources",
]
