"""Keys: how the hosts are reached."""

from __future__ import annotations

from cluster.config.base import AddressOrLocal, Group, LinuxUser, Port, Secret, Switch, Text, key


class Access(Group):
    """Access

    The SSH user that all masters and workers share, with sudo rights, and how it logs in.
    """

    user: LinuxUser = key(..., "SSH user on every host; has sudo rights.", example="paiadmin")
    password: Secret | None = key(
        None,
        "The user's password for SSH and sudo. May be left out (key, agent or passwordless sudo), or come from the "
        "environment variable OPENPAI_PASSWORD, which wins over the file. Needs a config.yaml of mode 0600.",
    )
    ask_password: Switch = key(False, "Ask for the password once, on the terminal, when a run begins.")
    ssh_key_file_path: Text | None = key(
        None, "Private key to log in with. Default: id_ed25519 in the cluster folder.", example="~/.ssh/id_ed25519"
    )
    ssh_port: Port = key(22, "Port of sshd on every host.")
    dev_box: AddressOrLocal = key(
        "@local", "The dev box: `@local` (the machine that pyinfra runs on) or the IPv4 address of another machine."
    )
