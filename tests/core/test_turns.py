"""Many sources on one loop: who reads when, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from dockscope.core.turns import LEAST_SLICE_S, ROUND_S, Turns


class FakeClock:
    """Time that passes only when somebody works."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Flood:
    """A source that always has more to read, and reads as long as it may."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.worked: list[tuple[float, float]] = []  # when it began, how long it was allowed

    def __call__(self, until_s: float) -> None:
        self.worked.append((self._clock.now_s, until_s - self._clock.now_s))
        self._clock.now_s = until_s


async def for_ever(turns: Turns, work: Callable[[float], None]) -> None:
    while True:
        await turns.take(work)


async def rounds(turns: Turns, clock: FakeClock, works: list[Callable[[float], None]], number: int) -> list[float]:
    """Let sources read and something else run beside them; return how long that something waited each time."""
    tasks = [asyncio.create_task(for_ever(turns, work)) for work in works]
    waited, before_s = [], clock.now_s
    for _ in range(number):
        await asyncio.sleep(0)
        waited.append(clock.now_s - before_s)
        before_s = clock.now_s
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return waited


@pytest.mark.parametrize("sources", [1, 3, 8, 40])
def test_all_sources_together_hold_the_loop_for_one_round_only(sources: int) -> None:
    """However many sources flood, between two looks of somebody else at most 5 ms (and one least slice) pass."""
    clock = FakeClock()
    turns = Turns(clock)
    floods = [Flood(clock) for _ in range(sources)]
    waited = asyncio.run(rounds(turns, clock, [*floods], 200))
    assert max(waited) <= ROUND_S + LEAST_SLICE_S + 1e-9
    assert sum(waited) > 20 * ROUND_S


def test_floods_share_the_time_evenly() -> None:
    """Eight that always have more get the same number of slices, and none is twice in a row while others wait."""
    clock = FakeClock()
    floods = [Flood(clock) for _ in range(8)]
    asyncio.run(rounds(Turns(clock), clock, [*floods], 300))
    numbers = [len(flood.worked) for flood in floods]
    assert min(numbers) > 10
    assert max(numbers) - min(numbers) <= 1
    order = [index for _, index in sorted((began, i) for i, flood in enumerate(floods) for began, _ in flood.worked)]
    assert all(before != after for before, after in pairwise(order))


def test_who_needs_little_leaves_the_rest_to_others() -> None:
    """Beside quiet sources a flood has nearly the whole round, not a share of it."""
    clock = FakeClock()
    flood = Flood(clock)
    quiet: list[Callable[[float], None]] = [lambda _until_s: None for _ in range(7)]
    asyncio.run(rounds(Turns(clock), clock, [*quiet, flood], 100))
    assert max(allowed for _, allowed in flood.worked) == pytest.approx(ROUND_S)


def test_a_quiet_source_waits_for_one_round_beside_many_floods() -> None:
    """With forty floods, what asks now and then is served within two rounds' time per pass through all of them."""
    clock = FakeClock()
    turns = Turns(clock)

    async def scenario() -> float:
        tasks = [asyncio.create_task(for_ever(turns, Flood(clock))) for _ in range(40)]
        longest_s = 0.0
        for _ in range(20):
            await asyncio.sleep(0)
            asked_s = clock.now_s
            await turns.take(lambda _until_s: None)
            longest_s = max(longest_s, clock.now_s - asked_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return longest_s

    assert asyncio.run(scenario()) <= 40 * LEAST_SLICE_S + 2 * ROUND_S


def test_an_error_is_raised_where_the_turn_was_asked_for() -> None:
    """What one source does wrong ends that source only; the others are served in the same round."""
    turns = Turns()
    served: list[int] = []

    async def scenario() -> None:
        results = await asyncio.gather(
            turns.take(lambda _: served.append(1)),
            turns.take(lambda _: served[7]),
            turns.take(lambda _: served.append(2)),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), IndexError, type(None)]

    asyncio.run(scenario())
    assert served == [1, 2]


def test_who_left_meanwhile_is_passed_over() -> None:
    """A source that was closed while it waited is not read any more."""
    turns = Turns()
    served: list[str] = []

    async def scenario() -> None:
        gone = asyncio.ensure_future(turns.take(lambda _: served.append("gone")))
        stays = asyncio.ensure_future(turns.take(lambda _: served.append("stays")))
        asyncio.get_running_loop().call_soon(gone.cancel)
        await stays
        assert gone.cancelled()

    asyncio.run(scenario())
    assert served == ["stays"]
