"""``dockscope doctor``: what this machine has, what it lacks, and the package that brings it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import zmq

from .display import x_server_answers
from .paths import Paths, runtime_dir
from .qt_libraries import missing_libraries

OK, NOTE, MISSING = "ok", "note", "MISSING"

_BASE = ("msgspec", "numpy", "platformdirs", "psutil", "pyzmq", "rich", "typer")
_WINDOW = ("PySide6-Essentials", "PySide6-QtAds", "qasync")
_ADD_WINDOW = "pip install 'dockscope[gui]'"
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")


class Finding(NamedTuple):
    """One line of the examination; ``state`` is OK, NOTE (nothing is wrong, but know it) or MISSING."""

    state: str
    subject: str
    detail: str


def run() -> int:
    """Print the findings on stdout.

    Returns:
        The exit code: 1 when something needed is missing, else 0.
    """
    findings = list(examine(os.environ))
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{finding.state:<7}  {finding.subject:<{width}}  {finding.detail}")
    return int(any(finding.state == MISSING for finding in findings))


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield every finding.

    Args:
        environ: the environment variables, which say where the display is.
    """
    yield from _versions()
    window = any(_version(name) for name in _WINDOW)
    if window:
        yield from _window_versions()
        yield from _libraries(environ)
        yield _fonts()
        yield _display(environ)
    else:
        yield Finding(NOTE, "window", f"not installed, a producer does not need it; {_ADD_WINDOW} adds it")
    yield from _folders()


def _versions() -> Iterator[Finding]:
    yield Finding(OK, "dockscope", _version("dockscope") or "run from its source")
    state = OK if sys.version_info >= (3, 11) else MISSING
    yield Finding(state, "Python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    for name in _BASE:
        yield _distribution(name, remedy=f"pip install {name}")
    yield Finding(OK, "libzmq", zmq.zmq_version() + ("" if zmq.has("curve") else ", without CURVE"))


def _window_versions() -> Iterator[Finding]:
    for name in _WINDOW:
        yield _distribution(name, remedy=_ADD_WINDOW)
    qt = tuple(int(part) for part in (_version("PySide6-Essentials") or "0").split(".")[:2] if part.isdigit())
    if qt >= (6, 12) and sys.version_info < (3, 12):
        yield Finding(MISSING, "Qt", f"PySide6 below 6.12: from 6.12 on it aborts on Python 3.11; {_ADD_WINDOW}")


def _distribution(name: str, *, remedy: str) -> Finding:
    version = _version(name)
    return Finding(OK, name, version) if version else Finding(MISSING, name, remedy)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _libraries(environ: Mapping[str, str]) -> Iterator[Finding]:
    if not sys.platform.startswith("linux"):
        return
    name = "wayland" if environ.get("WAYLAND_DISPLAY") and not environ.get("DISPLAY") else "xcb"
    try:
        missing = missing_libraries(name)
    except (ValueError, OSError) as error:
        yield Finding(NOTE, "Qt libraries", f"not examined: {error}")
        return
    for soname, package in missing:
        yield Finding(MISSING, soname, f"for a window on {name}: apt install {package}")
    if not missing:
        yield Finding(OK, "Qt libraries", f"all that a window on {name} loads")


def _fonts() -> Finding:
    for folder in _FONT_FOLDERS:
        for suffix in ("ttf", "otf", "ttc", "pfb"):
            if next(Path(folder).expanduser().rglob(f"*.{suffix}"), None):
                return Finding(OK, "fonts", folder)
    return Finding(MISSING, "fonts", "no text can be drawn: apt install fonts-dejavu-core")


def _display(environ: Mapping[str, str]) -> Finding:
    if environ.get("QT_QPA_PLATFORM"):
        return Finding(OK, "display", f"QT_QPA_PLATFORM={environ['QT_QPA_PLATFORM']}")
    if environ.get("WAYLAND_DISPLAY"):
        return Finding(OK, "display", f"WAYLAND_DISPLAY={environ['WAYLAND_DISPLAY']}")
    name = environ.get("DISPLAY", "")
    if not name:
        return Finding(NOTE, "display", "none (DISPLAY is not set); QT_QPA_PLATFORM=offscreen runs without one")
    if x_server_answers(name):
        return Finding(OK, "display", f"DISPLAY={name}")
    return Finding(MISSING, "display", f"no X server answers at DISPLAY={name}")


def _folders() -> Iterator[Finding]:
    yield _folder("settings", lambda: Paths.of_user().config)
    yield _folder("run files", runtime_dir)
    yield _folder("temporary", lambda: Path(tempfile.gettempdir()))


def _folder(subject: str, where: Callable[[], Path]) -> Finding:
    try:
        folder = where()
    except OSError as error:
        return Finding(MISSING, subject, str(error))
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding(OK, subject, str(folder))
    return Finding(MISSING, subject, f"{nearest} is not writable")
