"""OpenPAI: its services, its layout.yaml, HiveD's pools, and the files that its installer and its services read."""

from cluster.openpai.credentials import left_as_published, published_defaults
from cluster.openpai.hived import HIVED_FIX, free_cores
from cluster.openpai.layout import LAYOUT, Layout, LayoutFile, Measurement, build_layout, parse_layout
from cluster.openpai.model import Label, Nodes, Object, Service, Workload
from cluster.openpai.render import (
    config_without_secrets,
    hosts_yml,
    kubespray_files,
    measured_layout,
    openpai_files,
    openpai_yml,
)
from cluster.openpai.resources import keep_measured, parse_resources
from cluster.openpai.services import (
    FIXED_IMAGES,
    SWITCHES,
    available,
    catalogue,
    chosen,
    images,
    internal_storage_gb,
    paictl_image,
    ports,
    replaced_images,
    requested,
)
from cluster.openpai.source import COMMITS, commit, reference
