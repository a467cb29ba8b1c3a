"""Keys: how the hosts are reached."""

from cluster.config.base import AddressOrLocal, Group, LinuxUser, PathOrHome, Port, Positive, Secret, Switch, key


class Access(Group):
    """Access

    The SSH user that all masters and workers share, with sudo rights, and how it logs in.
    """

    user: LinuxUser = key(
        ...,
        "SSH user on every host; has sudo rights.",
        example="paiadmin",
        changes="login on every host; member of the docker group; hosts.yml",
    )
    password: Secret | None = key(
        None,
        "The user's password for SSH and sudo. May be left out (key, agent or passwordless sudo), or come from the "
        "environment variable OPENPAI_PASSWORD, which wins over the file. Needs a config.yaml of mode 0600.",
        changes="login and sudo, by standard input; written nowhere",
    )
    ask_password: Switch = key(
        False,
        "Ask for the password once, on the terminal, when a run begins.",
        changes="login and sudo",
    )
    ssh_key_file_path: PathOrHome | None = key(
        None,
        "Private key to log in with. Default: id_ed25519 in the cluster folder.",
        example="~/.ssh/id_ed25519",
        changes="login; hosts.yml `ansible_ssh_private_key_file`",
    )
    ssh_port: Port = key(
        22,
        "Port of sshd on every host.",
        changes="login; hosts.yml `ansible_port`",
    )
    command_timeout: Positive = key(
        3600,
        "Seconds that one command on a host may take; then that host has failed, and the others go on. What takes "
        "longer runs apart, with limits of its own.",
        changes="every command over SSH",
    )
    quick_connection: Switch = key(
        True,
        "Keep a shell open on each host for its commands, and ask it at once all that its last runs asked it: facts "
        "are read from the answers until something changes. Off, each command has a channel of its own.",
        changes="the file `.foresight/HOST.json` in the cluster folder, of commands asked",
    )
    dev_box: AddressOrLocal = key(
        "@local",
        "The dev box: `@local` (the machine that pyinfra runs on) or the IPv4 address of another machine.",
        changes="the machine that gets the dev box's tasks",
    )
