"""What every group of keys is made of: `key()` to declare one, and the types that check its value."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
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
    version outside of them means that the key does nothing there. `example` is YAML text; `changes` is where the value
    ends up.
    """

    since: str | None = None
    until: str | None = None
    example: str | None = None
    changes: str | None = None


def key(default: Any, meaning: str, *, alias: str | None = None, secret: bool = False, **meta: str) -> Any:
    """Declare a key of config.yaml.

    `default` is `...` for a required key; a `secret` one never shows in a Config's repr; `meta` are fields of Meta.
    """
    extra: Any = {"meta": Meta(**meta)}
    return Field(default, description=meaning, alias=alias, json_schema_extra=extra, repr=not secret)


class Group(BaseModel):
    """A group of keys. The docstring's first line is its title in the reference; the rest introduces it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, hide_input_in_errors=True
    )


def _only(fits: Callable[[Any], object], expected: str) -> AfterValidator:
    """A value that `fits`: a test that answers with something true; false or a ValueError means that it does not."""

    def check(value: Any) -> Any:
        with suppress(ValueError):
            if fits(value):
                return value
        raise ValueError(f"expected {expected}")

    return AfterValidator(check)


def _matching(pattern: str, expected: str) -> AfterValidator:
    return _only(re.compile(pattern).fullmatch, expected)


def _is_url(value: str) -> bool:
    parts = urlsplit(value)
    shaped = value.startswith(("http://", "https://")) and not re.search(r"\s", value)
    return shaped and bool(parts.hostname) and parts.port != 0


def _switch(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


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
Recipient = Annotated[str, _matching(r"age1[0-9a-z]+", "a recipient of age's: age1...")]
Calendar = Annotated[str, _matching(r"[A-Za-z0-9*/.,:~+_ -]+", "daily, or another calendar expression of systemd's")]
Word = Annotated[str, _matching(r"[^\s\x00-\x1f\x7f]+", "text without spaces, not empty")]
Secret = Annotated[
    SecretStr, _only(lambda value: re.fullmatch(r"[^\r\n\0]+", value.get_secret_value()), "text on one line, not empty")
]
AdminPassword = Annotated[SecretStr, AfterValidator(_admin_password)]
Switch = Annotated[bool, BeforeValidator(_switch)]
LinuxUser = Annotated[str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?", "a Linux user name")]
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[str, _matching(r"[1-9]\d*|([1-9]\d?|100)%", 'a count or a share in quotes, as "2" or "10%"')]
Url = Annotated[str, _only(_is_url, "a URL that begins with http:// or https://")]
ProxyUrl = Annotated[
    Url,
    _only(
        lambda value: urlsplit(value).username is None,
        "a URL without user and password: every user of the hosts could read them",
    ),
]
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
DockerAptMirror = Annotated[
    str,
    _only(
        lambda value: value in ("official", "aliyun", "azurechina") or _is_url(value),
        "official, aliyun, azurechina or a URL that begins with http:// or https://",
    ),
]
PathOrHome = Annotated[Text, AfterValidator(os.path.expanduser)]
AbsolutePath = Annotated[str, _matching(r"/[^\s\x00-\x1f\x7f]*", "an absolute path without spaces")]
Fingerprint = Annotated[
    str, AfterValidator(_fingerprint), _matching(r"[0-9A-F]{40}", "the 40 hexadecimal digits of a key's fingerprint")
]
Commit = Annotated[str, _matching(r"[0-9a-f]{40}", "the 40 hexadecimal digits of a commit")]
Sha256 = Annotated[str, _matching(r"[0-9a-f]{64}", "a SHA-256 sum: 64 lower-case hexadecimal digits")]
Subnet = Annotated[str, _only(IPv4Network, "an IPv4 network such as 10.192.0.0/13, with no host bits set")]
AddressOrLocal = Annotated[
    str, _only(lambda value: value == "@local" or IPv4Address(value), "@local or an IPv4 address")
]
ByteSize = Annotated[str, _matching(r"[1-9]\d*[kmg]?", "a size such as 50m or 2g")]
