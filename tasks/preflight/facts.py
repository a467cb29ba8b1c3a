"""All that preflight reads from a host, as one fact: one SSH command, whatever the number of probes.

pyinfra runs one command for each of its facts, and none of them goes on where sudo does not work.
"""

import io
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import SecretStr
from pyinfra.api import StringCommand

from cluster.secrets import RegistryLogin
from tasks.docker import PREDECESSORS
from tasks.preflight.snapshot import BUNDLED, Snapshot, parse_snapshot
from tasks.reach import Fact, text

# Standard input is sudo's password, then the program. Where sudo works the program runs as root; where it does not,
# sudo's own words are reported and the program runs without rights. The times frame it all, for the clock's offset.
_COMMAND = r"""
date +'%n@@@ start%n%s%3N'
IFS= read -r password
program=$(cat)
feed() { printf '%s\n' "$program"; }
if [ "$(id -u)" = 0 ]; then feed | sh -s; exit; fi
exec 3>&1
if sudo -n true 2>/dev/null; then said=$(feed | sudo -n sh -s 2>&1 >&3)
elif [ -z "$password" ]; then said=$(sudo -n true 2>&1); false
else said=$({ printf '%s\n' "$password"; feed; } | sudo -k -S -p '' sh -s 2>&1 >&3)
fi && exit
printf '@@@ sudo\n%s\n' "${said:-sudo failed}"
feed | sh -s
"""

# What is said of a registry that does not take the config's login.
REFUSED = "login refused"
PACKAGES = ["docker-ce", "nvidia-container-toolkit", *PREDECESSORS]


@dataclass(frozen=True)
class Target:
    """A URL that a host must reach, through `proxy` where one is set.

    `client` is `apt`, `http` for any client, or `image` for the manifest of an image, with `image-login` where the
    registry wants the config's login. Where the host has the package or program `needless` it does not ask; nor a
    `fallback` where the image is at the place before.
    """

    id: str
    client: str
    url: str
    proxy: str | None = None
    needless: str = ""
    fallback: bool = False


class HostSnapshot(Fact[Snapshot]):
    """Read a host as preflight sees it. Run it with `_sudo=False` and `_stdin=program(...)`."""

    def command(self) -> str:
        return _COMMAND

    def parse(self, output: list[str]) -> Snapshot:
        return parse_snapshot(output)


def program(
    peers: Iterable[str],
    targets: Iterable[Target],
    folders: Iterable[str],
    lock_wait: int,
    password: SecretStr | None,
    login: RegistryLogin | None = None,
    apt_proxy: str = "",
    user: str = "root",
) -> io.BytesIO:
    """The standard input of HostSnapshot: sudo's password, the parameters, and the probes.

    `peers` are ADDRESS:PORT, `folders` those whose room is asked for; `lock_wait` is in seconds, `login` that at the
    config's registry, `apt_proxy` apt's settings of the proxy, `user` the config's. A stream, because pyinfra logs
    plain arguments.
    """
    urls = "\n".join(
        f"{one.id} {'else-' * one.fallback}{one.client} {one.proxy or '-'} {one.url} {one.needless}" for one in targets
    )
    probes = [
        f"probe_{name}() (\n{StringCommand(fact().command()).get_raw_value()}\n)" for name, fact in BUNDLED.items()
    ]
    lines = [
        password.get_secret_value() if password else "",
        f"PEERS={shlex.quote(' '.join(peers))}",
        f"REACH={shlex.quote(text('preflight/reach.pl'))}",
        f"URLS={shlex.quote(urls)}",
        f"FOLDERS={shlex.quote(' '.join(folders))}",
        f"PACKAGES={shlex.quote(' '.join(PACKAGES))}",
        f"LOGIN={shlex.quote(f'Basic {login.auth.get_secret_value()}' if login else '')}",
        f"REFUSED={shlex.quote(REFUSED)}",
        f"ACCOUNT={shlex.quote(user)}",
        f"APT_PROXY={shlex.quote(apt_proxy)}",
        f"LOCK_WAIT={lock_wait}",
        f"BUNDLED={shlex.quote(' '.join(BUNDLED))}",
        *probes,
        text("apt/locks.sh"),
        text("preflight/manifest.sh"),
        text("preflight/urls.sh"),
        text("preflight/snapshot.sh"),
    ]
    return io.BytesIO("\n".join(lines).encode())
