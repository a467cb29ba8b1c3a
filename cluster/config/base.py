"""What every group of keys is made of: `key()` to declare one, and the types that check its value."""

import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)


@dataclass(frozen=True)
class Meta:
    """What the reference says of a key beyond its type, default and meaning.

    `since` and `until` are the first and the last OpenPAI version that read the key: OpenPAI's own installer, so that a
    version outside of them means that the key does nothing there. `changes` is where the value ends up.
    """

    since: str | None = None
    until: str | None = None
    example: str | None = None
    changes: str | None = None


def key(
    default: Any,
    meaning: str,
    *,
    alias: str | None = None,
    since: str | None = None,
    until: str | None = None,
    example: str | None = None,
    changes: str | None = None,
    secret: bool = False,
) -> Any:
    """Declare a key of config.yaml.

    `default` is `...` for a required key; `example` is YAML text; a `secret` one never shows in a Config's repr.
    """
    meta = {"meta": Meta(since, until, example, changes)}
    return Field(
        default,
        description=meaning,
        alias=alias,
        json_schema_extra=meta,  # type: ignore[arg-type]
        repr=not secret,
    )


class Group(BaseModel):
    """A group of keys. The docstring's first line is its title in the reference; the rest introduces it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, hide_input_in_errors=True
    )


def _matching(pattern: str, expected: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def _url(value: str) -> str:
    if re.search(r"\s", value) or not value.startswith(("http://", "https://")) or not _hostname(value):
        raise ValueError("expected a URL that begins with http:// or https://")
    return value


def _docker_apt_mirror(value: str) -> str:
    if value in ("official", "aliyun", "azurechina"):
        return value
    try:
        return _url(value)
    except ValueError:
        raise ValueError(
            "expected official, aliyun, azurechina or a URL that begins with http:// or https://"
        ) from None


def _hostname(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port is None or parts.port else None
    except ValueError:
        return None


def _without_userinfo(value: str) -> str:
    if urlsplit(value).username is not None:
        raise ValueError("expected a URL without user and password: every user of the hosts could read them")
    return value


def _subnet(value: str) -> str:
    try:
        IPv4Network(value)
    except ValueError:
        raise ValueError("expected an IPv4 network such as 10.192.0.0/13, with no host bits set") from None
    return value


def _address_or_local(value: str) -> str:
    if value != "@local":
        try:
            IPv4Address(value)
        except ValueError:
            raise ValueError("expected @local or an IPv4 address") from None
    return value


def _switch(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _single_line(value: SecretStr) -> SecretStr:
    if not value.get_secret_value() or re.search(r"[\r\n\0]", value.get_secret_value()):
        raise ValueError("expected text on one line, not empty")
    return value


def _admin_password(value: SecretStr) -> SecretStr:
    """What OpenPAI's templates bear: they put it into YAML without quotes, where it must stay text."""
    text = value.get_secret_value()
    if text == "admin-password":
        raise ValueError("expected a password of your own, not the one that OpenPAI's guide prints")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{5,}", text, re.ASCII):
        raise ValueError("expected 6 or more letters and digits, a letter first: OpenPAI's templates break other signs")
    return value


def _service_names(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """One message where each part of the type would have one of its own."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError("expected all, essential or a list of names") from None


def _fingerprint(value: str) -> str:
    return value.replace(" ", "").upper()


ServiceNames = Annotated[Literal["all", "essential"] | list[str], WrapValidator(_service_names)]
Text = Annotated[str, _matching(r"[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*", "text on one line, not empty")]
Word = Annotated[str, _matching(r"[^\s\x00-\x1f\x7f]+", "text without spaces, not empty")]
Secret = Annotated[SecretStr, AfterValidator(_single_line)]
AdminPassword = Annotated[SecretStr, AfterValidator(_admin_password)]
Switch = Annotated[bool, BeforeValidator(_switch)]
LinuxUser = Annotated[str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?", "a Linux user name")]
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Url = Annotated[str, AfterValidator(_url)]
ProxyUrl = Annotated[str, AfterValidator(_url), AfterValidator(_without_userinfo)]
HostName = Annotated[str, _matching(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "a host name or an address")]
Registry = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5}|/\d{1,2})?", "host, host:port or a network, no http://"
    ),
]
Repository = Annotated[
    str,
    _matching(r"[A-Za-z0-9][A-Za-z0-9.:/_{} -]*", "an image repository such as gcr.io/google-containers, no http://"),
]
Image = Annotated[str, _matching(r"[a-z0-9][A-Za-z0-9./:_@-]*", "an image such as registry.example.com/name:tag")]
ImagePart = Annotated[str, _matching(r"[a-z0-9][A-Za-z0-9./:_@-]*", "what an image's name begins with, as gcr.io/")]
ImageTag = Annotated[str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "an image tag such as v1.0.0")]
DockerAptMirror = Annotated[str, AfterValidator(_docker_apt_mirror)]
PathOrHome = Annotated[Text, AfterValidator(os.path.expanduser)]
AbsolutePath = Annotated[str, _matching(r"/[^\s\x00-\x1f\x7f]*", "an absolute path without spaces")]
Fingerprint = Annotated[
    str, AfterValidator(_fingerprint), _matching(r"[0-9A-F]{40}", "the 40 hexadecimal digits of a key's fingerprint")
]
Commit = Annotated[str, _matching(r"[0-9a-f]{40}", "the 40 hexadecimal digits of a commit")]
Sha256 = Annotated[str, _matching(r"[0-9a-f]{64}", "a SHA-256 sum: 64 lower-case hexadecimal digits")]
Subnet = Annotated[str, AfterValidator(_subnet)]
AddressOrLocal = Annotated[str, AfterValidator(_address_or_local)]
ByteSize = Annotated[str, _matching(r"[1-9]\d*[kmg]?", "a size such as 50m or 2g")]
