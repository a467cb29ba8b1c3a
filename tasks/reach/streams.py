"""Bytes between this machine and a command on a host: what the connectors read and write."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

# Bytes sent at a time; paramiko's default window is 2 MiB.
CHUNK = 256 * 1024


# What a command over SSH prints first: what its login shell has printed before is not the command's.
MARK = "@@@ openpai-deploy"


class Source(Protocol):
    """Bytes by line or all at once."""

    def __iter__(self) -> Iterator[bytes]: ...

    def read(self) -> bytes: ...


class Remote:
    """A command started by paramiko, with the interface of a local process."""

    def __init__(self, stdin: Any, stdout: Any, stderr: Any):
        self.stdin, self._channel = stdin, stdout.channel
        self.stdout: Source = PastMark(self._channel.makefile("rb"))
        self.stderr = self._channel.makefile_stderr("rb")

    def wait(self) -> int:
        """Wait for the command to end; -1 when the connection broke before it did."""
        return self._channel.recv_exit_status()

    def kill(self) -> None:
        """Wait no more; the command finds its output closed."""
        self._channel.close()


class PastMark:
    """What `source` holds after the line MARK, or all of it: an account that may not log in says so, and no mark."""

    def __init__(self, source: Source):
        self._source = source

    def _before(self) -> list[bytes]:
        before = []
        for line in self._source:
            if line.strip() == MARK.encode():
                return []
            before.append(line)
        return before

    def __iter__(self) -> Iterator[bytes]:
        yield from self._before()
        yield from self._source

    def skipped(self) -> Source:
        """What holds it, read up to the mark."""
        self._before()
        return self._source

    def read(self) -> bytes:
        """All that is left."""
        return b"".join([*self._before(), self._source.read()])


def past_mark(source: Any) -> Any:
    """`source` as it is behind the line MARK, where it has one."""
    return source.skipped() if isinstance(source, PastMark) else source


def feed(pipe: Any, prefix: bytes, stdin: Any) -> None:
    """Write `prefix` and `stdin` (text, lines, bytes or an open binary file) to `pipe`, then close it.

    A command may end without reading all of its input; its exit status tells, so a broken pipe is not an error.
    """
    try:
        if prefix:
            pipe.write(prefix)
        if stdin is not None and hasattr(stdin, "read"):
            while chunk := stdin.read(CHUNK):
                pipe.write(chunk)
        elif stdin:
            pipe.write(_bytes(stdin))
        pipe.close()
    except OSError:
        return


def _bytes(stdin: Any) -> bytes:
    """pyinfra's `_stdin`: bytes as they are; text and lists of lines with every line ended."""
    if isinstance(stdin, bytes):
        return stdin
    lines = stdin if isinstance(stdin, list | tuple) else [stdin]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines).encode()


@contextmanager
def opened(filename_or_io: Any) -> Iterator[tuple[IO[bytes], int, str]]:
    """A file name or file-like object as a binary stream, with its size in bytes and sha256."""
    if hasattr(filename_or_io, "read"):
        filename_or_io.seek(0)
        content = filename_or_io.read()
        data = content.encode() if isinstance(content, str) else content
        filename_or_io.seek(0)
        yield io.BytesIO(data), len(data), hashlib.sha256(data).hexdigest()
        return
    with open(filename_or_io, "rb") as source:
        state = os.fstat(source.fileno())
        yield source, state.st_size, _sha256(os.path.realpath(filename_or_io), state.st_mtime_ns, state.st_size)


def file_sha256(path: str | Path) -> str:
    """The SHA-256 sum of a file of this machine; read once a run while the file stays as it is."""
    state = os.stat(path)
    return _sha256(os.path.realpath(path), state.st_mtime_ns, state.st_size)


@cache
def _sha256(path: str, changed: int, size: int) -> str:
    """The sum of a file as it is since `changed`: a driver of 400 MB goes to every host, and is read for it once."""
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        # hashlib.file_digest is Python 3.11's.
        for chunk in iter(lambda: source.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def save(content: bytes, filename_or_io: Any) -> None:
    """Write `content` to a file name or a file-like object, binary or text."""
    if not hasattr(filename_or_io, "write"):
        Path(filename_or_io).write_bytes(content)
    elif isinstance(filename_or_io, io.TextIOBase):
        filename_or_io.write(content.decode())
    else:
        filename_or_io.write(content)


def lines(source: Iterable[bytes]) -> Iterator[str]:
    """Lines of `source` as text; pyinfra's own decoding ends with a traceback at a byte that is no UTF-8."""
    return map(text, source)


def text(content: bytes) -> str:
    """Decode what a command said, whatever its encoding."""
    return content.decode("utf-8", "replace")
