"""/etc/hosts, and the template that cloud-init writes it from at every boot.

pyinfra has no fact for a file's content.
"""

from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, probes, shell

HOSTS = "/etc/hosts"
# Debian's and Ubuntu's; its own words in /etc/hosts are of a host where it is at work.
TEMPLATE = "/etc/cloud/templates/hosts.debian.tmpl"
# Ends the line that is ours.
MARK = "# openpai-deploy: Kubernetes' API"


@dataclass(frozen=True)
class HostsFile:
    """The text of /etc/hosts, and of cloud-init's template where that is what it is made of."""

    text: str = ""
    template: str = ""


class Hosts(Fact[HostsFile]):
    """Read both in one command."""

    default = HostsFile

    def command(self) -> StringCommand:
        template = shell(f"grep -qs manage_etc_hosts {HOSTS} && cat {TEMPLATE}")
        return probes(hosts=["cat", HOSTS], template=template)

    def read(self, found: dict[str, str]) -> HostsFile:
        return HostsFile(found["hosts"], found["template"])


def with_name(text: str, name: str, address: str) -> str:
    """The text of a hosts file with our one line for `name`; without one where somebody else's line has the name.

    >>> with_name("127.0.0.1 localhost", "api", "10.1.0.1")
    "127.0.0.1 localhost\\n10.1.0.1 api # openpai-deploy: Kubernetes' API\\n"
    """
    lines = [line for line in text.splitlines() if not line.endswith(MARK)]
    named = any(name in line.partition("#")[0].split()[1:] for line in lines)
    return "".join(f"{line}\n" for line in [*lines, *([] if named else [f"{address} {name} {MARK}"])])
