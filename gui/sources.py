"""The sources of the window: opened, closed and remembered by URL."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from ..core.dialects.base import ProbeResult, Source, normalize_url, open_source, probe
from ..core.run_control import LinkState
from ..core.settings import Settings, SourceSetting
from .device_urls import is_device_url

if TYPE_CHECKING:
    import asyncio

    from ..core.asker import Asker
    from ..core.hub import Hub

logger = logging.getLogger("dockscope.gui.sources")

NOTES = "console"  # the stream of the log in which they are


class Sources(QObject):
    """Keep one source per URL.

    Args:
        hub: gets what they deliver. settings: remember them. asker: gives passwords and chooses streams.
        insecure: they may bind addresses that other machines reach, whatever the settings say.

    Signals:
        changed(): a source was opened, closed, remembered or forgotten.
    """

    changed = Signal()

    def __init__(self, hub: Hub, settings: Settings, *, insecure: bool = False, asker: Asker | None = None) -> None:
        super().__init__()
        self._asker = asker
        self._hub = hub
        self._settings = settings
        self._insecure = insecure
        self._open: dict[str, Source] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}

    def connect_url(self, url: str, name: str | None = None) -> str:
        """Open a source, or leave it when it is open already; returns its key.

        Raises:
            ValueError: the URL is not one that dockscope knows, with a sentence that says why.
        """
        key, url = self._as_listed(url.strip())
        if key in self._open:
            if key not in self._closing:
                self._open[key].start()  # what of it was disconnected alone
            return key
        known = self._hub.producers.get(key)
        name = name or (known.custom_name if known else None)
        source = open_source(url, self._hub, key=key, name=name, insecure=self._may_bind_openly, asker=self._asker)
        self._open[source.key] = source
        self._start(source)
        self._settings.remember_url(source.url)
        self.changed.emit()
        return source.key

    async def probe(self, url: str) -> ProbeResult:
        """Find out what answers at a URL."""
        return await probe(url, insecure=self._may_bind_openly, asker=self._asker)

    def _as_listed(self, url: str) -> tuple[str, str]:
        """Return the key and URL by which a place is listed: what is behind ``tcp://`` may have been found before.

        Raises:
            ValueError: as ``connect_url``.
        """
        if url in self._hub.producers:
            return url, self._hub.producers[url].url
        url = normalize_url(url)
        scheme, _, place = url.partition("://")
        for key, producer in self._hub.producers.items():
            if url in (key, producer.url) or (scheme == "tcp" and producer.url.partition("://")[2] == place):
                return key, producer.url
        return url, url

    @property
    def _may_bind_openly(self) -> bool:
        return self._insecure or self._settings.insecure

    def remember(self, saved: SourceSetting) -> None:
        """Show a source of an earlier session as offline, without connecting."""
        try:
            # A device is spelled as it was saved: to load what knows better would hold up the first paint.
            key = saved.url if is_device_url(saved.url) else normalize_url(saved.url)
        except ValueError as error:
            logger.info("a source of the last session is left out: %s", error)
            return
        if key not in self._hub.producers:
            self._hub.add(key, saved.url, saved.name).former_name = saved.told_name
            self._hub.link(key, LinkState.CLOSED, "offline – Connect")
            self.changed.emit()

    def is_open(self, key: str) -> bool:
        return self.source(key) is not None

    def source(self, key: str) -> Source | None:
        """Return what steers one producer: an open source, or the part of one that tells of several."""
        own = self._open.get(key)
        if own is not None:
            return own.parts.get(key, own)
        return next((source.parts[key] for source in self._open.values() if key in source.parts), None)

    def disconnect_key(self, key: str) -> None:
        """Close a link, or one run of a link that has several; the producer runs on and stays listed."""
        if source := self._open.pop(key, None) or self.source(key):
            self._start_closing(source, key)
            # The user's word is enough: saying good-bye may take a moment, in which one may want to connect again.
            self._hub.link(key, LinkState.CLOSED)
            self.changed.emit()

    def note(self, key: str, level: str, message: str) -> None:
        """Write a row into the log of a producer, as of what a person asked a device and what it said."""
        from ..core.messages import Kind, LogRecord
        from ..core.wire import DataMessage

        record = LogRecord(level, message, {}, time.time())
        self._hub.receive(key, DataMessage(Kind.LOG, NOTES, 0, time.time_ns(), b"", 0, record))

    def respell(self, key: str, url: str) -> None:
        """Give what is listed under a key another URL, as when a device is to be asked otherwise; its data stay.

        Raises:
            ValueError: as ``connect_url``.
        """
        url = normalize_url(url)
        self._hub.add(key, url)
        self.changed.emit()

    def forget(self, key: str) -> None:
        """Close a link and remove the producer with its data."""
        if source := self._open.pop(key, None) or self.source(key):
            self._start_closing(source, key)
        self._hub.forget(key)  # what the link still tells until it is closed is dropped
        self.changed.emit()

    def send(self, keys: Iterable[str], command: str, args: dict[str, Any] | None = None) -> None:
        """Send a command to each of these producers; what becomes of it comes back through the hub."""
        for key in keys:
            if source := self.source(key):
                source.send(command, args or {})

    def retry(self, key: str, command_id: bytes) -> None:
        """Send an open command once more, under its own id."""
        if source := self.source(key):
            source.retry(command_id)

    def saved(self) -> list[SourceSetting]:
        """Return URL and given name of every listed address, for the settings: of several runs at one, the first."""
        settings: dict[str, SourceSetting] = {}
        for p in self._hub.producers.values():
            settings.setdefault(p.url, SourceSetting(p.url, p.custom_name, p.hello.name if p.hello else p.former_name))
        return list(settings.values())

    async def close(self) -> None:
        """Close all links; no producer is stopped."""
        for key in list(self._open):
            self.disconnect_key(key)
        import asyncio  # not at the top: the first paint comes before it

        await asyncio.gather(*self._closing.values(), return_exceptions=True)

    def _start(self, source: Source) -> None:
        """Start a source, after the last words of an earlier one on the same URL, which would be taken for its own."""
        earlier = self._closing.get(source.key)
        if earlier is None:
            source.start()
        else:
            self._hub.link(source.key, LinkState.CONNECTING)
            earlier.add_done_callback(lambda _: self._open.get(source.key) is source and source.start())

    def _start_closing(self, source: Source, key: str) -> None:
        import asyncio

        task = asyncio.ensure_future(_close(source, key, self._closing.get(key)))
        self._closing[key] = task
        task.add_done_callback(lambda done: self._closing.get(key) is done and self._closing.pop(key))


async def _close(source: Source, key: str, earlier: asyncio.Task[None] | None) -> None:
    if earlier is not None:
        await earlier
    try:
        await source.close()
    except Exception:
        logger.exception("closing %s failed", key)
