"""What the window remembers between two starts: one JSON file, written whole or not at all."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

logger = logging.getLogger("dockscope.settings")

MAX_SETTINGS_BYTES = 16 * 2**20
MAX_RECENT_URLS = 20
LEAST_BUDGET_MIB = 64
MOST_BUDGET_MIB = 2**22


class SourceSetting(msgspec.Struct):
    """A source that was open: its URL, the name the user gave it or None, and what it called itself."""

    url: str
    name: str | None = None
    told_name: str = ""


class Settings(msgspec.Struct):
    """The user's choices; change the attributes, then ``save()``.

    Args:
        path: the file. It need not exist.
        utc: show UTC instead of local time. notifications: desktop notifications at the end or loss of a run.
        connect_at_start: open ``sources`` by themselves at the next start.
        recent_urls: newest first. layout: docks, their view settings and their arrangement at the last close; None
        before the first. layouts: the same by the name under which the user saved them.
        geometry: base64 of the main window's geometry.
        insecure: sources may bind to other interfaces than loopback.
        budget_mib: memory for all kept data together, None for a quarter of this machine's, at most 4 GiB.
    """

    path: Path
    theme: Literal["system", "dark", "light"] = "system"
    utc: bool = False
    notifications: bool = True
    connect_at_start: bool = False
    insecure: bool = False
    budget_mib: Annotated[int, msgspec.Meta(ge=LEAST_BUDGET_MIB, le=MOST_BUDGET_MIB)] | None = None
    recent_urls: list[str] = []
    sources: list[SourceSetting] = []
    layout: dict[str, Any] | None = None
    layouts: dict[str, dict[str, Any]] = {}
    geometry: str = ""

    def load(self) -> str:
        """Read the file; a missing one leaves the defaults, a broken one is moved aside.

        Returns:
            A sentence for the user when the file could not be used, else "".
        """
        try:
            told = self._read()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return _told(f"The settings {self.path} cannot be read ({error.strerror}); the defaults are used.")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return self._set_aside(error)
        for name in told.__struct_fields__:
            setattr(self, name, getattr(told, name))
        return ""

    def _read(self) -> Settings:
        with self.path.open("rb") as file:
            content = file.read(MAX_SETTINGS_BYTES + 1)
        if len(content) > MAX_SETTINGS_BYTES:
            raise ValueError(f"larger than {MAX_SETTINGS_BYTES} bytes")
        fields = msgspec.json.decode(content, type=dict[str, Any]) | {"path": str(self.path)}
        return msgspec.convert(fields, Settings, dec_hook=_as_path)

    def _set_aside(self, error: Exception) -> str:
        aside = self.path.with_suffix(".bak")
        try:
            self.path.replace(aside)
        except OSError as refused:
            return _told(f"The settings {self.path} are broken and cannot be moved aside ({refused.strerror}).")
        return _told(f"The settings were broken ({str(error)[:60]}); they are kept as {aside}, the defaults are used.")

    def save(self) -> None:
        """Write the file through a temporary one beside it, so that a crash leaves the old or the new settings.

        Raises:
            OSError: the folder or the file cannot be written.
        """
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "path"}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(fields), indent=1))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def remember_url(self, url: str) -> None:
        """Put a URL at the head of the recent ones; the oldest go."""
        self.recent_urls = [url, *(known for known in self.recent_urls if known != url)][:MAX_RECENT_URLS]


def _as_path(expected: type, value: Any) -> Any:
    if expected is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"no way to make a {expected.__name__}")


def _told(sentence: str) -> str:
    logger.warning("%s", sentence)
    return sentence
