"""What the parts of a cluster folder mean for each other: each file is good for itself, and together they can work."""

from cluster.checks.hosts import changes_since_deploy, check_hosts
from cluster.checks.keys import check_keys
from cluster.checks.kubernetes import check_kubernetes
from cluster.checks.layout import check_layout
from cluster.checks.openpai import check_openpai
from cluster.checks.permissions import check_permissions
from cluster.checks.places import check_places
