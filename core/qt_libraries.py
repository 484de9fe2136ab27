"""The system libraries that Qt's platform plug-ins ask for, found without loading Qt.

PySide6 brings Qt along but not what Qt takes from the system. Qt's own message names at most one missing library and
no package, and then the process aborts; here the plug-in file is read, its needs are followed through the Qt
libraries beside it, and each foreign one is tried.
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .elf import needed_libraries

# Sonames whose Debian package does not follow from the name.
_ODD_PACKAGES = {
    "libc.so.6": "libc6",
    "libdl.so.2": "libc6",
    "libgcc_s.so.1": "libgcc-s1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libm.so.6": "libc6",
    "libpthread.so.0": "libc6",
    "librt.so.1": "libc6",
    "libz.so.1": "zlib1g",
}


class MissingLibrary(NamedTuple):
    """A library the system does not have, and the Debian package that brings it."""

    soname: str
    package: str


def debian_package(soname: str) -> str:
    """Return the Debian package of a shared library.

    The rule is that of the Debian Policy, 8.1: library name and version, with a hyphen between two digits.
    """
    if soname in _ODD_PACKAGES:
        return _ODD_PACKAGES[soname]
    match = re.fullmatch(r"(lib.+)\.so\.(\d+)(?:\..*)?", soname)
    if match is None:
        return soname
    name, version = match[1].lower().replace("_", "-"), match[2]
    return f"{name}-{version}" if name[-1].isdigit() else f"{name}{version}"


def qt_folder() -> Path | None:
    """Return the folder with Qt's libraries and plug-ins inside PySide6, or None when PySide6 brings none."""
    spec = importlib.util.find_spec("PySide6")  # finds the package, does not import it
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "Qt"
    return folder if folder.is_dir() else None


def missing_libraries(
    platform: str, *, folder: Path | None = None, load: Callable[[str], object] = ctypes.CDLL
) -> list[MissingLibrary]:
    """Return what the platform plug-in needs and the system lacks, sorted; empty when Qt is not installed.

    Args:
        platform: name of a Qt platform: xcb, wayland, offscreen.
        folder: Qt's folder; default is the one inside PySide6.
        load: loads a library by its soname, OSError when there is none.

    Raises:
        ValueError: there is no such plug-in, or a library of Qt's is damaged.
    """
    folder = folder or qt_folder()
    if folder is None:
        return []
    plugin = folder / "plugins" / "platforms" / f"libq{platform}.so"
    if not plugin.is_file():
        raise ValueError(f"Qt has no platform {platform!r} here: {plugin.name} is not in its folder")
    missing = {absent for soname in _foreign_needs(plugin, folder / "lib") for absent in _absent(soname, load)}
    return sorted(MissingLibrary(soname, debian_package(soname)) for soname in missing)


def _foreign_needs(plugin: Path, qt_libraries: Path) -> Iterator[str]:
    waiting, seen = [plugin], set()
    while waiting:
        for soname in needed_libraries(waiting.pop()):
            if soname in seen:
                continue
            seen.add(soname)
            own = qt_libraries / soname
            if own.is_file():
                waiting.append(own)
            else:
                yield soname


def _absent(soname: str, load: Callable[[str], object]) -> Iterator[str]:
    try:
        load(soname)
    except OSError as error:
        # A library that is there may itself need one that is not: the loader then names that one.
        named = re.match(r"(lib\S+\.so[.\d]*): cannot open", str(error))
        yield named[1] if named else soname
