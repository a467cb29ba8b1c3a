"""What pyinfra and the tasks log: into run.log, and to the screen what a person needs to see."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import pyinfra
from pyinfra.api import Host
from pyinfra.context import ctx_host

from tasks.progress.log import Mask
from tasks.progress.reasons import Voice

_PYINFRA = str(Path(pyinfra.__file__).parent)
# Its operations log differences, which are for people; the rest of it logs what the screen shows in its own way.
_OPERATIONS = f"{_PYINFRA}/operations/"
_PREFIX = re.compile(r"\[[^\]]+\](?: nested)? *")


@dataclass(frozen=True)
class Heard:
    """A line, or several, that were logged."""

    text: str
    """Without the host's name."""
    level: int
    voice: Voice
    host: Host | None


def _voice(record: logging.LogRecord) -> Voice:
    if record.funcName == "print_host_combined_output":
        return Voice.COMMAND
    # Whoever calls host.log() is not to be seen in the record; pyinfra hardly does.
    ours = record.funcName == "log" or record.pathname.startswith(_OPERATIONS)
    return Voice.TASK if ours or not record.pathname.startswith((_PYINFRA, f"{_PYINFRA}_cli")) else Voice.PYINFRA


def heard(record: logging.LogRecord) -> Heard:
    """What a record of pyinfra's logger says, of which host."""
    host = ctx_host.get() if ctx_host.isset() else None
    text = click.unstyle(record.getMessage())
    if host is not None and text.startswith(f"[{host.name}]"):
        # The names of hosts are padded to one width.
        prefix = len(f"[{host.name}]{host.print_prefix_padding} ")
        text = text[prefix:] if not text[prefix - 1 : prefix].strip() else _PREFIX.sub("", text, count=1)
    return Heard(text, record.levelno, _voice(record), host)


class Without(logging.Filter):
    """Takes secrets out of all that is logged, whoever writes it then."""

    def __init__(self, mask: Mask):
        super().__init__()
        self._mask = mask

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        record.msg, record.args = self._mask(record.getMessage()), None
        return True


class Listener(logging.Handler):
    """Hands on what is logged: as it would have been on the screen, and as heard."""

    def __init__(self, write: Callable[[str], object], tell: Callable[[Heard], object]):
        super().__init__()
        self._write, self._tell = write, tell
        self._after_heading = True

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging for each record."""
        try:
            text = click.unstyle(record.getMessage())
            heading = "-->" in text
            if heading and not self._after_heading:
                self._write("")
            self._after_heading = heading
            self._write(text if heading else f"    {text}")
            self._tell(heard(record))
        except OSError:
            # A full disk, or a reader of the screen that went away: the hosts come first.
            return
