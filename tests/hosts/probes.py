"""Asking a host many questions in one round trip: commands run side by side, each with its own time limit.

One shell script carries a whole bundle of probes; it needs nothing but sh and coreutils on the host. A command that
cannot even be killed (a driver that hangs in the kernel) does not hold up the others: the script answers without it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

TIMED_OUT = 124  # the exit status of timeout(1)
KILLED = 137  # the same, where the command had to be killed
LONGEST = 400  # characters of a command's own words in a message
GRACE = 3  # seconds between a probe's time limit and giving up on it

SCRIPT = """\
export LC_ALL=C PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
probe() {{
    {{ timeout -k 2 "$2" sh -c "$3" >"$dir/$1.out" 2>"$dir/$1.err"; echo $? >"$dir/$1.new"
      mv "$dir/$1.new" "$dir/$1.rc"; }} </dev/null >/dev/null 2>&1 &
}}
pending() {{
    for n in {numbers}; do [ -e "$dir/$n.rc" ] || return 0; done
    return 1
}}
{calls}
left={tenths}
while [ $left -gt 0 ] && pending; do left=$((left - 1)); sleep 0.1; done
for n in {numbers}; do
    rc={timed_out}; [ -e "$dir/$n.rc" ] && rc=$(cat "$dir/$n.rc")
    echo "{header} $n $rc $(wc -c <"$dir/$n.out") $(wc -c <"$dir/$n.err")"
    cat "$dir/$n.out" "$dir/$n.err"
done
"""
HEADER = "=probe="
AS_ROOT = """\
root() {{ if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -H -- "$@"; fi; }}
root sh <<'{end}'
{script}{end}"""
END = "=end-of-probes="


class RunAs(Enum):
    """Whose command a probe is."""

    USER = "user"
    ROOT = "root"
    FRESH = "fresh login"  # the user's again, but over a connection of its own: groups as a new login has them


@dataclass(frozen=True)
class Probe:
    """A question to a host: a shell command, its time limit in seconds, and who runs it.

    A command that keeps to its limit by itself and has work besides (pulling an image) gets `grace` for that.
    """

    name: str
    command: str
    seconds: int = 15
    run_as: RunAs = RunAs.ROOT
    grace: int = 0


@dataclass(frozen=True)
class Answer:
    """What a probe's command left: exit status and both outputs, without surrounding white space."""

    probe: Probe
    status: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """True when the command ended by itself, with success."""
        return self.status == 0

    @property
    def timed_out(self) -> bool:
        """True when the time limit ended the command."""
        return self.status in (TIMED_OUT, KILLED)

    @property
    def problem(self) -> str:
        """How the command failed, in a few words."""
        if self.timed_out:
            return f"no answer within {self.probe.seconds} s"
        said = " ".join((self.err or self.out).split())
        if len(said) > LONGEST:
            said = f"...{said[-LONGEST:]}"
        return f"exit status {self.status}" + (f": {said}" if said else "")


def script(probes: Sequence[Probe], as_root: bool) -> str:
    """The shell script that runs `probes` and prints their answers."""
    text = SCRIPT.format(
        numbers=" ".join(str(number) for number in range(len(probes))),
        calls="\n".join(f"probe {n} {p.seconds + p.grace} {shlex.quote(p.command)}" for n, p in enumerate(probes)),
        tenths=10 * (max(p.seconds + p.grace for p in probes) + GRACE),
        timed_out=TIMED_OUT,
        header=HEADER,
    )
    # By a here-document: a script in sudo's arguments would fill the host's log of sudo commands.
    return AS_ROOT.format(script=text, end=END) if as_root else f"sh <<'{END}'\n{text}{END}"


def answers(probes: Sequence[Probe], output: bytes) -> dict[str, Answer]:
    """The answers in the output of `script(probes)`, by probe name; ValueError where one is missing."""
    found = {}
    rest = b"".join(output.partition(f"{HEADER} 0 ".encode())[1:])  # after what a login shell prints
    for number, probe in enumerate(probes):
        header, _, rest = rest.partition(b"\n")
        words = header.decode(errors="replace").split()
        if words[:2] != [HEADER, str(number)] or len(words) != 5:
            raise ValueError(f"no answer to {probe.name!r}")
        status, out, err = (int(word) for word in words[2:])
        texts = rest[:out], rest[out : out + err]
        rest = rest[out + err :]
        found[probe.name] = Answer(probe, status, *(text.decode(errors="replace").strip() for text in texts))
    return found
