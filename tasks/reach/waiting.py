"""Waiting on a host: one loop for all, limited in time."""

from pyinfra.api import StringCommand


def until(
    condition: str | StringCommand, seconds: int, said: str | StringCommand = "", pause: int = 1
) -> StringCommand:
    """Wait until the shell text `condition` succeeds; ask every `pause` seconds, and for `seconds` at most.

    Then the shell text `said` explains itself on standard error and the command fails; without `said` it just ends, for
    a caller that looks again. What the condition itself takes counts; a clock that is set meanwhile does not.
    """
    give_up = StringCommand("{", said, "; } >&2; exit 1") if said else "break"
    return StringCommand(
        "now() { cut -d. -f1 /proc/uptime; }; ",
        f"end=$(($(now) + {seconds})); until ", condition, '; do [ "$(now)" -lt $end ] || { ', give_up,
        f"; }}; sleep {pause}; done", _separator="",
    )  # fmt: skip
