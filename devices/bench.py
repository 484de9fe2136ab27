"""The instruments of a bench together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from .instrument import Instrument
from .spec import DeviceSpec

TICK_S = 0.2
CLOSE_S = 2.0
ENDS_S = 0.1


class Bench:
    """Instruments by their ids. Each works for itself: one that hangs delays no other.

    Args:
        on_change, on_samples, on_fault: of every instrument; see ``Instrument``.

    Attributes:
        instruments: by id, in the order in which they were added.
    """

    def __init__(
        self,
        *,
        on_change: Callable[[Instrument], None],
        on_samples: Callable[[Instrument, list[tuple[float, Any]]], None],
        on_fault: Callable[[Instrument, str], None] | None = None,
    ) -> None:
        self.instruments: dict[str, Instrument] = {}
        self._on_change, self._on_samples, self._on_fault = on_change, on_samples, on_fault
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def add(self, spec: DeviceSpec) -> Instrument:
        """Add a device; it is not connected yet.

        Raises:
            ValueError: there is one of that id.
        """
        if spec.id in self.instruments:
            raise ValueError(f"there is already a device {spec.id}: give each an id of its own")
        instrument = Instrument(spec, on_change=self._on_change, on_samples=self._on_samples, on_fault=self._on_fault)
        self.instruments[spec.id] = instrument
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick_all, name="bench", daemon=True)
            self._ticker.start()
        return instrument

    def remove(self, id_: str, timeout_s: float = CLOSE_S) -> bool:
        """Close a device and take it away; blocks for so long at most.

        Returns:
            False when a thread of it had to be left behind.
        """
        return self.instruments.pop(id_).close(timeout_s)

    def start_all(self) -> list[Future[None]]:
        """Connect and stream all."""
        return [instrument.start() for instrument in self._all()]

    def pause_all(self) -> list[Future[None]]:
        """End all streams until they are resumed."""
        return [instrument.pause() for instrument in self._all()]

    def resume_all(self) -> list[Future[None]]:
        """Stream again what is not to be disconnected."""
        return [instrument.resume() for instrument in self._all()]

    def stop_all(self) -> list[Future[None]]:
        """End all streams."""
        return [instrument.stop() for instrument in self._all()]

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Close all, at the same time; blocks for so long at most.

        Returns:
            False when a thread had to be left behind.
        """
        until_s = time.monotonic() + timeout_s
        self._over.set()
        wait([instrument.disconnect() for instrument in self._all()], timeout_s)
        # Those that have left end at once, also after one that took all of the time.
        ended = [instrument.close(max(ENDS_S, until_s - time.monotonic())) for instrument in self._all()]
        self.instruments.clear()
        if self._ticker is not None:
            self._ticker.join()
        return all(ended)

    def _all(self) -> list[Instrument]:
        return list(self.instruments.values())

    def _tick_all(self) -> None:
        while not self._over.wait(TICK_S):
            for instrument in self._all():
                instrument.tick()
