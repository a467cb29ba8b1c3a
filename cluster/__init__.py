"""The pure domain: a cluster folder in, a checked Cluster out. Imports no pyinfra."""

from cluster.config import Config
from cluster.loader import load
from cluster.model import Cluster, Host, Role
from cluster.problems import ClusterError, Place, Problem

__version__ = "0.2.0"
