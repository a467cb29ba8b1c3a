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
