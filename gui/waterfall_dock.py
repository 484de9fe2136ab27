"""The Waterfall dock: a spectrum over the picture of all rows that came, with one frequency axis for both."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from ..core.hub import Change
from ..core.spectra import Waterfall
from .dock import Dock, DockContext
from .spectrum_feed import CURVE_COLORS, SpectrumFeed
from .spectrum_plot import SpectrumPlot
from .theme import Theme
from .waterfall_blocks import polarization_names
from .waterfall_controls import ControlRow, CurveButton
from .waterfall_extent import ExtentReader, newest_block
from .waterfall_feed import WaterfallFeed
from .waterfall_gestures import WaterfallGestures
from .waterfall_options import CURVES, WaterfallOptions
from .waterfall_picture import WaterfallPicture
from .waterfall_view import WaterfallView
from .waterfall_window import Extent, WaterfallWindow

TEXT_LIMIT = 60  # characters of a stream's, producer's or unit's name shown


class WaterfallDock(Dock):
    """Spectra of one stream over time.

    Rows are added as they come. Everything else (another window, polarization, level) leaves work that is done in
    slices between events, newest rows first.
    """

    kind: ClassVar[str] = "waterfall"
    title: ClassVar[str] = "Waterfall"

    def __init__(self, context: DockContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.options = WaterfallOptions()
        self.window_shown = WaterfallWindow()
        self.feed = WaterfallFeed()
        self._waterfall: Waterfall | None = None
        self._reader = ExtentReader()
        self._extent: Extent | None = None
        self._offered: set[tuple[str, str]] = set()
        self._build()
        self._connect()
        self.apply_theme(self.theme)
        self._write_controls()
        self._tell_empty()

    def _build(self) -> None:
        self.controls = ControlRow()
        self.spectrum = SpectrumPlot(self.theme)
        self.view = WaterfallView(self.theme, self.feed, lambda: self.context.settings.utc)
        self._buttons = {name: CurveButton(name) for name in CURVES}
        for button in self._buttons.values():
            self.spectrum.add_legend(button)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self.spectrum)
        self.splitter.addWidget(self.view)
        self.splitter.setCollapsible(1, False)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setHandleWidth(3)
        self.splitter.setSizes([110, 220])
        self.rendering = WaterfallPicture(self.view, self.options, self.theme, self)
        self.levels = self.rendering.levels
        self.curves = SpectrumFeed(
            self.spectrum, self.feed, self.options, self.theme, lambda: self.context.clock.frozen, self
        )
        self.spectra = self.curves.spectra
        self.gestures = WaterfallGestures(self.window_shown, self.spectrum, self.view, self)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.controls)
        layout.addWidget(self.splitter, 1)

    def _connect(self) -> None:
        self.controls.picker.chosen.connect(self.request_refresh)
        self.controls.changed.connect(self._on_controls)
        self.controls.follow_toggled.connect(self.gestures.follow)
        panel = self.controls.panel
        panel.changed.connect(self._on_panel)
        panel.levels_entered.connect(self._on_levels)
        panel.automatic_toggled.connect(self._on_automatic)
        panel.hold_reset.connect(self.reset_hold)
        self.spectrum.bar.levels_dragged.connect(self._on_levels)
        self.spectrum.bar.automatic_asked.connect(lambda: self._on_automatic(True))
        for button in self._buttons.values():
            button.clicked.connect(self._on_curves)
        self.rendering.levels_changed.connect(self._show_bar)
        self.curves.shown.connect(self._show_bar)
        self.gestures.changed.connect(self._window_changed)
        self.view.resized.connect(self._show_window)

    # what the base asks for

    def concerns(self, change: Change) -> bool:
        if change.kind == "spectrum":
            key = (change.producer, change.stream)
            return key == self.controls.picker.current() or key not in self._offered
        return change.kind == "producer"

    def refresh(self, changes: set[Change] | None) -> None:
        renamed = changes is None or any(change.kind == "producer" for change in changes)
        if renamed or self._offered != self.hub.spectra.waterfalls.keys():
            self._offer_streams()
        waterfall = self._chosen()
        if waterfall is not self._waterfall:
            self._take(waterfall)
        if newest_block(self._waterfall) is None:
            self._tell_empty()
            return
        self.set_empty(None)
        self._measure()
        self._show_window()
        if changes is None:
            self.curves.update()
        else:
            self.curves.update_soon()

    def refresh_text(self) -> None:
        if self._extent is None:
            return
        self.rendering.follow_levels()
        self._write_controls()

    def apply_theme(self, theme: Theme) -> None:
        self.spectrum.theme = self.view.theme = self.spectrum.bar.theme = theme
        for name, button in self._buttons.items():
            button.setChecked(name in self.options.curves)
            button.show_color(theme.curve(CURVE_COLORS[name]), theme)
        self.rendering.theme = self.curves.theme = theme
        self.rendering.recolor()

    def view_state(self) -> dict[str, Any]:
        choice = self.controls.picker.choice
        return {
            **self.options.state(),
            "stream": list(choice) if choice else None,
            "splitter": self.splitter.sizes(),
        }

    def restore_view_state(self, state: dict[str, Any]) -> None:
        self.options = self.rendering.options = self.curves.options = WaterfallOptions.from_state(state)
        self.window_shown.span_s = self.options.span_s
        stream = state.get("stream")
        if isinstance(stream, list | tuple) and len(stream) == 2 and all(isinstance(part, str) for part in stream):
            self.controls.picker.choose((stream[0], stream[1]))
        sizes = state.get("splitter")
        if (
            isinstance(sizes, list)
            and len(sizes) == 2
            and all(type(size) is int and 0 <= size < 9999 for size in sizes)
        ):
            self.splitter.setSizes(sizes)
        if self.options.levels:
            self.levels.set_by_hand(*self.options.levels)
        self._take(self._waterfall)
        self.apply_theme(self.theme)
        self._write_controls()
        self.request_refresh()

    def clear_data(self) -> None:
        if key := self.controls.picker.current():
            self.hub.clear("spectrum", *key)
        self.request_refresh()

    def menu_actions(self) -> list[QAction]:
        follow = QAction("Follow and show all channels", self)
        follow.triggered.connect(self.reset_view)
        restart = QAction("Restart max hold", self)
        restart.triggered.connect(self.reset_hold)
        levels = QAction("Automatic levels", self)
        levels.setCheckable(True)
        levels.setChecked(self.levels.automatic)
        levels.triggered.connect(self._on_automatic)
        return [follow, restart, levels]

    def csv(self) -> str | None:
        """Return the shown curves of the visible channels, one line per channel."""
        return self.spectra.csv(self.options.curves, self.spectrum.low_hz, self.spectrum.high_hz)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F and not event.modifiers():
            self.reset_view()
        else:
            super().keyPressEvent(event)

    def dispose(self) -> None:
        self.rendering.stop()
        self.curves.stop()
        super().dispose()

    # commands of the user

    def reset_view(self) -> None:
        """Follow the live end and show all channels."""
        self.gestures.reset()

    def reset_hold(self) -> None:
        """Begin the maximum hold anew."""
        self.spectra.reset_hold()
        self.curves.update()

    def _on_controls(self) -> None:
        before = (self.options.polarization, self.options.decibel)
        self.controls.read(self.options)
        self.window_shown.span_s = self.options.span_s
        if before != (self.options.polarization, self.options.decibel):
            self.levels.automatic = True
            self.options.levels = None
            self.levels.unsettle()
            self.spectrum.restart_axis()
        if before[0] != self.options.polarization:
            self._take(self._waterfall)
        self._window_changed()
        self.rendering.recolor()

    def _on_panel(self) -> None:
        self.controls.panel.read(self.options)
        self.rendering.recolor()
        self._window_changed()

    def _on_curves(self) -> None:
        self.options.curves = tuple(name for name, button in self._buttons.items() if button.isChecked())
        for name, button in self._buttons.items():
            button.show_color(self.theme.curve(CURVE_COLORS[name]), self.theme)
        self.curves.update()

    def _on_levels(self, low: float, high: float) -> None:
        if self.rendering.set_levels(low, high):
            self.options.levels = (low, high)
        self._write_controls()

    def _on_automatic(self, automatic: bool) -> None:
        self.levels.automatic = automatic
        self.options.levels = None if automatic else (self.levels.low, self.levels.high)
        self.levels.unsettle()
        self.refresh_text()

    # what is shown

    def _offer_streams(self) -> None:
        self._offered = set(self.hub.spectra.waterfalls)
        offered = []
        for producer, stream in self.hub.spectra.waterfalls:
            known = self.hub.producers.get(producer)
            name = known.name if known else producer
            offered.append(((producer, stream), f"{stream[:TEXT_LIMIT] or 'spectrum'} · {name[:TEXT_LIMIT]}"))
        self.controls.picker.offer(offered)

    def _chosen(self) -> Waterfall | None:
        key = self.controls.picker.current()
        return self.hub.spectra.waterfalls.get(key) if key else None

    def _take(self, waterfall: Waterfall | None) -> None:
        """Show another waterfall or polarization from the start."""
        if waterfall is not self._waterfall:
            self.window_shown.reset()
            self.spectrum.restart_axis()
            self.spectra.forget()
        self._waterfall = waterfall
        self.rendering.show(waterfall)
        stream = f" · {waterfall.stream[:TEXT_LIMIT]}" if waterfall and waterfall.stream else ""
        self.title_changed.emit(f"{self.title}{stream}")

    def _measure(self) -> None:
        """Find out what there is to show: frequencies, times, polarizations, blocks."""
        block = newest_block(self._waterfall)
        assert block is not None
        assert self._waterfall is not None
        names = polarization_names(block)
        if self.options.polarization not in names:
            self.options.polarization = names[0]
            self._take(self._waterfall)
        self._extent = self.gestures.extent = self._reader.extent(self._waterfall)
        self.view.history = (self._extent.oldest_s, self._extent.newest_s)
        self.view.blocks = self._reader.marks(self._waterfall)
        self.view.unit = self.spectrum.unit = block.unit[:TEXT_LIMIT]
        self.spectrum.set_scale(decibel=self.options.decibel, unit=block.unit[:TEXT_LIMIT])
        self.curves.choose(self._waterfall, block, names.index(self.options.polarization))

    def _window_changed(self) -> None:
        self.options.span_s = self.window_shown.span_s
        if newest_block(self._waterfall) is None:
            return
        if not self.context.clock.frozen:  # else zooming shows more or less of what stands, and nothing newer
            self._measure()
        self._show_window()
        self.curves.update_soon()
        self._write_controls()

    def _show_window(self) -> None:
        if self._extent is None or self._waterfall is None:
            return
        low, high = self.window_shown.frequencies(self._extent)
        self.spectrum.set_frequencies(low, high)
        self.view.set_frequencies(low, high)
        self.rendering.fit(self.window_shown, self._extent, frozen=self.context.clock.frozen)

    def _show_bar(self) -> None:
        self.curves.levels = (self.levels.low, self.levels.high)
        self.spectrum.bar.show_levels(self.spectrum.axis, self.levels.low, self.levels.high, self.options.color_map)

    def _write_controls(self) -> None:
        block = newest_block(self._waterfall)
        names = polarization_names(block) if block is not None else []
        self.controls.write(self.options, names, following=self.window_shown.following)
        self.controls.panel.show_levels(
            self.levels.low, self.levels.high, automatic=self.levels.automatic, decibel=self.options.decibel
        )
        self._show_bar()

    def _tell_empty(self) -> None:
        self._extent = self.gestures.extent = None
        choice = self.controls.picker.choice
        if choice is not None and choice not in self.hub.spectra.waterfalls:
            self.set_empty(f"Waiting for spectra of the stream “{choice[1][:TEXT_LIMIT]}”")
        else:
            self.set_empty("Waiting for spectra: they appear here when a producer publishes a spectrum stream")
