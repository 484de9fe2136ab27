"""The default arrangement of the docks, and the sizes of its parts."""

from __future__ import annotations

from typing import Any

import PySide6QtAds as ads

SIDE_SHARE = 0.19
SIDE_MINIMUM_PX = 230
STRIP_SHARE = 0.27
STRIP_MINIMUM_PX = 190


def arrange(manager: Any, holders: dict[str, Any]) -> None:
    """Put docks in place: at the left producers above data, then metrics above waterfall, then placement above log.

    Args:
        manager: QtAds' dock manager. holders: its dock widgets by kind, in any arrangement or none.
    """
    for holder in holders.values():
        if holder.dockManager() is not None and holder.dockAreaWidget() is not None:
            manager.removeDockWidget(holder)
    add = manager.addDockWidget
    left = add(ads.LeftDockWidgetArea, holders["explorer"])
    middle = add(ads.RightDockWidgetArea, holders["metrics"])
    right = add(ads.RightDockWidgetArea, holders["placement"], middle)
    add(ads.BottomDockWidgetArea, holders["waterfall"], middle)
    add(ads.BottomDockWidgetArea, holders["log"], right)
    data = add(ads.BottomDockWidgetArea, holders["data"], left)
    add(ads.CenterDockWidgetArea, holders["parameters"], data)
    for holder in holders.values():
        holder.toggleView(True)
    holders["data"].setAsCurrentTab()


def give_sizes(manager: Any, holders: dict[str, Any]) -> None:
    """Give columns and rows their shares of the window, once they have been laid out."""
    areas = {kind: holder.dockAreaWidget() for kind, holder in holders.items()}
    width, height = manager.width(), manager.height()
    side = max(SIDE_MINIMUM_PX, round(width * SIDE_SHARE))
    rest = (width - side) // 2
    manager.setSplitterSizes(areas["explorer"], [round(height * 0.6), round(height * 0.4)])
    manager.setSplitterSizes(areas["metrics"], [height // 2, height // 2])
    manager.setSplitterSizes(areas["placement"], [round(height * 0.62), round(height * 0.38)])
    # Not the root: a strip along the bottom stands beside all columns.
    columns = areas["explorer"].parentWidget().parentWidget()
    columns.setSizes([side, rest, rest])


def give_strip(manager: Any, area: Any) -> None:
    """Give an area that was put along the bottom its share of the height."""
    sizes = manager.splitterSizes(area)
    strip = max(STRIP_MINIMUM_PX, round(manager.height() * STRIP_SHARE))
    rest = (manager.height() - strip) // max(1, len(sizes) - 1)
    manager.setSplitterSizes(area, [*(rest,) * (len(sizes) - 1), strip])
