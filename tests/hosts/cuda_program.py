"""A program that starts CUDA and prints `cuInit RESULT, COUNT GPUs`; it ends with 0 where CUDA works.

nvidia-smi speaks to the driver alone: on machines with NVSwitches it shows every GPU while no CUDA program starts.
Neither workers nor NVIDIA's base images have a compiler, so the program is made here: an ELF file for x86-64 Linux of
some 900 bytes, which ld.so binds to libcuda.so.1 and libc.so.6 as it would a compiler's. In C:

    int count, result = cuInit(0);
    if (!result) result = cuDeviceGetCount(&count);
    printf("cuInit %d, %d GPUs\\n", result, count);
    exit(result != 0);
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

LIBRARIES = ("libcuda.so.1", "libc.so.6")
FUNCTIONS = ("cuInit", "cuDeviceGetCount", "printf", "exit")
INTERPRETER = b"/lib64/ld-linux-x86-64.so.2\0"
FORMAT = b"cuInit %d, %d GPUs\n\0"
BASE = 0x400000  # where the file is loaded, as one piece
HEADERS = 64 + 4 * 56  # of the file, and of its four segments
# From the ELF specification and its supplement for x86-64.
EXECUTABLE, X86_64, CURRENT = 2, 62, 1
LOAD, DYNAMIC, INTERP, STACK = 1, 2, 3, 0x6474E551
NULL, NEEDED, STRTAB, SYMTAB, RELA, RELASZ, RELAENT, STRSZ, SYMENT = 0, 1, 5, 6, 7, 8, 9, 10, 11
GLOBAL_FUNCTION = 1 << 4 | 2
R_X86_64_64 = 1
READ, WRITE, EXECUTE = 4, 2, 1


def program() -> bytes:
    """The ELF file."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in (*LIBRARIES, *FUNCTIONS))

    def string(name: str) -> int:
        return strings.index(b"\0" + name.encode() + b"\0") + 1

    content, places = bytearray(HEADERS), {}

    def place(name: str, part: bytes) -> None:
        content.extend(bytes(-len(content) % 16))
        places[name] = BASE + len(content)
        content.extend(part)

    place("interpreter", INTERPRETER)
    place("strings", strings)
    symbols = [struct.pack("<IBBHQQ", string(name), GLOBAL_FUNCTION, 0, 0, 0, 0) for name in FUNCTIONS]
    place("symbols", bytes(24) + b"".join(symbols))
    place("slots", bytes(8 * len(FUNCTIONS)))  # ld.so writes the functions' addresses here
    relocations = (
        struct.pack("<QQq", places["slots"] + 8 * number, (number + 1) << 32 | R_X86_64_64, 0)
        for number in range(len(FUNCTIONS))
    )
    place("relocations", b"".join(relocations))
    place("count", bytes(8))
    place("format", FORMAT)
    entries = (
        *((NEEDED, string(library)) for library in LIBRARIES),
        (STRTAB, places["strings"]),
        (STRSZ, len(strings)),
        (SYMTAB, places["symbols"]),
        (SYMENT, 24),
        (RELA, places["relocations"]),
        (RELASZ, 24 * len(FUNCTIONS)),
        (RELAENT, 24),
        (NULL, 0),
    )
    place("dynamic", b"".join(struct.pack("<QQ", *entry) for entry in entries))
    slots = {name: places["slots"] + 8 * number for number, name in enumerate(FUNCTIONS)}
    place("code", _code(slots.__getitem__, places["count"], places["format"]))
    content[:HEADERS] = _headers(places, len(content), len(entries) * 16)
    return bytes(content)


def _code(slot: Callable[[str], int], count: int, text: int) -> bytes:
    def call(name: str) -> bytes:
        return b"\xff\x14\x25" + struct.pack("<I", slot(name))  # call *slot

    counting = b"\xbf" + struct.pack("<I", count) + call("cuDeviceGetCount")  # mov $count, %edi; call
    return b"".join(
        (
            b"\x31\xff" + call("cuInit"),  # xor %edi, %edi; call
            b"\x85\xc0\x75" + bytes([len(counting)]),  # test %eax, %eax; jnz past the counting
            counting,
            b"\x89\xc3",  # mov %eax, %ebx
            b"\xbf" + struct.pack("<I", text),  # mov $text, %edi
            b"\x89\xde",  # mov %ebx, %esi
            b"\x8b\x14\x25" + struct.pack("<I", count),  # mov count, %edx
            b"\x31\xc0" + call("printf"),  # xor %eax, %eax (no floating point); call
            b"\x31\xff\x85\xdb\x40\x0f\x95\xc7",  # xor %edi, %edi; test %ebx, %ebx; setne %dil
            call("exit"),
        )
    )


def _headers(places: dict[str, int], size: int, dynamic: int) -> bytes:
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)  # 64 bits, little-endian
    fields = (EXECUTABLE, X86_64, CURRENT, places["code"], 64, 0, 0, 64, 56, 4, 64, 0, 0)
    segments = (
        (INTERP, READ, places["interpreter"], len(INTERPRETER), 1),
        (LOAD, READ | WRITE | EXECUTE, BASE, size, 4096),
        (DYNAMIC, READ | WRITE, places["dynamic"], dynamic, 8),
        (STACK, READ | WRITE, BASE, 0, 16),
    )
    return (
        ident
        + struct.pack("<HHIQQQIHHHHHH", *fields)
        + b"".join(
            struct.pack("<IIQQQQQQ", kind, flags, at - BASE, at, at, length, length, alignment)
            for kind, flags, at, length, alignment in segments
        )
    )


def command() -> tuple[str, ...]:
    """The words that run it, in a container or on a host with sh, mktemp and base64."""
    encoded = base64.b64encode(program()).decode()
    return "sh", "-c", f"file=$(mktemp) && echo {encoded} | base64 -d >$file && chmod +x $file && exec $file"
