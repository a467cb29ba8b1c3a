"""Passwords and keys that OpenPAI comes with, and that everybody can read in its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster import versions
from cluster.openpai.model import Versioned
from cluster.secrets import PUBLISHED_ADMIN_PASSWORD
from cluster.versions import Version


@dataclass(frozen=True)
class PublishedDefault(Versioned):
    """A value that a service has unless services-configuration.yaml says another: its section, key and value."""

    service: str
    key: str
    value: str


# src/*/config/*.yaml of OpenPAI; the admin's is that of the guide's services-configuration.yaml.
_PUBLISHED = (
    PublishedDefault("rest-server", "default-pai-admin-password", PUBLISHED_ADMIN_PASSWORD),
    PublishedDefault("rest-server", "jwt-secret", "pai-secret"),
    PublishedDefault("postgresql", "passwd", "rootpass"),
    PublishedDefault("storage-manager", "smbpwd", "smbpwd"),
    PublishedDefault("log-manager", "admin_password", "admin", since="1.4"),
    PublishedDefault("log-manager", "jwt_secret", "jwt_secret", since="1.4"),
    PublishedDefault("marketplace-db", "passwd", "passwd", since="1.4"),
)


def published_defaults(version: Version) -> list[PublishedDefault]:
    """The published defaults of a version of OpenPAI."""
    return [one for one in _PUBLISHED if versions.reads(version, one.since, one.until)]


def left_as_published(configuration: Mapping[str, Any], version: Version) -> list[PublishedDefault]:
    """Those that a services-configuration.yaml leaves as they are: by saying the same, or by not saying anything."""

    def value(one: PublishedDefault) -> Any:
        section = configuration.get(one.service)
        return section.get(one.key, one.value) if isinstance(section, Mapping) else one.value

    return [one for one in published_defaults(version) if value(one) == one.value]
