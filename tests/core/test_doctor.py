"""dockscope doctor: versions, missing system libraries with their package, display, folders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dockscope.core import doctor
from dockscope.core.elf import needed_libraries
from dockscope.core.qt_libraries import MissingLibrary, debian_package, missing_libraries, qt_folder


@pytest.mark.parametrize(
    ("soname", "package"),
    [
        ("libEGL.so.1", "libegl1"),
        ("libX11.so.6", "libx11-6"),
        ("libdbus-1.so.3", "libdbus-1-3"),
        ("libglib-2.0.so.0", "libglib2.0-0"),
        ("libxcb-cursor.so.0", "libxcb-cursor0"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
        ("libz.so.1", "zlib1g"),
    ],
)
def test_libraries_are_named_with_their_debian_package(soname, package):
    """The name after "apt install" is the package that holds the library in Debian."""
    assert debian_package(soname) == package


def test_the_needs_of_qt_are_read_from_its_files():
    """What the xcb plug-in needs is found in the file, its own Qt libraries included."""
    folder = qt_folder()
    assert folder is not None
    needs = needed_libraries(folder / "plugins" / "platforms" / "libqxcb.so")
    assert {"libQt6Core.so.6", "libxcb-cursor.so.0", "libxkbcommon-x11.so.0"} <= set(needs)


def test_what_is_no_library_is_refused(tmp_path):
    """A text file and a cut-off library raise ValueError and nothing else."""
    text = tmp_path / "libtext.so"
    text.write_text("no library")
    folder = qt_folder()
    assert folder is not None
    cut = tmp_path / "libcut.so"
    cut.write_bytes((folder / "plugins" / "platforms" / "libqxcb.so").read_bytes()[:300])
    for path in (text, cut):
        with pytest.raises(ValueError, match=path.name):
            needed_libraries(path)


class FakeLoader:
    """A dynamic loader of a system without some libraries."""

    def __init__(self, *absent: str) -> None:
        self.absent = set(absent)
        self.asked: list[str] = []

    def __call__(self, soname: str) -> None:
        self.asked.append(soname)
        if soname in self.absent:
            raise OSError(f"{soname}: cannot open shared object file: No such file or directory")


def test_missing_libraries_are_found_through_qts_own_libraries():
    """A library that only QtGui asks for is found behind the plug-in, and each missing one is told once."""
    loader = FakeLoader("libxcb-cursor.so.0", "libEGL.so.1")
    assert missing_libraries("xcb", load=loader) == [
        MissingLibrary("libEGL.so.1", "libegl1"),
        MissingLibrary("libxcb-cursor.so.0", "libxcb-cursor0"),
    ]
    assert len(loader.asked) == len(set(loader.asked))
    assert not any(soname.startswith("libQt6") for soname in loader.asked)


def test_the_offscreen_platform_needs_no_xcb():
    """What only a real window needs is not asked for by the offscreen platform."""
    assert missing_libraries("offscreen", load=FakeLoader("libxcb-cursor.so.0")) == []


def test_an_unknown_platform_is_refused():
    """A platform that Qt does not have is a ValueError that names it."""
    with pytest.raises(ValueError, match="'beos'"):
        missing_libraries("beos")


def test_a_display_that_does_not_answer_is_missing():
    """DISPLAY set to a server that is not there is told as missing; no display at all is only a note."""
    findings = {f.subject: f for f in doctor.examine({"DISPLAY": ":63999"})}
    assert findings["display"].state == doctor.MISSING
    assert ":63999" in findings["display"].detail
    findings = {f.subject: f for f in doctor.examine({})}
    assert findings["display"].state == doctor.NOTE


def test_it_prints_versions_on_stdout_and_loads_no_qt():
    """Python, Qt, pyzmq, libzmq and numpy stand on stdout, the exit code follows from what is missing, Qt stays out."""
    code = (
        "import sys; from dockscope.core import doctor; code = doctor.run();"
        "assert not any(name.startswith('PySide6') for name in sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=30, cwd=Path("/")
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    subjects = {words[1] for words in lines}
    assert {"Python", "PySide6-Essentials", "pyzmq", "libzmq", "numpy"} <= subjects
    assert done.returncode == any(words[0] == doctor.MISSING for words in lines)
    assert done.stderr == ""
