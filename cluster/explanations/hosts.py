"""Reaching hosts, and what every task needs there: SSH, packages, reboots."""

from cluster.explanations.model import Explanation

HOSTS = {
    "inventory-missing": Explanation(
        seen="there is no such inventory file in ...",
        why="pyinfra would go on without a host, and end well.",
        remedy="Name the file beside the cluster folder, as inventories/prod.py; it is looked for where you stand.",
    ),
    "no-host-chosen": Explanation(
        seen="--limit ...: no host of ... is left",
        why="The pattern fits none of the cluster's hosts, or --exclude takes all of them away.",
        remedy="Name hosts or groups as the line shows them.",
    ),
    "no-terminal": Explanation(
        seen="no terminal to confirm on",
        why="Before hosts are changed pyinfra asks, and nobody can answer here.",
        remedy="-y goes on without asking; --dry shows the plan alone.",
    ),
    "data-value": Explanation(
        seen="leave_out: ... is not known; --data output=... is not known; skip_requirements: there is no ...",
        why="A misspelt word would silently do nothing.",
        remedy="Take a word that the line offers.",
    ),
    "run-under-way": Explanation(
        seen="another run is at work: ...",
        why="Two runs that change one cluster undo each other's work.",
        remedy="Wait until it has ended; the line says who it is, where, and since when. A killed run holds nothing.",
    ),
    "preflight-unmet": Explanation(
        seen="Preflight: ... unmet on ... host(s); no host was changed",
        why="A host that does not meet a must would fail later, or harm the others.",
        remedy="Mend what the rows above say; each has its identifier. Workers that cannot be mended now: "
        "--data leave_out=unfit.",
    ),
    "reachable": Explanation(
        seen="no connection; see the messages above (preflight's row `reachable`)",
        why="Everything is done over SSH.",
        remedy="The message of that host, above, says what was tried. A deploy goes on with the others, and ends with "
        "status 1.",
    ),
    "answers": Explanation(
        seen="no answer that can be read (preflight's row `answers`); ...: the answer cannot be read",
        why="The login works, but commands end without the answer, or with something else in it.",
        remedy="Log in as the config's user and look: a full disk, a shell that prints or asks something, a sudo that "
        "does.",
    ),
    "ssh-refused": Explanation(
        seen="connection refused: the machine is there, and nothing listens on port 22",
        why="sshd does not run there, or on another port.",
        remedy="Install and start sshd (apt-get install openssh-server), or set ssh_port.",
    ),
    "ssh-timeout": Explanation(
        seen="timed out: nothing answers on port 22",
        why="The machine is off, another one has the address, or a firewall drops the packets.",
        remedy="Look at its console, compare the address in the CSV file, and ask who filters between here and there.",
    ),
    "ssh-no-route": Explanation(
        seen="no route: no way leads there from this machine",
        why="This machine, or a router, knows no way to that network, or nobody there answers to the address.",
        remedy="`ip route get ADDRESS` here; a VPN or a jump to another network may be missing.",
    ),
    "ssh-name": Explanation(
        seen="this name has no address",
        why="A name stands where this machine would look an address up, and finds none.",
        remedy="Write the address, or see to DNS or /etc/hosts on this machine.",
    ),
    "ssh-silent": Explanation(
        seen="no SSH connection to port 22 (Error reading SSH protocol banner ...)",
        why="Something answers on the port that is no sshd, or an sshd that gives up: too many logins, a full disk.",
        remedy="`ssh -v ADDRESS` from here, and on the machine: journalctl -u ssh.",
    ),
    "ssh-login": Explanation(
        seen="login as ... refused (key ..., the password)",
        why="sshd takes neither the key nor the password that the config names for this user.",
        remedy="Correct user, password or ssh_key_file_path, or set the environment's OPENPAI_PASSWORD; try it by hand "
        "with ssh. sshd may forbid passwords (PasswordAuthentication no).",
    ),
    "ssh-host-key": Explanation(
        seen="the host key changed: pinned ..., found ...",
        why="The key was pinned on first contact. Another one means a new installation, another machine, or somebody "
        "in between.",
        remedy="If the machine was reinstalled: the ssh-keygen -R command in the line. If not, find out first.",
    ),
    "connection-lost": Explanation(
        seen="the connection to the host was lost",
        why="The host went down, or the network between, while commands ran.",
        remedy="See whether it is up and reached; the same command again goes on where it stands.",
    ),
    "command-hangs": Explanation(
        seen="a command has not ended within ... s and was given up",
        why="Something on that host does not answer: a dead NFS server, a failing disk, a program that waits.",
        remedy="Log in and look (ps -ef, dmesg); raise command_timeout where the host is only slow.",
    ),
    "command-failed": Explanation(
        seen="what a program on the host said last; read the log, mend the cause, then run the same again",
        why="A command of an operation ended with an error that this project has no sentence for.",
        remedy="The log in the summary has its whole output; run.log has what came before.",
    ),
    "host-failed": Explanation(
        seen="not run: the host has failed, and what the operation would do next rests on a fact that is not known",
        why="A question to the host was not answered, and no guess is made in place of the answer.",
        remedy="The first red line of that host has the cause.",
    ),
    "user-missing": Explanation(
        seen="there is no user ...",
        why="Keys and the group docker are for the config's user, who has to have an account on every host.",
        remedy="adduser NAME; adduser NAME sudo; or set user to one that every host has.",
    ),
    "ssh-key-missing": Explanation(
        seen="no public key to authorise: ...",
        why="The key of the dev box or of this side was to be made earlier in the run, and is not there.",
        remedy="Look for the earlier line that says why making it failed; then run again.",
    ),
    "apt-mixed-source": Explanation(
        seen="... names ... with another key, in one entry with other repositories",
        why="apt refuses a repository that two entries sign differently, and an entry of others is never rewritten.",
        remedy="Give it an entry of its own in that file, or make its Signed-By the one in the line.",
    ),
    "apt-no-version": Explanation(
        seen="...: no version ... on offer (offered: ...)",
        why="The package source of this host does not have what the config asks for.",
        remedy="Choose one that is offered, or a mirror that has it; `apt-cache policy NAME` on the host.",
    ),
    "download-sum": Explanation(
        seen="no sum at ....sha256",
        why="A program is installed only where its sum is known, and the mirror has none beside it.",
        remedy="Give the sum in the config, as kubernetes_sha256, or name a mirror that has the .sha256 files.",
    ),
    "reboot-at-work": Explanation(
        seen="..., but ... are at work on the host; stop them, or allow the reboot",
        why="The host must reboot, and what runs there would end: containers, GPU programs, logins, machines.",
        remedy="Wait for them or stop them, or allow it: --data allow_disruption=yes. Nodes of the cluster: "
        "tasks.rolling.change drains them one after the other.",
    ),
    "reboot-here": Explanation(
        seen="..., but this is the machine that pyinfra runs on",
        why="The run would end with it.",
        remedy="Reboot it yourself, then run again.",
    ),
    "reboot-failed": Explanation(
        seen="could not be told to reboot; did not come back from its reboot; is still up as before",
        why="The host did not answer with a new boot within reboot_timeout.",
        remedy="Look at its console. Machines with much memory may need a larger reboot_timeout. Then run again.",
    ),
    "reboot-halted": Explanation(
        seen="not rebooted, because ... did not come back from its own reboot",
        why="What keeps one machine down may keep the next one down.",
        remedy="Bring the one that is named back, then run again.",
    ),
    "reboot-fruitless": Explanation(
        seen="after the reboot still: ...",
        why="The reboot was to change something, and did not: another kernel or module is loaded than expected.",
        remedy="Look at what boots (uname -r, GRUB's default) and what loads (lsmod, the initramfs), then run again.",
    ),
}
