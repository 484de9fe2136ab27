"""The Placement dock: a board, its parts where a placer has them now, and everything known of a part."""

from __future__ import annotations

import csv
import io
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from .action_row import ActionRow
from .dock import Dock, DockContext
from .headline import Headline
from .part_finder import PartFinder
from .placement_canvas import PlacementCanvas
from .placement_facts import degrees, headline, length, one_line, part_facts, parts_table, unit
from .placement_frame import FrameShapes
from .placement_inspector import PlacementInspector
from .placement_shapes import SceneShapes
from .placement_style import Switches, placement_colors
from .placement_switches import ON_BUTTONS, switch_actions
from .scrubber import Scrubber
from .stream_picker import StreamKey, StreamPicker
from .theme import Theme

if TYPE_CHECKING:
    from ..core.hub import Change
    from ..core.messages import PlacementFrame
    from ..core.placements import Placement

logger = logging.getLogger("dockscope.gui.placement_dock")

INSPECTOR_PX = 250
PICKER_PX = 190
GAP_PX = 10
TEXT_LIMIT = 60


class PlacementDock(Dock):
    """Show the placement of one stream, live or one of its kept frames."""

    kind: ClassVar[str] = "placement"
    title: ClassVar[str] = "Placement"

    def __init__(self, context: DockContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.picker = StreamPicker(self)
        self.headline = Headline(self.theme, self)
        self.canvas = PlacementCanvas(placement_colors(self.theme, ()), self)
        self.inspector = PlacementInspector(self)
        self.scrubber = Scrubber(self)
        self.finder = PartFinder(self.canvas)
        self._placement: Placement | None = None
        self._scene_revision = -1
        self._offered: set[StreamKey] = set()
        self._selected_ref: str | None = None
        self._make_actions()
        self._lay_out()
        self._wire()
        self.apply_theme(self.theme)
        self._tell_empty()

    def _make_actions(self) -> None:
        self.switches = switch_actions(self.canvas.switches, self)
        for action in self.switches.values():
            action.toggled.connect(self._on_switches)
        self.fit_action = QAction("Fit", self, toolTip="Show the whole board (0)")
        self.fit_action.triggered.connect(self.canvas.fit)
        self.find_action = QAction("Find part…", self, iconText="Find", toolTip="Find a part by its name (Ctrl+F)")
        self.find_action.triggered.connect(self.finder.open)
        self.copy_action = QAction(self)
        self.copy_action.triggered.connect(lambda: self._copy_position(self.copy_action.data()))
        self._line = QAction(self)
        self._line.setSeparator(True)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(8, 3, 8, 3)
        top.setSpacing(6)
        self.picker.setMaximumWidth(PICKER_PX)
        top.addWidget(self.picker)
        top.addWidget(self.headline, 1)
        over = QVBoxLayout(self.canvas)
        over.setContentsMargins(8, 8, 8, 8)
        over.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        over.addWidget(self.finder, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self.body)
        self.splitter.addWidget(self.canvas)
        self.splitter.addWidget(self.inspector)
        self.splitter.setCollapsible(0, False)
        self.splitter.setCollapsible(1, False)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setHandleWidth(1)
        self.inspector.setMinimumWidth(190)
        self.splitter.setSizes([600, INSPECTOR_PX])
        bottom = QHBoxLayout()
        bottom.setContentsMargins(4, 2, 4, 2)
        bottom.setSpacing(2)
        bottom.addWidget(self.scrubber, 1)
        bottom.addSpacing(GAP_PX)
        shown = (*(self.switches[name] for name in ON_BUTTONS), self.fit_action, self.find_action)
        self.controls = ActionRow(shown, self)
        bottom.addWidget(self.controls)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.splitter, 1)
        column.addLayout(bottom)
        self.finder.hide()
        self.inspector.hide()
        self.picker.hide()
        self.setFocusProxy(self.canvas)

    def _wire(self) -> None:
        self.picker.chosen.connect(self._on_chosen)
        self.scrubber.moved.connect(self._show_frame)
        self.canvas.selected.connect(self._on_selected)
        self.inspector.part_chosen.connect(self._on_found)
        self.inspector.closed.connect(partial(self._on_selected, None))
        self.finder.found.connect(self._on_found)
        self.finder.closed.connect(self._on_finder_closed)
        for keys, slot in (
            ("0", self.canvas.fit),
            ("F", self.scrubber.go_live),
            (",", lambda: self.scrubber.step(-1)),
            (".", lambda: self.scrubber.step(1)),
            ("Ctrl+F", self.finder.open),
        ):
            shortcut = QShortcut(QKeySequence(keys), self, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # what the base asks for

    def concerns(self, change: Change) -> bool:
        if change.kind in ("scene", "frame"):
            key = (change.producer, change.stream)
            return key == self.picker.current() or key not in self._offered
        return change.kind == "producer"

    def refresh(self, changes: set[Change] | None) -> None:
        if changes is None or self._placement is None or any(self._alters_offer(change) for change in changes):
            self._offer_streams()
        placement = self._chosen()
        if placement is None or placement.scene is None:
            self._placement = None
            self._tell_empty()
            return
        self.set_empty(None)
        if placement is not self._placement or placement.scene_revision != self._scene_revision:
            self._take_scene(placement)
        self.scrubber.offer(placement.first_serial, len(placement))
        self._show_frame(texts=changes is None)

    def refresh_text(self) -> None:
        frame, shapes = self.canvas.frame, self.canvas.shapes
        if shapes is None:
            return
        waiting = "" if frame is not None else "Board received, waiting for the first frame"
        self.headline.show_pairs(headline(shapes, frame.frame if frame is not None else None), waiting)
        if (part := self.canvas.selection) is not None:
            self.inspector.show_part(one_line(shapes.scene.refs[part]), part_facts(shapes, frame, part))

    def apply_theme(self, theme: Theme) -> None:
        self.headline.theme = theme
        self.headline.update()
        self._apply_colors()

    def view_state(self) -> dict[str, Any]:
        return {
            "stream": list(self.picker.choice) if self.picker.choice else None,
            "switches": {name: action.isChecked() for name, action in self.switches.items()},
            "inspector_px": self.splitter.sizes()[1] or INSPECTOR_PX,
        }

    def restore_view_state(self, state: dict[str, Any]) -> None:
        stream = state.get("stream")
        if isinstance(stream, list) and len(stream) == 2 and all(isinstance(text, str) for text in stream):
            self.picker.choose((stream[0], stream[1]))
            self._tell_title()
        if isinstance(switches := state.get("switches"), dict):
            wanted = self.canvas.switches.taking(switches)
            for name, action in self.switches.items():
                action.setChecked(getattr(wanted, name))
        width_px = state.get("inspector_px")
        if isinstance(width_px, int) and 100 <= width_px <= 2000:
            self.splitter.setSizes([600, width_px])
        self.request_refresh()

    def clear_data(self) -> None:
        if self._placement is not None:
            self.hub.clear("frame", self._placement.producer, self._placement.stream)
            self.request_refresh()

    def picture(self) -> QPixmap:
        self.canvas.settle()
        return super().picture()

    def csv(self) -> str | None:
        """Return the parts of the frame shown: ref, x, y, deg, side, module."""
        frame = self.canvas.frame
        if frame is None:
            return None
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(parts_table(frame))
        return text.getvalue()

    def menu_actions(self) -> list[QAction]:
        actions = [self.fit_action, self.find_action]
        part = self.canvas.hover if self.canvas.hover is not None else self.canvas.selection
        if self.canvas.frame is not None and part is not None:
            name = one_line(self.canvas.frame.shapes.scene.refs[part], 24)
            # A mnemonic would swallow the first ampersand of a name.
            self.copy_action.setText(f"Copy position of {name.replace('&', '&&')}")
            self.copy_action.setData(part)
            actions.append(self.copy_action)
        return [*actions, self._line, *self.switches.values()]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Home fits unless the widget with the focus, such as the slider, has its own use for it.
        if event.key() == Qt.Key.Key_Home:
            self.canvas.fit()
        else:
            super().keyPressEvent(event)

    # streams and scenes

    def _alters_offer(self, change: Change) -> bool:
        return change.kind == "producer" or (
            change.kind in ("scene", "frame") and (change.producer, change.stream) not in self._offered
        )

    def _offer_streams(self) -> None:
        offered = []
        for producer, stream in self.hub.placements.placements:
            known = self.hub.producers.get(producer)
            name = one_line(known.name if known else producer, TEXT_LIMIT)
            offered.append(((producer, stream), f"{one_line(stream, TEXT_LIMIT) or 'board'} · {name}"))
        self._offered = {key for key, _ in offered}
        self.picker.offer(offered)

    def _chosen(self) -> Placement | None:
        key = self.picker.current()
        return self.hub.placements.placements.get(key) if key else None

    def _tell_empty(self) -> None:
        choice = self.picker.choice
        if choice is not None and choice not in self.hub.placements.placements:
            self.set_empty(f"Waiting for the placement {one_line(choice[1], TEXT_LIMIT)} of {one_line(choice[0])}")
        elif self._chosen() is not None:
            self.set_empty("Frames arrive, but not yet the board that they are for")
        else:
            self.set_empty("Waiting for a board: no producer has sent a placement yet")

    def _tell_title(self) -> None:
        choice = self.picker.choice
        self.title_changed.emit(f"{self.title}: {one_line(choice[1], 30)}" if choice else self.title)

    def _take_scene(self, placement: Placement) -> None:
        """Show another board; the part that was selected stays so if it is there."""
        assert placement.scene is not None
        before = self.canvas.shapes
        if placement is not self._placement or before is None or before.scene.refs != placement.scene.refs:
            self.scrubber.go_live()
        self._placement, self._scene_revision = placement, placement.scene_revision
        shapes = SceneShapes(placement.scene)
        self.canvas.show_frame(shapes, None)
        self._apply_colors()
        self.finder.set_parts(placement.scene.refs)
        part = shapes.index_of.get(self._selected_ref) if self._selected_ref is not None else None
        self.canvas.select(part)
        self.inspector.setVisible(part is not None)

    def _show_frame(self, *, texts: bool = True) -> None:
        """Show the frame that the scrubber stands on."""
        shapes, placement, position = self.canvas.shapes, self._placement, self.scrubber.position
        if shapes is None or placement is None:
            return
        frame = placement.frame(position) if position is not None and position < len(placement) else None
        shown = self.canvas.frame
        if (shown.frame if shown is not None else None) is not frame:
            self.canvas.show_frame(shapes, self._shaped(shapes, frame))
        if texts or shown is None:
            self.refresh_text()

    def _shaped(self, shapes: SceneShapes, frame: PlacementFrame | None) -> FrameShapes | None:
        if frame is None:
            return None
        try:
            return FrameShapes(shapes, frame)
        except ValueError as error:
            logger.warning("frame %d is not shown: %s", frame.index, error)
            return None

    def _apply_colors(self) -> None:
        shapes = self.canvas.shapes
        self.canvas.set_colors(placement_colors(self.theme, shapes.scene.modules if shapes is not None else ()))

    # what the user does

    def _on_chosen(self) -> None:
        self._tell_title()
        self.request_refresh()

    def _on_switches(self) -> None:
        chosen = {name: action.isChecked() for name, action in self.switches.items()}
        self.canvas.set_switches(Switches(**chosen))

    def _on_selected(self, part: int | None) -> None:
        self.canvas.select(part)
        shapes = self.canvas.shapes
        self._selected_ref = shapes.scene.refs[part] if part is not None and shapes is not None else None
        self.inspector.setVisible(part is not None)
        self.refresh_text()

    def _on_found(self, part: int) -> None:
        if self.canvas.shapes is not None and part < self.canvas.shapes.count:
            self._on_selected(part)
            self.canvas.reveal(part)

    def _on_finder_closed(self) -> None:
        self.finder.hide()
        self.canvas.setFocus()

    def _copy_position(self, part: int) -> None:
        frame = self.canvas.frame
        if frame is None or part >= frame.shapes.count:
            return
        x, y, turn = map(float, frame.position[part])
        QGuiApplication.clipboard().setText(
            f"{frame.shapes.scene.refs[part]} {length(x)} {length(y)} {unit(frame.shapes)} {degrees(turn)}"
        )
        self.context.tell("Position copied")
