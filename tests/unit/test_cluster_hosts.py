"""One case for each thing that can be wrong with the CSV files: the lines that say so, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import ClusterError, load
from tests.unit.cluster_folder import CONFIG, MASTER, WORKER, C, M, W, assert_lines, lines_of, write

# name of the case -> (files, beginnings of the lines that check prints)
HOSTS: dict[str, tuple[dict[str, str | bytes], list[str]]] = {
    "blank line": ({W: "a,10.0.0.1\n\nb,10.0.0.2\n"}, [f"{W}:2: blank line; remove it"]),
    "blank line at the end": ({W: "a,10.0.0.1\n\n"}, [f"{W}:2: blank line; remove it"]),
    "spaces": ({W: "a, 10.0.0.1\n"}, [f"{W}:1: space in the line; write a,10.0.0.1"]),
    "trailing space": ({W: "a,10.0.0.1 \n"}, [f"{W}:1: space in the line; write a,10.0.0.1"]),
    "no-break space": ({W: "a,\u00a010.0.0.1\n"}, [f"{W}:1: space in the line; write a,10.0.0.1"]),
    "tab": ({W: "a\t10.0.0.1\n"}, [f"{W}:1: tab between the columns, as Excel saves them as text; write a,10.0.0.1"]),
    "comment": ({W: "# workers\na,10.0.0.1\n"}, [f"{W}:1: comment; this file has none; remove the line"]),
    "header": ({W: "hostname,host-ip\na,10.0.0.1\n"}, [f"{W}:1: header row; this file has none; remove the line"]),
    "one column": ({W: "a\n"}, [f"{W}: no host in it", f"{W}:1: 1 column instead of 2: 'a'; write"]),
    "three columns": ({W: "a,10.0.0.1,gpu\n"}, [f"{W}: no host in it", f"{W}:1: 3 columns instead of 2"]),
    "a host called header": (
        {W: "header,,10.0.0.1\n"},
        [f"{W}:1: 3 columns instead of 2: 'header,,10.0.0.1'; write header"],
    ),
    "no name": ({W: ",10.0.0.1\n"}, [f"{W}: no host in it", f"{W}:1: no host name before the comma; write"]),
    "no address": ({W: "a,\n"}, [f"{W}: no host in it", f"{W}:1: no address after the comma; write"]),
    "quotes": ({W: '"a","10.0.0.1"\n'}, [f"{W}:1: quotes, as Excel saves them; write a,10.0.0.1"]),
    "semicolon": (
        {W: "a;10.0.0.1\n"},
        [f"{W}:1: semicolon between the columns, as Excel saves them in some countries"],
    ),
    "full-width comma": ({W: "a\uff0c10.0.0.1\n"}, [f"{W}:1: full-width comma between the columns; write a,10.0.0.1"]),
    "trailing commas": ({W: "a,10.0.0.1,,\n"}, [f"{W}:1: trailing comma, as Excel saves empty columns; write a,10.0"]),
    "empty row": ({W: "a,10.0.0.1\n,,\n"}, [f"{W}:2: only separators: an empty row of a spreadsheet (Excel); remove"]),
    "capitals": (
        {W: "Node-1,10.0.0.1\n"},
        [f"{W}:1: capital letters in the host name 'Node-1'; rename the host to node-1"],
    ),
    "underscore": ({W: "node_1,10.0.0.1\n"}, [f"{W}:1: 'node_1' cannot be a Kubernetes node name; rename the host"]),
    "hyphen at the end": ({W: "node-,10.0.0.1\n"}, [f"{W}:1: 'node-' cannot be a Kubernetes node name"]),
    "not ASCII": (
        {W: "kn\u00f6te,10.0.0.1\n"},
        [f"{W}:1: 'kn\u00f6te' cannot be a Kubernetes node name (\u00f6 is U+00F6)"],
    ),
    "Chinese": ({W: "\u8282\u70b9-1,10.0.0.1\n"}, [f"{W}:1: '\u8282\u70b9-1' cannot be a Kubernetes node name"]),
    "example's address": ({W: "a,192.0.2.7\n"}, [f"{W}:1: 192.0.2.7 is an address for examples in documents"]),
    "long name": ({W: f"{'a' * 64},10.0.0.1\n"}, [f"{W}:1: the host name 'aaaaaaaa"]),
    "reserved name": ({W: "localhost,10.0.0.1\n"}, [f"{W}:1: the host name localhost is taken by a group or machine"]),
    "named like the dev box": ({W: "dev-box,10.0.0.1\n"}, [f"{W}:1: the host name dev-box is taken"]),
    "columns swapped": (
        {W: "10.0.0.1,a\n"},
        [f"{W}:1: '10.0.0.1' stands where the host name belongs; put", f"{W}:1: 'a' is no IPv4 address; write the"],
    ),
    "not an address": ({W: "a,10.0.0.256\n"}, [f"{W}:1: '10.0.0.256' is no IPv4 address; write the IPv4 address"]),
    "leading zeros": ({W: "a,10.0.0.010\n"}, [f"{W}:1: leading zeros in the address '10.0.0.010'"]),
    "IPv6": ({W: "a,fd00::1\n"}, [f"{W}:1: fd00::1 is an IPv6 address"]),
    "loopback": ({W: "a,127.0.0.1\n"}, [f"{W}:1: 127.0.0.1 is a loopback address"]),
    "network": ({W: "a,10.0.0.0\n"}, [f"{W}:1: 10.0.0.0 is a network address"]),
    "network with length": ({W: "a,10.0.0.0/24\n"}, [f"{W}:1: '10.0.0.0/24' is a network, not an address"]),
    "link-local": ({W: "a,169.254.1.1\n"}, [f"{W}:1: 169.254.1.1 is a link-local address"]),
    "multicast": ({W: "a,224.0.0.1\n"}, [f"{W}:1: 224.0.0.1 is no address of a host"]),
    "unspecified": ({W: "a,0.0.0.0\n"}, [f"{W}:1: 0.0.0.0 is no address of a host"]),
    "name twice": (
        {W: "a,10.0.0.1\na,10.0.0.2\n"},
        [f"{W}:2: the host name a is on {W}:1 too; remove or rename one"],
    ),
    "address twice": (
        {W: "a,10.0.0.1\nb,10.0.0.1\n"},
        [f"{W}:2: the address 10.0.0.1 is a's on {W}:1 too; correct one of them"],
    ),
    "address in both files": (
        {W: "a,10.1.0.1\n"},
        [f"{W}:1: the address 10.1.0.1 is openpai-master-01's on {M}:1 too"],
    ),
    "host in both files": (
        {W: WORKER + MASTER},
        [f"{W}:5: openpai-master-01 is on {M}:1 too: a host is a master or a worker; remove one of the lines"],
    ),
    "no worker": ({W: ""}, [f"{W}: no host in it; add one"]),
    "no master": ({M: ""}, [f"{M}: no host in it; add one"]),
    "two masters": (
        {M: "a,10.1.0.1\nb,10.1.0.2\n"},
        [f"{M}:2: 2 masters: OpenPAI takes exactly one; keep one, or set"],
    ),
    "even number of etcd members": (
        {M: "a,10.1.0.1\nb,10.1.0.2\n", C: CONFIG + "allow_multiple_masters: true\ninstaller: kubespray\n"},
        [f"{M}:2: 2 masters: etcd needs an odd number of members to keep a majority; add or remove one"],
    ),
    "dev box in the cluster": (
        {C: CONFIG + "dev_box: 10.0.0.2\n"},
        [f"{W}:2: openpai-002 is the dev box of {C}:4; use another machine"],
    ),
    "host among the pods": (
        {W: "a,10.201.0.1\n"},
        [f"{W}:1: 10.201.0.1 is inside kube_pods_subnet 10.200.0.0/13; set kube_pods_subnet in config.yaml"],
    ),
    "byte order mark": ({W: b"\xef\xbb\xbfa,10.0.0.1\n"}, [f"{W}:1: begins with a byte order mark (BOM); save"]),
    "UTF-16": ({W: "a,10.0.0.1\n".encode("utf-16")}, [f"{W}:1: saved as UTF-16 (Excel calls it Unicode text)"]),
    "CRLF": ({W: "a,10.0.0.1\nb,10.0.0.2\r\n"}, [f"{W}:2: 1 Windows line ends (CR); run: sed -i"]),
    "not UTF-8": ({W: b"a,10.0.0.1\n\xff,10.0.0.2\n"}, [f"{W}:2: byte 0xff is not UTF-8; save the file as UTF-8"]),
    "NUL": ({W: b"a,10.0.0.1\nb\0,10.0.0.2\n"}, [f"{W}:2: contains a NUL byte: this is not a text file"]),
    "control character": ({W: "a,10.0.0.1\x0c\n"}, [f"{W}:1: contains the control character U+000C; remove it"]),
}


@pytest.mark.parametrize("case", HOSTS)
def test_hosts(case: str, tmp_path: Path) -> None:
    files, expected = HOSTS[case]
    assert_lines(lines_of(write(tmp_path, files)), expected)
    with pytest.raises(ClusterError):
        load(tmp_path)
