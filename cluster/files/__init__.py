"""The files of a cluster folder: read with every problem on its line, and written whole or not at all."""

from cluster.files.atomic import write_atomically
from cluster.files.configfile import CONFIG, PLACEHOLDER, ConfigFile, parse_config
from cluster.files.deployed import (
    DEPLOYED,
    DeployedHost,
    departed_hosts,
    forget_deployed,
    read_deployed,
    record_deployed,
)
from cluster.files.hostsfile import MASTERS, WORKERS, HostRow, address_flaw, name_flaw, parse_hosts
from cluster.files.textfile import read_text
from cluster.files.yamlfile import YamlDocument, parse_yaml

__all__ = [
    "CONFIG",
    "DEPLOYED",
    "MASTERS",
    "PLACEHOLDER",
    "WORKERS",
    "ConfigFile",
    "DeployedHost",
    "HostRow",
    "YamlDocument",
    "address_flaw",
    "departed_hosts",
    "forget_deployed",
    "name_flaw",
    "parse_config",
    "parse_hosts",
    "parse_yaml",
    "read_deployed",
    "read_text",
    "record_deployed",
    "write_atomically",
]
