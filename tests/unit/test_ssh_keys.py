"""The dev box's key, which every host of a run wants at once."""

from types import SimpleNamespace
from typing import Any

import gevent

from tasks.ssh import operations


class DevBox:
    """A dev box whose sshd takes one session at a time, and which has its key from the second question on."""

    connected = True

    def __init__(self) -> None:
        self.asked = self.sessions = 0

    def get_fact(self, *_: Any, **__: Any) -> SimpleNamespace:
        self.asked += 1
        self.sessions += 1
        assert self.sessions == 1, "a second session"
        gevent.sleep(0)
        self.sessions -= 1
        return SimpleNamespace(public_key="" if self.asked == 1 else "ssh-ed25519 AAAA dev-box")


def test_four_hundred_hosts_ask_it_once():
    dev_box: Any = DevBox()
    assert operations._dev_box_key(dev_box, "paiadmin") == ""  # while planning it may have none
    workers = [gevent.spawn(operations._dev_box_key, dev_box, "paiadmin") for _ in range(400)]
    gevent.joinall(workers, raise_error=True)
    assert {worker.value for worker in workers} == {"ssh-ed25519 AAAA dev-box"}
    assert dev_box.asked == 2
