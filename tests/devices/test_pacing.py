"""Ticks: no drift, a moment's delay is made up, a longer one is skipped and counted."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.devices.pacing import MADE_UP_S, Pacer, Schedule

RATES = st.sampled_from([0.5, 3.0, 10.0, 100.0, 1000.0])


@given(RATES, st.lists(st.floats(0.0, 0.9), min_size=1, max_size=300))
def test_what_a_tick_takes_does_not_move_the_next(rate_hz, busy_intervals):
    """Tick n comes at start + n / rate, however long, within the interval, the work after each takes."""
    now_s = 100.0
    schedule = Schedule(rate_hz, now_s)
    for number, busy in enumerate(busy_intervals):
        now_s += max(0.0, schedule.next_in_s(now_s))
        assert now_s == pytest.approx(100.0 + number / rate_hz, abs=1e-9)
        now_s += busy / rate_hz
    assert schedule.missed == 0


@given(RATES, st.lists(st.floats(0.0, 3.0), min_size=1, max_size=200))
def test_each_tick_comes_or_is_counted(rate_hz, delays_s):
    """Whatever the delays: no tick is early, and what came and what was missed are all ticks so far, but for 0.25 s."""
    now_s = 0.0
    schedule = Schedule(rate_hz, now_s)
    for number, delay_s in enumerate(delays_s, start=1):
        now_s += max(0.0, schedule.next_in_s(now_s))
        due = number + schedule.missed - 1
        assert now_s >= due / rate_hz - 1e-6
        assert now_s * rate_hz - due <= max(1.0, MADE_UP_S * rate_hz + 1.0)
        now_s += delay_s


def test_a_short_delay_is_made_up():
    """After 0.1 s at 100 Hz the ten that are late come at once, then the rate goes on."""
    schedule = Schedule(100.0, 0.0)
    schedule.next_in_s(0.0)
    waits_s = [schedule.next_in_s(0.1001) for _ in range(11)]
    assert all(wait_s < 0 for wait_s in waits_s[:10])
    assert waits_s[10] == pytest.approx(0.0099)
    assert schedule.missed == 0


def test_a_long_delay_is_skipped():
    """After 1 s at 100 Hz only the newest tick comes late, the others are missed."""
    schedule = Schedule(100.0, 0.0)
    schedule.next_in_s(0.0)
    assert schedule.next_in_s(1.001) == pytest.approx(-0.001)
    assert schedule.next_in_s(1.002) == pytest.approx(0.008)
    assert schedule.missed == 99


def test_the_pacer_waits_on_the_clock():
    """Tick n is never before its time."""
    pacer = Pacer(500.0)
    assert pacer.wait()
    start_s = time.perf_counter()
    for number in range(1, 30):
        assert pacer.wait()
        assert time.perf_counter() - start_s >= number / 500.0 - 0.002


def test_stop_wakes_the_pacer_at_once(wait_for):
    """A wait of hours ends, later ones return at once, and stopping twice is no error."""
    pacer = Pacer(1e-4)
    assert pacer.wait()
    came: list[bool] = []
    thread = threading.Thread(target=lambda: came.append(pacer.wait()))
    thread.start()
    pacer.stop()
    pacer.stop()
    thread.join(5.0)
    assert came == [False]
    assert pacer.is_stopped
    assert not pacer.wait()


@pytest.mark.parametrize("rate_hz", [0, 9e-7, -1.0, float("nan"), float("inf"), 2e6])
def test_impossible_rates_are_refused(rate_hz):
    """A rate is from 1 µHz to 1 MHz."""
    with pytest.raises(ValueError, match=r"sample_rate must be from 0\.000001 to 1,000,000 Hz"):
        Pacer(rate_hz)
