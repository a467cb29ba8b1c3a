"""The base of this project's facts: whatever a host answers, the run of the others goes on.

An exception of a fact's process() ends pyinfra's run for every host, with a traceback; FactProcessError alone fails the
one host, and gives whoever asked the fact's default value.
"""

from typing import TypeVar

from gevent import GreenletExit
from pyinfra.api import FactBase, Host, State
from pyinfra.api.exceptions import FactProcessError
from pyinfra.context import ctx_host

from cluster.problems import identified
from tasks.reach.asking import Holds
from tasks.reach.sections import END, parse_sections
from tasks.reach.stop import planning

T = TypeVar("T")


class Fact(FactBase[T]):
    """A fact read from sections: command() is made by probes() or probe_script(), read() makes the value."""

    holds = Holds.UNTIL_THE_HOST_CHANGES
    """How long an answer may stand for asking again."""

    def read(self, found: dict[str, str]) -> T:
        """The fact's value of the sections `found`, by name; any exception means that they cannot be read."""
        raise NotImplementedError

    def parse(self, output: list[str]) -> T:
        """The fact's value of its command's whole output."""
        found = parse_sections(output)
        if END not in found:
            raise ValueError("it was cut off")
        return self.read(found)

    def process(self, output: list[str]) -> T:
        """pyinfra's: the value, or FactProcessError with what is wrong with the answer."""
        try:
            return self.parse(output)
        except Exception as error:
            # pyinfra would show the cause in place of the sentence.
            said = (
                f"{type(self).__name__}: the answer cannot be read ({type(error).__name__}: {error}), it begins with "
                f"{_first(output)!r}; see what this host's shell and programs print"
            )
            raise FactProcessError(identified(said, cause="answers")) from None

    def check_preconditions(self, state: State, host: Host) -> None:
        """pyinfra's: end the planning for a host that has failed.

        pyinfra would go on with default values, and say of every further fact what it has said of the first.
        """
        if planning() and host in state.failed_hosts and ctx_host.get() is host:
            raise GreenletExit


def _first(output: list[str]) -> str:
    """The first line that is no mark, shortened: a stray one, where a shell or a program prints such."""
    line = next((line for line in output if line.strip() and not line.startswith("@@")), "")
    return f"{line[:57]}..." if len(line) > 60 else line
