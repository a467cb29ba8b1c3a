"""The schema of config.yaml: the guide's keys under their own names, and ours beside them.

One module a subject, one class a group. A key is added in one place, as a field of its group declared by `key()`:
the check, docs/config.md and the example config follow from it (`python -m cluster.reference` writes the last two).
"""

from typing import Any

from pydantic import model_validator

from cluster.config.access import Access
from cluster.config.base import Group, Meta
from cluster.config.docker import Docker, Proxy, Time
from cluster.config.gpu import Gpu
from cluster.config.kubernetes import Kubernetes
from cluster.config.mirrors import CHINA, Mirrors, defaults
from cluster.config.openpai import DockerCache, OpenPAI, Requirements, ServiceRegistry
from cluster.config.rolling import Rolling
from cluster.config.services import Services


class Config(
    Access,
    Mirrors,
    OpenPAI,
    ServiceRegistry,
    Services,
    Requirements,
    Docker,
    Proxy,
    Time,
    Gpu,
    Kubernetes,
    Rolling,
    DockerCache,
):
    """Every key of config.yaml, as attributes."""

    @model_validator(mode="after")
    def _from_mirrors(self) -> "Config":
        """Sources without a key of their own are those that `mirrors` names; they do not count as given."""
        for name, value in defaults(self.mirrors, self.__dict__).items():
            if name not in self.model_fields_set:
                self.__dict__[name] = value
        return self


# In the order of the reference and of the example.
GROUPS: tuple[type[Group], ...] = Config.__bases__


def meta_of(name: str) -> Meta:
    """The Meta of the key of this attribute name."""
    extra: Any = Config.model_fields[name].json_schema_extra
    return extra["meta"]


def is_secret(name: str) -> bool:
    """Whether no message may show the value of the key of this attribute name."""
    return not Config.model_fields[name].repr or "SecretStr" in str(Config.model_fields[name].annotation)


__all__ = ["CHINA", "GROUPS", "Config", "Group", "Kubernetes", "Meta", "Services", "is_secret", "meta_of"]
