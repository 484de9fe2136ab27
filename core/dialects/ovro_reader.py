"""Messages of OVRO's beam recorder become spectra: named products, frequencies, true times, numbers that show gaps."""

from __future__ import annotations

import datetime as dt

import numpy as np
from msgspec.structs import replace

from ..messages import Kind, ProtocolError, Spectrum
from ..polarizations import product_names, with_stokes
from .ovro_axis import axis_of
from .ovro_packet import Packet, decode_packet
from .ovro_times import Cadence, Moment, moment_of
from .reception import Reception
from .subscriber import Batch


class OvroReader:
    """Read batches.

    Args:
        reception: where it goes. only: names of streams or kinds to keep; all when empty.
    """

    def __init__(self, reception: Reception, only: tuple[str, ...] = ()) -> None:
        self._reception = reception
        self._only = frozenset(only)
        self._cadence = Cadence()
        self._number = 0

    def take(self, batch: Batch) -> None:
        """Read a batch of messages."""
        arrived = np.linspace(batch.first_t, batch.last_t, len(batch.messages))
        for frames, t in zip(batch.messages, arrived.tolist(), strict=True):
            try:
                self._take_one([frames] if isinstance(frames, bytes) else frames, t)
            except ProtocolError as error:
                self._reception.bad_message(error)

    def _take_one(self, frames: list[bytes], arrived: float) -> None:
        packet = decode_packet(frames)
        spectra = spectra_of(packet, moment := moment_of(packet.header, arrived))
        self._number += 1 + self._missing(packet, moment)
        nbytes = sum(map(len, frames)) // len(spectra)
        for stream, spectrum in spectra.items():
            if not self._only or not self._only.isdisjoint((stream, Kind.SPECTRUM.value)):
                self._reception.receive(spectrum, stream, nbytes=nbytes, n=self._number)

    def _missing(self, packet: Packet, moment: Moment) -> int:
        """Return how many spectra are missing before this one, and tell it."""
        hello = self._reception.hello
        if hello is not None and hello.is_numbered is not moment.is_told:
            self._reception.up(replace(hello, is_numbered=moment.is_told))  # whether loss can be known
        if not moment.is_told:
            self._cadence.forget()
            told = str(packet.header.last_block_time)[:40]
            self._tell("time", f"last_block_time {told!r} is no time: its time of sending is used, gaps stay unknown")
            return 0
        missing = self._cadence.missing(moment.t, packet.header.time_tag)
        if missing:
            until = dt.datetime.fromtimestamp(moment.t, dt.UTC)
            self._tell("gap", f"{missing:,} spectra are missing before {until:%H:%M:%S} UTC, by their times")
        return missing

    def _tell(self, cause: str, words: str) -> None:
        self._reception.problem(cause, f"{self._reception.where}: {words}")


def spectra_of(packet: Packet, moment: Moment) -> dict[str, Spectrum]:
    """Return the spectra of a message by their streams: beam1, beam2 and so on.

    Raises:
        ProtocolError: its frequencies are none.
    """
    nbeam, nchan, npol = packet.power.shape
    axis = axis_of(packet.header, nchan)
    names = product_names(npol, packet.header.names)
    spectra = {}
    for beam in range(nbeam):
        power, polarizations = with_stokes(np.ascontiguousarray(packet.power[beam].T), names)
        spectra[f"beam{beam + 1}"] = Spectrum(
            power, moment.t, axis.f0, axis.df, polarizations=polarizations, frequencies=axis.frequencies
        )
    return spectra
