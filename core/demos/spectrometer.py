"""A spectrometer to watch: a crossed dipole under a noisy sky. ``python -m dockscope.core.demos.spectrometer``.

Ten spectra a second of 3072 channels and four polarization products. Each integration of 0.1 s is averaged from
gulps spread evenly over it, as a data recorder does that cannot keep every sample.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from ..averaging import Averager
from ..broadcaster import Broadcaster
from ..dialects.ovro_sender import AvgStreamingOp
from ..polarizations import PRODUCTS
from .antenna import CrossedDipole
from .correlator import Correlator
from .progress import ProgressBar
from .timed import run_timed

STREAM = "beam1"
NCHAN = 3072
SAMPLE_RATE_HZ = 73.5e6
LOWEST_HZ = 13.4e6
CHANNEL_HZ = SAMPLE_RATE_HZ / NCHAN
INTEGRATION_S = 0.1
GULPS = 5
BLOCKS_PER_GULP = 8
LATE_S = 0.5  # later than this, an integration is left out: a gap is honest, a wrong time is not


class Spectrometer:
    """Observe and publish until told otherwise.

    Args:
        broadcaster: gets the spectra.
        seed: of the noise and the bursts.
        recorder: gets the gulps too, and publishes as OVRO's data recorder does.
    """

    def __init__(self, broadcaster: Broadcaster, seed: int, recorder: AvgStreamingOp | None = None) -> None:
        self._b = broadcaster
        self._recorder = recorder
        self._frequency_hz = LOWEST_HZ + np.arange(NCHAN) * CHANNEL_HZ
        self._antenna = CrossedDipole(self._frequency_hz, np.random.default_rng(seed))
        self._correlator = Correlator(NCHAN)
        self._started_t = time.time()
        self.spectra = 0
        self.left_out = 0

    def run(self, seconds: float | None, bar: ProgressBar) -> bool:
        """Observe until the time is over or someone stops it.

        Returns:
            True when a viewer stopped it.
        """
        self._b.publish_log("info", "Observing", channels=NCHAN, integration_s=INTEGRATION_S)
        self._b.publish_status("info", "Observing the sun")
        due_t = time.time()
        while seconds is None or time.time() - self._started_t < seconds:
            if not self._b.control.checkpoint():
                return True
            missed = int((time.time() - due_t) / INTEGRATION_S)
            if missed * INTEGRATION_S > LATE_S:  # paused, or the machine was busy elsewhere
                due_t += missed * INTEGRATION_S
                self.left_out += missed
            self._publish(self._integrate(due_t), due_t)
            due_t += INTEGRATION_S
            bar.show(time.time() - self._started_t, f"{self.spectra} spectra")
        return False

    def finish(self, stopped: bool) -> str:
        """Publish the end and return the summary."""
        if self._recorder is not None:
            self._recorder.shutdown()
        self._b.publish_status("complete", "Observation stopped" if stopped else "Observation finished")
        return f"spectra {self.spectra}, left out {self.left_out}, channels {NCHAN}"

    def _integrate(self, start_t: float) -> np.ndarray:
        averager = Averager()
        for gulp in range(GULPS):
            middle_t = start_t + (gulp + 0.5) * INTEGRATION_S / GULPS
            time.sleep(max(0.0, middle_t - time.time()))
            voltages = self._antenna.voltages(middle_t - self._started_t, BLOCKS_PER_GULP)
            gulp = self._correlator.correlate(voltages)[:, None]
            averager.add(gulp)
            if self._recorder is not None:
                self._recorder.process(gulp, middle_t)
        mean = averager.take()
        assert mean is not None
        return mean

    def _publish(self, mean: np.ndarray, start_t: float) -> None:
        self._b.publish_spectrum(
            STREAM,
            np.ascontiguousarray(mean[0].T),
            frequencies=self._frequency_hz,
            polarizations=PRODUCTS,
            timestamp=start_t + INTEGRATION_S / 2,
            duration=INTEGRATION_S,
            unit="sfu",
        )
        self.spectra += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo from the command line and return its exit code."""
    return run_timed(
        arguments, name="spectrometer", port=5562, description=__doc__ or "", make=_make, add_options=_add_options
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ovro", type=int, metavar="PORT", help="also publish as OVRO's data recorder does, at this port: ovro://"
    )


def _make(broadcaster: Broadcaster, options: argparse.Namespace) -> Spectrometer:
    recorder = None
    if options.ovro is not None:
        recorder = AvgStreamingOp(stream_port=options.ovro, axis=(LOWEST_HZ, CHANNEL_HZ))
    return Spectrometer(broadcaster, options.seed, recorder)


if __name__ == "__main__":
    raise SystemExit(main())
