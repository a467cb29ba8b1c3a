"""One commit of a repository on a host.

pyinfra's git.repo follows branches and tags, and is never done with either.
"""

from pathlib import Path

from pyinfra import host
from pyinfra.api import FileUploadCommand, operation

from cluster import Config
from tasks.git.facts import WorkingCopy
from tasks.reach import Commands, quoted, script


@operation()
def checked_out(folder: str, repository: str, commit: str, bundle: str | None = None) -> Commands:
    """Have `commit` (40 hex digits) of `repository` checked out in `folder`, unchanged.

    `bundle` is a file of `git bundle` on this machine, for hosts without a way to the repository.
    """
    copy = host.get_fact(WorkingCopy, folder=folder)
    if copy.commit == commit and not copy.changed:
        return
    uploaded = ""
    if bundle:
        uploaded = f"{folder}.bundle"
        yield FileUploadCommand(str(Path(bundle).expanduser()), uploaded)
    yield script("git/check-out", folder, repository, commit, uploaded)
    if uploaded:
        yield quoted(["rm", "-f", uploaded])


def proxies(config: Config) -> dict[str, str]:
    """What sends git and pip through the config's proxy, which holds no password."""
    given = {"http_proxy": config.http_proxy, "https_proxy": config.https_proxy or config.http_proxy}
    found = {name: url for name, url in given.items() if url}
    return found | {"no_proxy": ",".join(config.no_proxy)} if found else {}
