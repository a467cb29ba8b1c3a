"""Names that OpenPAI makes of names."""

from __future__ import annotations

import hashlib
import re


def encode(framework: str) -> str:
    """The name of a job's objects in Kubernetes: the MD5 of USER~JOB."""
    if "~" not in framework:
        return convert(framework)
    return hashlib.md5(framework.encode()).hexdigest()


def convert(name: str) -> str:
    """A task role's name as Kubernetes and the log folders have it: small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
