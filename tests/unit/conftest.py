"""What holds for every unit test."""

import pytest


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SSH agent, which `check` warns without where a config names no password and no key: whoever runs the tests may
    have one or not."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
