"""The cluster as the operator describes it: hosts by role, and the config. Pure: no I/O, no pyinfra."""

from dataclasses import dataclass
from pathlib import Path

from cluster.config import Config
from cluster.words import StrEnum


class Role(StrEnum):
    """The three kinds of machine of the guide; the values are the pyinfra group names."""

    DEV_BOX = "dev_box"
    MASTER = "master"
    WORKER = "worker"


@dataclass(frozen=True)
class Host:
    """One machine: its name (which becomes the Kubernetes node name), IPv4 address and role."""

    name: str
    address: str
    role: Role

    @property
    def is_local(self) -> bool:
        """True for a dev box that is the machine pyinfra itself runs on."""
        return self.address == "@local"


@dataclass(frozen=True)
class Cluster:
    """A cluster folder, read and checked."""

    folder: Path
    dev_box: Host
    masters: tuple[Host, ...]
    workers: tuple[Host, ...]
    config: Config

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host, dev box first, then masters, then workers, in the order of the files."""
        return (self.dev_box, *self.masters, *self.workers)

    @property
    def known_hosts(self) -> Path:
        """The folder's own known_hosts: host keys pinned on first contact."""
        return self.folder / "known_hosts"

    @property
    def identity(self) -> Path:
        """The private key this side logs in with: ssh_key_file_path, else the folder's own."""
        chosen = self.config.ssh_key_file_path
        return Path(chosen).expanduser() if chosen else self.folder / "id_ed25519"
