"""Whether a window can be shown at all, asked before Qt is loaded: Qt itself aborts the process where it cannot."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping

WITHOUT_DISPLAY = frozenset({"offscreen", "minimal", "vnc", "eglfs", "linuxfb", "vkkhrdisplay"})


def why_no_window(environ: Mapping[str, str]) -> str:
    """Say why no window can be shown, and what to do; "" when one can.

    Args:
        environ: the environment variables, which say where the display is.
    """
    if not sys.platform.startswith("linux") or chosen_platform(environ) in WITHOUT_DISPLAY:
        return ""
    if environ.get("WAYLAND_DISPLAY"):
        return ""
    name = environ.get("DISPLAY", "")
    if not name:
        return "no display here (DISPLAY is not set): start it on a desktop, with ssh -X, or add --screenshot FILE"
    if not x_server_answers(name):
        return f"no X server answers at DISPLAY={name[:40]}: correct DISPLAY, or add --screenshot FILE"
    return ""


def chosen_platform(environ: Mapping[str, str]) -> str:
    """Return the Qt platform that the user chose, without its options, or ""."""
    return environ.get("QT_QPA_PLATFORM", "").partition(":")[0].strip().lower()


def x_server_answers(name: str) -> bool:
    """Tell whether an X server of this machine accepts connections; of another machine only Qt can tell.

    Args:
        name: as in DISPLAY, such as ":0".
    """
    host, _, number = name.rpartition(":")
    number = number.partition(".")[0]
    if host not in {"", "unix"} or not number.isdigit():
        return True
    # The second is Linux' abstract name, which an X server in another file system is reached by.
    return any(_accepts(address) for address in (f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"))  # noqa: S108 - where X servers listen


def _accepts(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(address)
        except OSError:
            return False
        return True
