"""The cluster folder: its files, the hosts in them, and what an edit means."""

from cluster.explanations.model import Explanation

FOLDER = {
    "folder-missing": Explanation(
        seen="no such folder",
        why="Everything about a cluster is in one folder, and this name is none's.",
        remedy="Correct the name, or make the folder: python -m cluster init DIR, from the guide's three files or "
        "with --example.",
    ),
    "folder-exists": Explanation(
        seen="exists already and is not empty",
        why="init overwrites nothing: a folder that is there may be a cluster's.",
        remedy="Name a new folder; one that is a cluster already is edited with any editor.",
    ),
    "place-unusable": Explanation(
        seen="cannot be used: No such file, Permission denied, No space left ...",
        why="The operating system refused to make or write a file there.",
        remedy="Choose a place that you can write to, or have it given to you (ls -ld, df).",
    ),
    "file-missing": Explanation(
        seen="the file is missing",
        why="A folder needs master.csv, worker.csv and config.yaml.",
        remedy="Add it; inventories/example has one of each kind.",
    ),
    "file-unreadable": Explanation(
        seen="cannot be read: ...; larger than 4 MB",
        why="It is not yours, not a file, or not the one that was meant.",
        remedy="Look at it (ls -l) and give yourself the right to read it, or put the right file there.",
    ),
    "file-mode": Explanation(
        seen="others can read it (mode 0644)",
        why="It holds a password or a key. ssh refuses such a key altogether.",
        remedy="chmod 600 FILE, as the line says; if others have used this machine, change the secret too.",
    ),
    "file-encoding": Explanation(
        seen="saved as UTF-16; begins with a byte order mark; byte 0x... is not UTF-8; contains a control character",
        why="Spreadsheets and some editors save text in other forms, in which names and addresses cannot be told.",
        remedy="Save it as UTF-8 without BOM, or run the sed command where the line has one.",
    ),
    "line-ends": Explanation(
        seen="... Windows line ends (CR)",
        why="The CR would be a part of the last word of each line, as of every address.",
        remedy="Run the sed command in the line, or have the editor save with Unix line ends.",
    ),
    "csv-shape": Explanation(
        seen="quotes, semicolon, tab or space in the line; 1 column instead of 2; no address after the comma",
        why="The guide's files have `hostname,address` a line and nothing else.",
        remedy="Write the line as the message shows it; from Excel: save as CSV (comma), then look at it in an editor.",
    ),
    "csv-no-host": Explanation(
        seen="blank line; header row; comment; only separators",
        why="Every line of these files is a host.",
        remedy="Remove the line.",
    ),
    "csv-empty": Explanation(
        seen="no host in it",
        why="A cluster has at least a master and a worker.",
        remedy="Add one `hostname,address` a line.",
    ),
    "csv-name": Explanation(
        seen="capital letters in the host name; ... cannot be a Kubernetes node name; ... is taken by a group",
        why="The name becomes the Kubernetes node's (RFC 1123, 63 characters), and kubespray's groups have theirs.",
        remedy="Rename the host: a-z, 0-9, - and ., a letter or digit at both ends. A letter of another alphabet that "
        "looks alike is named with its code.",
    ),
    "csv-address": Explanation(
        seen="... is no IPv4 address; a loopback, link-local, network or broadcast address; for examples in documents",
        why="The hosts reach each other by this address, and no host can have that one.",
        remedy="Write the IPv4 address that `ip addr` shows on the host, without a mask and leading zeros.",
    ),
    "csv-twice": Explanation(
        seen="the host name ... is on ... too; the address ... is ...'s; a host is a master or a worker",
        why="Two lines with one name or address are one host to everything that comes later.",
        remedy="Keep one of the lines, or correct the other; both places are named.",
    ),
    "master-count": Explanation(
        seen="... masters: OpenPAI takes exactly one; etcd needs an odd number; installer kubeadm makes one master",
        why="OpenPAI's services live on one master, kubeadm here makes one, and an even number of etcd's members "
        "loses its majority as easily as one member fewer.",
        remedy="Keep one line in master.csv. For several: installer: kubespray and allow_multiple_masters: true, with "
        "OpenPAI before v1.5.0 and an odd number.",
    ),
    "host-new": Explanation(
        seen="notice: ... is new",
        why="The record of the last deploy (deployed.yaml) does not have this host.",
        remedy="Nothing: the next deploy adds it.",
    ),
    "host-redeployed": Explanation(
        seen="notice: ... was deployed as master; ... was deployed at 10.0.0.9",
        why="The host is in the record of the last deploy with another role or address, and Kubernetes knows it so.",
        remedy="Take it out of the CSV file, run tasks.kubernetes.remove_departed, and add it again; not where the "
        "same machine has another address.",
    ),
    "host-departed": Explanation(
        seen="notice: ... was deployed and is in no CSV file",
        why="A deploy never takes a node out of the cluster by itself.",
        remedy="pyinfra INVENTORY tasks.kubernetes.remove_departed, or put the line back.",
    ),
    "deployed-record": Explanation(
        seen="not a record of a deploy: no list `hosts`; not a host of a deploy",
        why="deployed.yaml is written by the deploy, and was changed by something else.",
        remedy="Restore it from a backup. Without it the deploy works, but forgets hosts that left the CSV files.",
    ),
    "layout-shape": Explanation(
        seen="machine-list...: expected ...; machine-sku...: ... in layout.yaml",
        why="OpenPAI's own tools would refuse the file, or take it for something else.",
        remedy="Correct the part that the line names; docs/openpai.md has the form. Without the file the machines are "
        "measured.",
    ),
    "layout-sku": Explanation(
        seen="machine-type ... is not in machine-sku",
        why="A machine's kind says what it has to give, and this kind is not described.",
        remedy="Describe it under machine-sku, or name one that is there.",
    ),
    "layout-machines": Explanation(
        seen="... stands twice; is in no CSV file; is not in layout.yaml; has the address ... in worker.csv",
        why="layout.yaml and the CSV files describe the same machines, and disagree.",
        remedy="Make them agree: name, address, and pai-master or pai-worker, one of the two.",
    ),
    "layout-devices": Explanation(
        seen="... types of computing device without HiveD",
        why="Without HiveD Kubernetes' own scheduler hands out devices, of one type.",
        remedy="Set enable_hived_scheduler: true, or have one type of device in the workers.",
    ),
    "layout-ignored": Explanation(
        seen="warning: OpenPAI v1.0.0 does not read it (layout.yaml)",
        why="OpenPAI reads a layout.yaml from v1.5.0 on.",
        remedy="Remove the file, or install v1.5.0 or later.",
    ),
    "secrets-file": Explanation(
        seen="secrets.yaml: not a map of names to text; cannot be written; OpenPAI's templates break other signs",
        why="The secrets of OpenPAI's services are made once and kept there; OpenPAI pastes them into files unquoted.",
        remedy="Correct the value that is named: letters, digits, - and _, a letter first, in quotes. Do not remove "
        "the file of a cluster that runs: its services know these secrets.",
    ),
    "resources-file": Explanation(
        seen="not JSON; no map `nodes`; pod 1: expected a map with node and requests (render --resources)",
        why="The file says what the nodes have to give, in Kubernetes' quantities.",
        remedy='Write {"nodes": {"NAME": {"cpu": "23900m", "memory": "230000000Ki", "nvidia.com/gpu": "4"}}}.',
    ),
}
