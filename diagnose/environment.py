"""The basis of a report's numbers: versions and platform, read without importing any library."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def environment(packages: Iterable[str] = ("torch",)) -> dict[str, str]:
    """Return the versions of diagnose, Python and `packages` (those installed), and the platform."""
    found = {
        "diagnose": version("diagnose"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
