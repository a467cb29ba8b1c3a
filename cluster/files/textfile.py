"""Reading a file that a person wrote: what editors and spreadsheets do to text, found before it is parsed."""

import re
from pathlib import Path

from cluster.problems import Place, Problem

MAX_BYTES = 4 << 20  # a CSV of 100000 hosts is smaller
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029\ufffe\uffff]")


def read_text(path: Path, problems: list[Problem], *, missing: str) -> str | None:
    """The text of `path` with line ends as \\n, or None when there is none to parse.

    Appends what is wrong with the file itself to `problems`; `missing` is the remedy when it does not exist.
    """
    name = path.name
    try:
        if path.stat().st_size > MAX_BYTES:
            problems.append(
                Problem(
                    f"larger than {MAX_BYTES >> 20} MB", "is it the right file?", Place(name), cause="file-unreadable"
                )
            )
            return None
        data = path.read_bytes()
    except FileNotFoundError:
        problems.append(Problem("the file is missing", missing, Place(name), cause="file-missing"))
        return None
    except OSError as error:
        problems.append(
            Problem(
                f"cannot be read: {error.strerror}",
                "make it a file that you can read",
                Place(name),
                cause="file-unreadable",
            )
        )
        return None
    return decode(data, name, problems)


def decode(data: bytes, name: str, problems: list[Problem]) -> str | None:
    """The text in `data`, or None where it is not text; `name` is the file that the problems name."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.append(
            Problem(
                "saved as UTF-16 (Excel calls it Unicode text)",
                "save it as UTF-8",
                Place(name, 1),
                cause="file-encoding",
            )
        )
        return None
    if data.startswith(_BOM):
        fix = f"save it as UTF-8 without BOM, or run: sed -i '1s/^\\xEF\\xBB\\xBF//' {name}"
        problems.append(Problem("begins with a byte order mark (BOM)", fix, Place(name, 1), cause="file-encoding"))
        data = data.removeprefix(_BOM)
    if b"\0" in data:
        place = Place(name, data[: data.index(b"\0")].count(b"\n") + 1)
        problems.append(
            Problem("contains a NUL byte: this is not a text file", "write the file anew", place, cause="file-encoding")
        )
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place = Place(name, data[: error.start].count(b"\n") + 1)
        problems.append(
            Problem(
                f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8", place, cause="file-encoding"
            )
        )
        return None
    return _clean(text, name, problems)


def _clean(text: str, name: str, problems: list[Problem]) -> str | None:
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        fix = f"run: sed -i 's/\\r$//' {name}"
        problems.append(
            Problem(f"{text.count(chr(13))} Windows line ends (CR)", fix, Place(name, line), cause="line-ends")
        )
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    control = _CONTROL.search(text)
    if control:
        line = text[: control.start()].count("\n") + 1
        found = f"contains the control character U+{ord(control[0]):04X}"
        problems.append(Problem(found, "remove it", Place(name, line), cause="file-encoding"))
        return None
    return text
