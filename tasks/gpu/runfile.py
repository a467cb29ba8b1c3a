"""NVIDIA's installer on this machine: where it is and whether it is the file that was meant."""

from pathlib import Path

from cluster import Config, Problem
from tasks.reach import file_sha256


def is_url(source: str) -> bool:
    """True for a runfile that hosts download themselves."""
    return source.startswith(("http://", "https://"))


def problem(config: Config) -> Problem | None:
    """Why the configured runfile cannot be used; None when it can, or when the hosts are to find out (a URL)."""
    source, expected = config.nvidia_driver_runfile, config.nvidia_driver_runfile_sha256
    if not source:
        return Problem(
            "nvidia_driver is runfile but nvidia_driver_runfile names none",
            "set it to a path or URL",
            cause="driver-runfile",
        )
    if is_url(source):
        unchecked = Problem(
            f"{source}: a download must be checked", "set nvidia_driver_runfile_sha256", cause="driver-runfile"
        )
        return None if expected else unchecked
    path = Path(source).expanduser()
    if not path.is_file():
        missing = f"nvidia_driver_runfile: no file {path} on this machine"
        return Problem(missing, "download it there or correct the path", cause="driver-runfile")
    found = digest(config)
    if expected and found != expected.lower():
        fix = "download it again or correct nvidia_driver_runfile_sha256"
        return Problem(f"{path} has sha256 {found}, not {expected}", fix, cause="runfile-sum")
    return None


def digest(config: Config) -> str:
    """The sha256 that a host's copy of the runfile must have: the config's, or that of the local file."""
    source = config.nvidia_driver_runfile
    if source and not is_url(source):
        return file_sha256(Path(source).expanduser())
    return (config.nvidia_driver_runfile_sha256 or "").lower()
