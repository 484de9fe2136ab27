"""The memory for data that the user sets holds at once, also when nothing arrives."""

from __future__ import annotations

import numpy as np

from dockscope.core.memory import default_budget_bytes
from dockscope.core.messages import Kind, MetricBatch, SeriesDefinition, SeriesDefinitions
from dockscope.gui.memory_keeper import MemoryKeeper
from dockscope.gui.status_bar import WindowStatusBar

SAMPLES = 9_000_000  # more than the smallest memory holds


def test_a_smaller_memory_holds_without_a_further_message(context, hub, deliver, qtbot):
    """The setting is taken over, old samples go in slices between other events, and the status bar tells it."""
    deliver(Kind.SERIES, "", SeriesDefinitions((SeriesDefinition(1, "m", (), ()),)))
    for first in range(1, SAMPLES, 1_000_000):
        numbers = np.arange(first, first + 1_000_000) * 1.0
        deliver(
            Kind.METRIC,
            "",
            MetricBatch(
                series=np.array([1], "u4"),
                first=np.array([first], "u8"),
                count=np.array([len(numbers)], "u4"),
                t=numbers,
                value=numbers,
                fields=np.empty(0),
            ),
        )
    settings = context.settings
    keeper = MemoryKeeper(hub, settings)
    bar = WindowStatusBar(hub, context.clock)
    qtbot.addWidget(bar)
    settings.budget_mib = 64
    held = sum(hub.memory().values())
    assert held > 64 * 2**20
    keeper.apply()
    assert hub.budget_bytes == 64 * 2**20
    qtbot.waitUntil(lambda: sum(hub.memory().values()) <= hub.budget_bytes)
    bar.refresh()
    assert "of 64 MiB" in bar.labels["memory"].toolTip()
    assert "Metrics: " in bar.labels["memory"].toolTip()
    assert 0.5 < bar.meter.shares[0] <= 1
    (curve,) = hub.series.of_name("m")
    assert curve.column("t")[0] == 1
    settings.budget_mib = None
    keeper.apply()
    assert hub.budget_bytes == default_budget_bytes()
