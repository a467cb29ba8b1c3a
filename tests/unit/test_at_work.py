"""What is at work on a host and would end with its boot: containers, GPU processes, machines, Slurm's jobs, people."""

from pathlib import Path

import pytest
from pyinfra.api import StringCommand

from tasks.reach import quoted
from tasks.systemd import AT_WORK, in_words, read_lines
from tests.unit.stand_ins import StandIns


class Host:
    """A host without processes or sessions, to begin with."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "bin").mkdir()
        self.programs = StandIns(folder / "bin")
        self.programs.real("find", "sort")
        self.programs.add("loginctl")

    def process(self, number: int, name: str, line: str = "", opened: str = "", children: tuple[str, ...] = ()) -> None:
        """One that runs `name` with the command line `line`, has the file `opened` open, and children by thread."""
        folder = self.folder / "proc" / str(number)
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n")
        (folder / "cmdline").write_text(line.replace(" ", "\0"))
        for thread, each in enumerate(children, number):
            (folder / f"task/{thread}").mkdir(parents=True)
            (folder / f"task/{thread}/children").write_text(each)
        if opened:
            (folder / "fd/3").symlink_to(opened)

    def sessions(self, ended: str = "none", **each: str) -> None:
        """Sessions by number, as loginctl shows them; the one whose leader is `$own` is the program's own.

        `ended` is one that is there when they are listed, and no more when they are shown.
        """
        shown = "".join(f'{number}) printf "%s\\n" {words} ;; ' for number, words in each.items())
        listed = "".join(f'echo "{number} 1000 somebody"; ' for number in each)
        # loginctl is started by a shell that the program has forked.
        does = (
            f'if [ "$1" = list-sessions ]; then {listed} exit; fi; shift; own=$(cut -d" " -f4 /proc/$PPID/stat)\n'
            f'gap=no; for number; do [ "$number" != -p ] || exit 0; [ "$number" != {ended} ] || exit 1; '
            f"[ $gap = no ] || echo; gap=yes; case $number in {shown} esac; done"
        )
        self.programs.add("loginctl", does=does)

    def at_work(self) -> tuple[str, ...]:
        """What the program says."""
        text = AT_WORK.replace("/proc/", f"{self.folder}/proc/")
        return read_lines(self.programs.run(StringCommand(quoted(["sh", "-c", text]))).stdout)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_an_idle_host_has_nothing_at_work(host):
    host.process(1, "systemd")
    host.process(20, "qemu-ga")
    host.process(21, "slurmstepd", "/usr/sbin/slurmstepd infinity")
    host.process(22, "nvidia-persiste", opened="/dev/nvidiactl")
    host.process(23, "Xorg", opened="/dev/nvidia0")
    host.process(24, "bash", opened="/dev/null")
    assert host.at_work() == ()


def test_each_kind_is_found(host):
    host.process(30, "containerd-shim")
    host.process(31, "conmon")
    host.process(32, "qemu-system-x86")
    host.process(33, "slurmstepd", "slurmstepd: [17.batch]")
    host.process(34, "slurmstepd", "slurmstepd: [17.0]")
    host.process(35, "slurmstepd", "slurmstepd: [18_4.extern]")
    host.process(36, "python3", opened="/dev/nvidia0")
    found = host.at_work()
    assert in_words(found) == (
        "2 containers run, processes use GPUs (python3 (process 36)), virtual machines run (qemu-system-x86 (process "
        "32)), jobs of Slurm run (17, 18_4)"
    )
    assert in_words(found, ["gpu"]) == "processes use GPUs (python3 (process 36))"


SHIM = "/usr/bin/containerd-shim-runc-v2 -namespace moby -id 5e3"


@pytest.mark.parametrize(
    ("line", "children", "runs"),
    [
        (SHIM, ("", "77 ", ""), True),
        (SHIM, ("", ""), False),
        (SHIM, (), True),  # a kernel that does not tell
        ("/opt/kata/bin/containerd-shim-kata-v2 -id 5e3", ("",), True),  # of others it is not known what they keep
    ],
)
def test_a_shim_whose_container_has_ended_is_nothing_at_work(host, line, children, runs):
    host.process(30, "containerd-shim", line, children=children)
    assert host.at_work() == (("container containerd-shim",) if runs else ())


@pytest.mark.parametrize("ended", ["none", "c1", "c3", "c5"])
def test_people_are_those_of_other_sessions_than_the_deploys_own(host, ended):
    host.sessions(
        ended,
        c0='Name=eve Leader=76 Class=user-early State=online',
        c1='Name=ann Leader=77 Class=user State=online',
        c2='Name=paiadmin Leader=$own Class=user State=active',
        c3='Name=gdm Leader=78 Class=greeter State=active',
        c4='Name=bob Leader=79 Class=user State=closing',
        c5='Name=cron Leader=80 Class=background State=active',
    )  # fmt: skip
    assert host.at_work() == (("person eve",) if ended == "c1" else ("person eve", "person ann"))


def test_a_line_that_is_none_of_these_is_no_answer():
    with pytest.raises(ValueError, match="no kind of work"):
        read_lines("sh: 1: cannot fork")
