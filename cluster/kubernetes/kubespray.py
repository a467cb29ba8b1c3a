"""What kubespray's requirements ask of Python. Pure: text in, versions out."""

import re

PythonVersion = tuple[int, int]
# ansible 2.7 to 2.9 import names that collections lost with Python 3.10; ruamel.yaml 0.15's C code compiles up to 3.8.
_OLDEST: PythonVersion = (3, 6)
_LAST_FOR_OLD_ANSIBLE: PythonVersion = (3, 9)
_LAST_FOR_OLD_RUAMEL: PythonVersion = (3, 8)
_OLD_ANSIBLE = re.compile(r"^ansible\s*==\s*2\.[0-9]\.", re.M | re.I)
_OLD_RUAMEL = re.compile(r"^ruamel\.yaml\s*==\s*0\.1[0-5]\.", re.M | re.I)


def _python_range(requirements: str) -> tuple[PythonVersion, PythonVersion | None]:
    """The oldest and the newest Python that can run what requirements.txt pins; None: no newest is known.

    >>> _python_range("ansible==2.7.12\\nruamel.yaml==0.15.96\\n"), _python_range("ansible==10.7.0\\n")
    (((3, 6), (3, 8)), ((3, 6), None))
    """
    if _OLD_RUAMEL.search(requirements):
        return _OLDEST, _LAST_FOR_OLD_RUAMEL
    return _OLDEST, _LAST_FOR_OLD_ANSIBLE if _OLD_ANSIBLE.search(requirements) else None


def kubespray_constraints(requirements: str) -> str:
    """What pip must be told beyond requirements.txt: old Jinja imports a name that MarkupSafe 2.1 dropped."""
    return "markupsafe<2.1\n" if _OLD_ANSIBLE.search(requirements) else ""


def kubespray_python_fits(version: PythonVersion, requirements: str) -> bool:
    """Whether a Python of `version` can run what `requirements` pins."""
    first, last = _python_range(requirements)
    return first <= version and (last is None or version <= last)


def kubespray_pythons(requirements: str) -> str:
    """The Pythons that fit, in words: `3.6 to 3.8`, or `3.6 or newer`."""
    first, last = _python_range(requirements)
    return f"{_text(first)} to {_text(last)}" if last else f"{_text(first)} or newer"


def _text(version: PythonVersion) -> str:
    return ".".join(map(str, version))
