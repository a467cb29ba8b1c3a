"""The API server's name in /etc/hosts.

pyinfra's files.line and files.block know neither cloud-init's template nor entries of others for the same name.
"""

import io

from pyinfra import host
from pyinfra.api import FileUploadCommand, operation

from tasks.kubernetes.facts.hosts_file import HOSTS, TEMPLATE, Hosts, with_name
from tasks.reach import Commands, show_diff


@operation()
def known(api: str, address: str) -> Commands:
    """Have the name `api` stand for `address` on this host, now and after a boot; another's entry for it stays."""
    found = host.get_fact(Hosts)
    for path, text in ((TEMPLATE, found.template), (HOSTS, found.text)):
        wanted = with_name(text, api, address)
        if text and wanted.rstrip("\n") != text.rstrip("\n"):
            show_diff(path, text, wanted)
            yield FileUploadCommand(io.StringIO(wanted), path)
