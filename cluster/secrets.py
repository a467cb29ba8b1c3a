"""Secrets, resolved as late as possible and never shown."""

from __future__ import annotations

import os

from pydantic import SecretStr

from cluster.model import Cluster


def password(cluster: Cluster) -> SecretStr | None:
    """The SSH and sudo password of the config's user: the environment's OPENPAI_PASSWORD, else the config's."""
    given = os.environ.get("OPENPAI_PASSWORD")
    return SecretStr(given) if given else cluster.config.password
