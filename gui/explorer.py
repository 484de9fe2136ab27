"""The Explorer dock: producers, their streams and how each does, with connect, disconnect, rename and forget."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMenu, QMessageBox, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from ..core.dialects.foreign_address import binds_openly
from ..core.producers import Losses
from ..core.run_control import LinkState, RunState
from .age_words import age_words
from .dock import Dock, DockContext
from .explorer_delegate import ROW, ExplorerDelegate, ProducerRow, StreamRow
from .explorer_tips import metrics_tip, producer_tip, stream_tip
from .plain_text import one_line
from .run_words import run_words
from .theme import Theme

if TYPE_CHECKING:
    from ..core.hub import Change, Producer, StreamInfo

KEY = Qt.ItemDataRole.UserRole
# Of a placement the frames stand for the scene as well, and the latest status is the producer's second line.
HIDDEN_KINDS = ("series", "control", "heartbeat", "status", "scene")
KIND_ORDER = ("metric", "spectrum", "frame", "data", "log")
KIND_WORDS = {"frame": "placement"}
METRICS = ("metric", "")  # the row above the producer's metrics
LINK_TONES = {
    LinkState.CONNECTING: "muted",
    LinkState.LIVE: "ok",
    LinkState.STALE: "warning",
    LinkState.LOST: "error",
    LinkState.CLOSED: "muted",
}
CONNECTED = (LinkState.LIVE, LinkState.STALE)
# A clear message stays on its producer this long after it was last told.
PROBLEM_SHOWN_S = 15.0
MAX_NAME_CHARACTERS = 80


class ExplorerDock(Dock):
    """List producers and streams."""

    kind = "explorer"
    title = "Explorer"

    def __init__(self, context: DockContext) -> None:
        super().__init__(context)
        self.tree = QTreeWidget(self.body)
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(14)
        self.tree.setMouseTracking(True)
        self.tree.setUniformRowHeights(False)
        self.tree.setAccessibleName("Producers and streams")
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._delegate = ExplorerDelegate(context.themes)
        self.tree.setItemDelegate(self._delegate)
        self.apply_theme(self.theme)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._on_menu)
        self.tree.itemActivated.connect(lambda item, _column: self._on_activated(item))
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(4, 4, 2, 2)
        layout.addWidget(self.tree)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._stream_items: dict[tuple[str, str, str], QTreeWidgetItem] = {}
        self._counts: dict[str, int] = {}  # streams of each producer when its rows were last written
        self._collapsed: set[str] = set()
        self.tree.verticalScrollBar().valueChanged.connect(self.request_refresh)
        self.tree.itemCollapsed.connect(lambda item: self._note_collapsed(item, True))
        self.tree.itemExpanded.connect(lambda item: self._note_collapsed(item, False))

    def concerns(self, change: Change) -> bool:
        return change.kind in ("producer", "command", "problem", "status")

    def refresh(self, changes: set[Change] | None) -> None:
        self.refresh_text()

    def refresh_text(self) -> None:
        """Bring all rows up to date; only rows whose words changed are painted."""
        producers = self.hub.producers
        self.set_empty(None if producers else "Waiting for a producer.\nConnect to one (Ctrl+O) or start the demo.")
        for key in [key for key in self._items if key not in producers]:
            self._drop(key)
        now, in_sight = time.time(), self._keys_in_sight()
        for key, producer in producers.items():
            item = self._items.get(key) or self._add(key)
            if key in in_sight or self._counts.get(key) != len(producer.streams):
                self._counts[key] = len(producer.streams)
                _set_row(item, self._producer_row(producer, now), producer_tip(producer))
                self._update_streams(key, producer, now)

    def _keys_in_sight(self) -> set[str]:
        """Return the producers of which a row is in sight: with a hundred of them the others need no new words."""
        item, bottom = self.tree.itemAt(0, 0), self.tree.viewport().height()
        keys: set[str] = set()
        while item is not None and self.tree.visualItemRect(item).top() <= bottom:
            keys.add(_key_of(item))
            item = self.tree.itemBelow(item)
        return keys

    def apply_theme(self, theme: Theme) -> None:
        # A selected row's indentation, which the delegate does not paint, gets the same colour as the row.
        self.tree.setStyleSheet(f"QTreeView::item:selected {{ background: {theme.raised}; }}")

    def view_state(self) -> dict[str, Any]:
        return {"collapsed": sorted(self._collapsed)}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        self._collapsed = {key for key in state.get("collapsed", []) if isinstance(key, str)}

    def clear_data(self) -> None:
        """Remove the data of every producer; the producers stay connected."""
        for kind in ("metric", "spectrum", "frame", "data", "log"):
            self.hub.clear(kind)

    def menu_actions(self) -> list[QAction]:
        item = self.tree.currentItem()
        return self.producer_actions(_key_of(item)) if item is not None else []

    def producer_actions(self, key: str) -> list[QAction]:
        """Return connect, disconnect, rename and forget for one producer."""
        producer = self.hub.producers.get(key)
        if producer is None:
            return []
        do = self.context.actions
        is_offline, is_connected = producer.link is LinkState.CLOSED, producer.link in CONNECTED
        connect = self._action("Connect", lambda: do["connect_url"](producer.url), not is_connected)
        disconnect = self._action("Disconnect", lambda: do["disconnect_key"](key), not is_offline)
        target = self._action("Make it the target of Pause and Stop", lambda: do["target"](key), True)
        rename = self._action("Rename…", lambda: self._rename(key), True)
        forget = self._action("Forget, with its data…", lambda: self._forget(key), True)
        return [connect, disconnect, target, rename, forget]

    def _action(self, text: str, slot: Any, enabled: bool) -> QAction:
        action = QAction(text, self)
        action.setEnabled(enabled)
        action.triggered.connect(slot)
        return action

    def _on_menu(self, position: QPoint) -> None:
        item = self.tree.itemAt(position)
        if item is not None:
            self.tree.setCurrentItem(item)
        menu: QMenu = self.context_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.tree.viewport().mapToGlobal(position))

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        producer = self.hub.producers.get(_key_of(item))
        if producer is not None and producer.link not in CONNECTED:
            self.context.actions["connect_url"](producer.url)

    def _rename(self, key: str) -> None:
        producer = self.hub.producers.get(key)
        if producer is None:
            return
        name, said = QInputDialog.getText(
            self, "Rename", "Name of this producer", QLineEdit.EchoMode.Normal, producer.name[:MAX_NAME_CHARACTERS]
        )
        if said:
            self.hub.rename(key, name.strip()[:MAX_NAME_CHARACTERS])

    def _forget(self, key: str) -> None:
        producer = self.hub.producers.get(key)
        if producer is None:
            return
        box = QMessageBox(self)
        box.setWindowTitle("Forget")
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Forget {one_line(producer.name)} and all data kept of it? The producer itself runs on.")
        forget = box.addButton("Forget", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() is forget:
            self.context.actions["forget"](key)

    def _note_collapsed(self, item: QTreeWidgetItem, collapsed: bool) -> None:
        if item.parent() is None:
            (self._collapsed.add if collapsed else self._collapsed.discard)(_key_of(item))

    def _add(self, key: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem(self.tree)
        item.setData(0, KEY, key)
        self._items[key] = item
        item.setExpanded(key not in self._collapsed)
        return item

    def _drop(self, key: str) -> None:
        item = self._items.pop(key)
        self._counts.pop(key, None)
        self.tree.takeTopLevelItem(self.tree.indexOfTopLevelItem(item))
        self._stream_items = {k: v for k, v in self._stream_items.items() if k[0] != key}

    def _update_streams(self, key: str, producer: Producer, now: float) -> None:
        streams = {name: info for name, info in producer.streams.items() if name[0] not in HIDDEN_KINDS}
        metrics = [info for (kind, _), info in streams.items() if kind == "metric"]
        if metrics:
            row = _metrics_row(metrics, producer.metric_losses, now)
            self._set_stream(key, *METRICS, self._items[key], row, metrics_tip(producer))
        for (kind, stream), info in streams.items():
            parent = self._stream_items[key, *METRICS] if kind == "metric" else self._items[key]
            row = _stream_row(kind, stream, info, now)
            self._set_stream(key, kind, stream, parent, row, stream_tip(row.name, info))
        shown = {*streams, *([METRICS] if metrics else [])}
        gone_items = [k for k in self._stream_items if k[0] == key and (k[1], k[2]) not in shown]
        # The row above the metrics goes last, for it takes the rows below it along.
        for gone in sorted(gone_items, key=lambda k: k[1:] == METRICS):
            item = self._stream_items.pop(gone)
            (item.parent() or self.tree.invisibleRootItem()).removeChild(item)

    def _set_stream(self, key: str, kind: str, stream: str, parent: QTreeWidgetItem, row: StreamRow, tip: str) -> None:
        item = self._stream_items.get((key, kind, stream))
        if item is None:
            item = QTreeWidgetItem()
            place = (KIND_ORDER.index(kind), stream)
            before = [k for k, i in self._stream_items.items() if k[0] == key and i.parent() is parent]
            parent.insertChild(sum((KIND_ORDER.index(k[1]), k[2]) < place for k in before), item)
            self._stream_items[key, kind, stream] = item
            item.setData(0, KEY, key)
            if parent is self._items[key]:
                parent.setExpanded(key not in self._collapsed)
        _set_row(item, row, tip)

    def _producer_row(self, producer: Producer, now: float) -> ProducerRow:
        words = run_words(producer, self.hub.commands.values(), now)
        second, tone = _second_line(producer, words.detail, now)
        return ProducerRow(
            name=one_line(producer.name),
            badge=words.text,
            badge_tone=words.tone,
            link_tone=LINK_TONES[producer.link],
            second=second,
            second_tone=tone,
            is_open=binds_openly(producer.url),
        )


def _second_line(producer: Producer, detail: str, now: float) -> tuple[str, str]:
    """The most telling line: a fresh problem, how far a request has come, the latest status, or the URL."""
    if producer.problem and now - producer.problem_t < PROBLEM_SHOWN_S:
        return one_line(producer.problem), "warning"
    if detail:
        return detail, "warning"
    if producer.link in (LinkState.LOST, LinkState.STALE, LinkState.CONNECTING) and producer.link_detail:
        return one_line(producer.link_detail), "warning"
    if producer.catching_up and producer.link is LinkState.LIVE:
        return "Receiving its history…", "muted"
    has_ended = producer.run is not None and producer.run.run == RunState.ENDED.name
    if producer.status is not None and (producer.link is not LinkState.CLOSED or has_ended):
        tones = {"warning": "warning", "error": "error", "complete": "ok"}
        return one_line(producer.status.message), tones.get(producer.status.status, "muted")
    return producer.url, "muted"


def _stream_row(kind: str, stream: str, info: StreamInfo, now: float) -> StreamRow:
    name = one_line(stream) or kind.capitalize()
    shown_kind = KIND_WORDS.get(kind, kind) if stream and kind != "metric" else ""
    return StreamRow(name, shown_kind, _figures(info.rate_hz, info.last_seen, now), _lost(info.lost))


def _metrics_row(metrics: list[StreamInfo], losses: Losses, now: float) -> StreamRow:
    """The row that stands for all metrics of a producer; its rate is in samples per second."""
    figures = _figures(sum(info.rate_hz for info in metrics), max(info.last_seen for info in metrics), now)
    return StreamRow(
        "Metrics",
        "1 name" if len(metrics) == 1 else f"{len(metrics)} names",
        figures,
        _lost(losses.queue + losses.wire),
    )


def _figures(rate_hz: float, last_seen: float, now: float) -> str:
    age_s = max(0.0, now - last_seen)
    return f"{_rate(rate_hz)}/s" if rate_hz > 0 and age_s < 5 else age_words(age_s)


def _lost(count: int) -> str:
    return f"−{count:,}" if count else ""


def _rate(rate_hz: float) -> str:
    if rate_hz >= 10_000:
        return f"{rate_hz / 1000:.0f} k"
    return f"{rate_hz:.0f}" if rate_hz >= 10 else f"{rate_hz:.1f}"


def _set_row(item: QTreeWidgetItem, row: ProducerRow | StreamRow, tip: str) -> None:
    if item.data(0, ROW) != row:
        item.setData(0, ROW, row)
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{row.name} {getattr(row, 'badge', '')}".strip())
    if tip and item.toolTip(0) != tip:
        item.setToolTip(0, tip)


def _key_of(item: QTreeWidgetItem) -> str:
    return item.data(0, KEY)
