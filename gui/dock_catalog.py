"""The kinds of dock there are. A new kind is one file and one line here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from .dock import Dock, DockContext


@dataclass(frozen=True)
class DockKind:
    """One kind: its name in layouts, its title, and where its class is (imported when first used).

    ``on_demand`` kinds are in no default layout, exist once at most and are made when first asked for.
    """

    kind: str
    title: str
    module: str
    class_name: str
    on_demand: bool = False

    def make(self, context: DockContext) -> Dock:
        """Make a dock of this kind."""
        module = importlib.import_module(f".{self.module}", __package__)
        return getattr(module, self.class_name)(context)


KINDS = {
    kind.kind: kind
    for kind in (
        DockKind("explorer", "Explorer", "explorer", "ExplorerDock"),
        DockKind("metrics", "Metrics", "metrics_dock", "MetricsDock"),
        DockKind("placement", "Placement", "placement_dock", "PlacementDock"),
        DockKind("waterfall", "Waterfall", "waterfall_dock", "WaterfallDock"),
        DockKind("log", "Log", "log_dock", "LogDock"),
        DockKind("data", "Data", "data_dock", "DataDock"),
        DockKind("parameters", "Parameters", "parameters_dock", "ParametersDock"),
        DockKind("devices", "Devices", "devices_dock", "DevicesDock", on_demand=True),
        DockKind("performance", "Performance", "performance_dock", "PerformanceDock", on_demand=True),
    )
}
STANDING_KINDS = {name: kind for name, kind in KINDS.items() if not kind.on_demand}
