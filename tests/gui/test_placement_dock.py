"""The Placement dock through its widgets, on a real hub."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from dockscope.core.messages import Kind, PlacementFrame, PlacementScene
from dockscope.gui.placement_dock import PlacementDock

from .conftest import KEY

OUTLINE = np.array([(0.0, 0.0), (100.0, 0.0), (100.0, 60.0), (0.0, 60.0)])
HOLE = np.array([(45.0, 5.0), (55.0, 5.0), (55.0, 15.0), (45.0, 15.0)])
POSITION = [(20.0, 30.0, 0.0), (50.0, 30.0, 90.0), (80.0, 30.0, 0.0), (80.0, 50.0, 0.0)]


def scene(number: int = 1, refs: tuple[str, ...] = ("U1", "R2", "C3", "<b>X4</b>")) -> PlacementScene:
    """Four parts: U1 red on top, R2 turned by 90°, C3 on the bottom, and one with markup in its name."""
    return PlacementScene(
        refs=refs,
        size=np.array([(20, 10), (16, 6), (12, 8), (12, 8)], dtype="<f4"),
        scene=number,
        outlines=(OUTLINE,),
        holes=(HOLE,),
        modules=(("power", "#ff0000"), ("<i>rf</i>", "url(x)")),
        nets=(("VCC", ((0, 0), (1, 1))), ("GND", ((0, -1), (2, -1), (3, -1)))),
        layer=np.array([0, 0, 1, 0], dtype="u1"),
        pads=np.array([(-7, 0, 4, 6, 0), (-5, 0, 3, 3, 0)], dtype="<f4"),
        pad_owner=np.array([0, 1], dtype="<u4"),
        pad_shape=np.array([0, 1], dtype="u1"),
    )


def frame(index: int = 0, *, position=POSITION, number: int = 1, **fields) -> PlacementFrame:
    given = {
        "iteration": index * 10,
        "phase": "refinement",
        "energy": 123.45,
        "total_wire_length": 150.3,
        "overlap_count": 1,
        "module": np.array([0, 1, 0, 1], dtype="<u2"),
        "force": np.array([(3, 4), (-1, 0)], dtype="<f4"),
        "force_owner": np.array([0, 1], dtype="<u4"),
        "force_kind": np.array([0, 1], dtype="u1"),
        "overlap": np.array([(2, 3)], dtype="<u4"),
        "movement": np.array([(1, 2, 2.236)] * 4, dtype="<f4"),
    }
    return PlacementFrame(position=np.array(position, dtype="<f4"), scene=number, index=index, **(given | fields))


@pytest.fixture
def dock(qtbot, context, hub):
    hub.on_change = context.clock.arm
    dock = PlacementDock(context)
    qtbot.addWidget(dock)
    dock.resize(900, 600)
    dock.show()
    qtbot.waitExposed(dock)
    yield dock
    dock.dispose()


@pytest.fixture
def board(dock, deliver, qtbot):
    """The dock with a board and five frames, painted."""
    deliver(Kind.SCENE, "board", scene())
    for index in range(5):
        deliver(Kind.FRAME, "board", frame(index))
    show(dock, qtbot, 4)
    return dock


def show(dock, qtbot, index: int) -> None:
    """Wait until the frame with this index is painted."""
    qtbot.waitUntil(lambda: dock.canvas.frame is not None and dock.canvas.frame.frame.index == index)
    painted(dock)


def painted(dock) -> None:
    before = dock.canvas.painted
    dock.canvas.repaint()
    assert dock.canvas.painted > before


def pixel(dock, x: float, y: float) -> QPoint:
    """The canvas' pixel at a point of the scene."""
    at = dock.canvas.view.to_screen(np.array([x, y]))
    return QPoint(round(at[0]), round(at[1]))


def color(dock, x: float, y: float) -> str:
    return dock.canvas.grab().toImage().pixelColor(pixel(dock, x, y)).name()


def press(dock, key, target=None) -> None:
    QTest.keyClick(target or dock.canvas, key)


def rows(dock) -> dict[str, str]:
    dock.refresh_text()
    return dict(dock.inspector.rows())


def test_empty_dock_says_what_it_waits_for(dock, deliver, qtbot):
    """Without a placement there is a sentence; with a board but no frame the board is shown and the line says so."""
    assert "Waiting for a board" in dock.empty_text
    deliver(Kind.SCENE, "board", scene())
    qtbot.waitUntil(lambda: dock.empty_text == "")
    dock.refresh_text()
    assert "first frame" in dock.headline.accessibleName()
    painted(dock)


def test_frame_for_an_unknown_board_is_said(dock, deliver, qtbot, expect_log):
    """Frames that come before their board leave a sentence, not an empty picture."""
    expect_log("", at_least=0)
    deliver(Kind.FRAME, "board", frame())
    qtbot.waitUntil(lambda: "not yet the board" in dock.empty_text)


def test_board_parts_and_hole_are_where_the_scene_has_them(board):
    """The whole board is in view; parts are filled at their place, size and rotation, the hole shows the ground."""
    for name in ("ratsnest", "forces", "overlaps", "pads", "names", "legend"):
        board.switches[name].setChecked(False)
    ground, bare = board.theme.surface, color(board, 35, 45)
    assert color(board, 50, 10) == ground
    assert bare != ground
    assert color(board, 28, 33) != bare  # in U1, 20 × 10 about 20, 30
    assert color(board, 31, 30) == bare
    assert color(board, 50, 37) != bare  # R2, 16 × 6 turned by 90°: high, not wide
    assert color(board, 56, 30) == bare
    corners = [pixel(board, *corner) for corner in OUTLINE]
    assert all(board.canvas.rect().contains(corner) for corner in corners)


def test_sides_and_modules_can_be_told_apart(board):
    """A module's own colour is used, another's text is not; a part on the bottom is hatched, not filled."""
    for name in ("ratsnest", "forces", "overlaps", "names"):
        board.switches[name].setChecked(False)
    red = board.canvas.grab().toImage().pixelColor(pixel(board, 27, 32))
    assert red.red() > 1.8 * red.green()
    image = board.canvas.grab().toImage()
    inside = {image.pixelColor(pixel(board, 78, 30) + QPoint(dx, dy)).name() for dx in range(12) for dy in range(12)}
    assert len(inside) >= 2


@pytest.mark.parametrize("switch", ["ratsnest", "forces", "overlaps", "pads", "names", "legend", "bottom"])
def test_each_switch_changes_the_picture(board, switch):
    """Every layer can be switched off, and on again."""
    QTest.mouseMove(board.canvas, QPoint(2, board.canvas.height() - 2))
    board.switches[switch].setChecked(True)
    before = board.canvas.grab().toImage()
    board.switches[switch].setChecked(False)
    assert board.canvas.grab().toImage() != before
    board.switches[switch].setChecked(True)
    assert board.canvas.grab().toImage() == before


def test_small_parts_lie_on_large_ones(dock, deliver, qtbot):
    """A small part on a large one can be seen, whatever their order and colours are."""
    dock.switches["names"].setChecked(False)
    for colors in (("#ff0000", "#00ff00"), ("#00ff00", "#ff0000")):
        few = PlacementScene(
            refs=("small", "large", "other", "more"),
            size=np.array([(4, 4), (60, 40), (4, 4), (4, 4)], dtype="<f4"),
            scene=1,
            outlines=(OUTLINE,),
            modules=(("a", colors[0]), ("b", colors[1])),
        )
        places = np.array([(50, 30, 0), (50, 30, 0), (5, 5, 0), (5, 50, 0)], dtype="<f4")
        deliver(Kind.SCENE, "board", few)
        module = np.array([0, 1, 0, 0], dtype="<u2")
        deliver(Kind.FRAME, "board", PlacementFrame(position=places, scene=1, module=module))
        qtbot.waitUntil(lambda few=few: dock.canvas.shapes is not None and dock.canvas.shapes.scene is few)
        show(dock, qtbot, 0)
        assert color(dock, 50, 30) == color(dock, 5, 5) != color(dock, 30, 20)


def test_pads_and_names_come_with_their_size(board):
    """Pads are drawn from 4 px on, names from a part of 40 px on."""
    for name in ("ratsnest", "forces", "overlaps", "legend"):
        board.switches[name].setChecked(False)
    view = board.canvas.view
    for switch, longest in (("names", 20.0), ("pads", 6.0)):
        least_px = {"names": 40.0, "pads": 4.0}[switch]
        for scale, drawn in ((least_px / longest * 1.1, True), (least_px / longest * 0.9, False)):
            board.canvas.zoom(scale / view.scale)
            board.switches[switch].setChecked(True)
            with_it = board.canvas.grab().toImage()
            board.switches[switch].setChecked(False)
            assert (board.canvas.grab().toImage() != with_it) is drawn


def test_headline_shows_the_frame(board):
    """Iteration, phase, energy, wire length and overlaps stand above the picture, also in a small dock."""
    board.resize(620, 330)
    board.refresh_text()
    shown = dict(board.headline.shown_pairs())
    assert shown["iteration"] == "40"
    assert shown["phase"] == "refinement"
    assert shown["energy"] == "123.4" or shown["energy"] == "123.5"
    assert shown["HPWL"].startswith("150.3")
    assert shown["overlaps"] == "1"


def test_hover_reads_out_the_part(board):
    """Under the mouse: name, module, side, place, rotation, size and number of nets, and the pad's net."""
    QTest.mouseMove(board.canvas, pixel(board, 14, 30))
    text = board.canvas.hover_text()
    for word in ("U1", "power", "top", "20.00, 30.00 mm", "0°", "20.00 × 10.00 mm", "2 nets", "pad on VCC"):
        assert word in text
    QTest.mouseMove(board.canvas, pixel(board, 35, 45))
    assert board.canvas.hover_text() == ""


def test_click_selects_and_the_inspector_tells_everything(board):
    """A click opens the inspector with place, size, module, nets and their parts, pads, forces, movement, overlaps."""
    QTest.mouseClick(board.canvas, Qt.MouseButton.LeftButton, pos=pixel(board, 20, 33))
    assert board.inspector.isVisible()
    known = rows(board)
    assert board.inspector.name.text() == "U1"
    assert known["Position"] == "20.00, 30.00 mm"
    assert known["Rotation"] == "0°"
    assert known["Side"] == "top"
    assert known["Size"] == "20.00 × 10.00 mm"
    assert known["Module"] == "power"
    assert known["Moved"] == "2.24 mm"
    assert known["Started at"] == "19.00, 28.00 mm"
    assert known["VCC"] == "R2"
    assert known["GND"] == "C3, <b>X4</b>"
    assert "VCC" in known["1"]
    assert known["attraction"].startswith("5.000")
    assert known["Overlaps"] == "none"
    QTest.mouseClick(board.canvas, Qt.MouseButton.LeftButton, pos=pixel(board, 80, 50))
    known = rows(board)
    assert known["Overlaps"] == "1"
    assert known["C3"] == "bottom"
    press(board, Qt.Key.Key_Escape)
    assert not board.inspector.isVisible()


def test_selection_highlights_its_nets(board):
    """Nets and forces of the selected part are drawn, even with ratsnest and forces switched off."""
    board.switches["ratsnest"].setChecked(False)
    board.switches["forces"].setChecked(False)
    accent, attraction = board.theme.accent, board.theme.ok
    assert not has_color(board, accent)
    assert not has_color(board, attraction)
    QTest.mouseClick(board.canvas, Qt.MouseButton.LeftButton, pos=pixel(board, 20, 33))
    QTest.mouseMove(board.canvas, pixel(board, 35, 45))
    assert has_color(board, accent)
    assert has_color(board, attraction)


def has_color(dock, name: str) -> bool:
    """Whether a pixel has this colour, or nearly so where a slanting line is smoothed."""
    wanted = QColor(name)
    image = dock.canvas.grab().toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return any(
        max(abs(p.red() - wanted.red()), abs(p.green() - wanted.green()), abs(p.blue() - wanted.blue())) < 20
        for p in pixels
    )


def test_received_text_is_never_markup(board):
    """Names with markup are shown as they are, in the inspector, its tooltips and the readout."""
    QTest.mouseClick(board.canvas, Qt.MouseButton.LeftButton, pos=pixel(board, 80, 50))
    board.refresh_text()
    assert board.inspector.name.text() == "<b>X4</b>"
    assert board.inspector.name.textFormat() == Qt.TextFormat.PlainText
    assert "<i>rf</i>" in board.canvas.hover_text()
    for row in range(board.inspector.tree.topLevelItemCount()):
        item = board.inspector.tree.topLevelItem(row)
        assert "<" not in item.toolTip(1)


def test_find_selects_and_shows_a_part(board):
    """Ctrl+F opens the search; typing selects the first find, Enter goes on, Escape closes it."""
    QTest.keyClick(board.canvas, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert board.finder.isVisible()
    QTest.keyClicks(board.finder.line, "c3")
    assert board.canvas.selection == 2
    assert board.finder.count.text() == "1 of 1"
    board.finder.line.clear()
    QTest.keyClicks(board.finder.line, "nothing")
    assert board.finder.count.text() == "no part"
    board.finder.line.clear()
    QTest.keyClicks(board.finder.line, "f0,.")
    assert board.finder.line.text() == "f0,."  # keys of the dock elsewhere
    assert board.scrubber.is_live
    press(board, Qt.Key.Key_Escape, board.finder.line)
    assert not board.finder.isVisible()


def test_wheel_zooms_at_the_mouse(board):
    """The scene point under the mouse stays there while the wheel zooms."""
    at = QPointF(200, 150)
    before, scale = board.canvas.view.to_scene(200, 150), board.canvas.view.scale
    wheel(board.canvas, at, 240)
    assert board.canvas.view.scale > scale * 1.3
    assert board.canvas.view.to_scene(200, 150) == pytest.approx(before)


def wheel(widget, at: QPointF, angle: int) -> None:
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_drag_and_arrow_keys_pan_and_zero_fits(board):
    """Dragging moves the picture without selecting, arrow keys too; 0 and Home show the whole board again."""
    view = board.canvas.view
    fitted = (view.x, view.y, view.scale)
    start = pixel(board, 20, 33)
    QTest.mousePress(board.canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(board.canvas, start + QPoint(40, 20))
    QTest.mouseMove(board.canvas, start + QPoint(80, 30))
    QTest.mouseRelease(board.canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(80, 30))
    assert board.canvas.selection is None
    assert pixel(board, 20, 33) == start + QPoint(80, 30)
    press(board, Qt.Key.Key_Right)
    assert view.x > fitted[0] - 80 / view.scale
    for key in (Qt.Key.Key_0, Qt.Key.Key_Home):
        board.canvas.setFocus()
        board.canvas.zoom(3.0)
        press(board, key)
        painted(board)
        assert (view.x, view.y, view.scale) == pytest.approx(fitted)


def test_new_board_fits_unless_the_user_had_zoomed(board, deliver, qtbot):
    """Another scene is fitted again; a view that the user chose stays."""
    larger = PlacementScene(refs=("A",), size=np.ones((1, 2), "<f4"), scene=2, outlines=(OUTLINE * 2,))
    deliver(Kind.SCENE, "board", larger)
    qtbot.waitUntil(lambda: board.canvas.shapes.count == 1)
    painted(board)
    assert board.canvas.rect().contains(pixel(board, 200, 120))
    board.canvas.zoom(5.0)
    chosen = board.canvas.view.scale
    deliver(Kind.SCENE, "board", scene(3))
    qtbot.waitUntil(lambda: board.canvas.shapes.count == 4)
    painted(board)
    assert board.canvas.view.scale == chosen


def test_selection_follows_its_name_to_a_new_board(board, deliver, qtbot):
    """A part stays selected when its board is replaced and the part has another place in it."""
    QTest.mouseClick(board.canvas, Qt.MouseButton.LeftButton, pos=pixel(board, 20, 33))
    deliver(Kind.SCENE, "board", scene(2, refs=("A", "B", "U1", "C")))
    qtbot.waitUntil(lambda: board.canvas.shapes.scene.scene == 2)
    assert board.canvas.selection == 2


def test_scrubbing_shows_kept_frames_and_never_stops_arrival(board, deliver, hub, qtbot):
    """Comma and full stop step, new frames arrive meanwhile, Live goes to the newest."""
    press(board, Qt.Key.Key_Comma)
    press(board, Qt.Key.Key_Comma)
    assert board.canvas.frame.frame.index == 2
    assert not board.scrubber.live.isChecked()
    deliver(Kind.FRAME, "board", frame(5))
    qtbot.waitUntil(lambda: board.scrubber.slider.maximum() == 5)
    assert board.canvas.frame.frame.index == 2
    assert hub.placements.placements[KEY, "board"].latest.index == 5
    press(board, Qt.Key.Key_Period)
    assert board.canvas.frame.frame.index == 3
    QTest.mouseClick(board.scrubber.live, Qt.MouseButton.LeftButton)
    assert board.canvas.frame.frame.index == 5
    deliver(Kind.FRAME, "board", frame(6))
    show(board, qtbot, 6)


def test_slider_and_wheel_choose_frames(board):
    """The slider chooses a frame and one notch of the wheel on it goes one on; its end is live."""
    board.scrubber.slider.setValue(1)
    assert board.canvas.frame.frame.index == 1
    wheel(board.scrubber.slider, QPointF(5, 5), 120)
    assert board.canvas.frame.frame.index == 2
    board.scrubber.slider.setValue(4)
    assert board.scrubber.is_live


def test_shown_frame_that_is_dropped_gives_way_to_the_oldest(board, hub):
    """A frame that memory could not keep is replaced by the oldest that is left, not by an error."""
    board.scrubber.slider.setValue(0)
    hub.placements.placements[KEY, "board"].drop(2)
    board.refresh(None)
    assert board.canvas.frame.frame.index == 2
    assert not board.scrubber.is_live


def test_values_that_are_no_numbers_leave_their_part_out(board, deliver, qtbot):
    """NaN, infinity and absurd places are left out of picture, fit and hover; the rest is drawn."""
    wild = [(np.nan, 30, 0), (50, np.inf, 0), (1e30, 0, 0), (80, 50, 0)]
    deliver(Kind.FRAME, "board", frame(9, position=wild, force=np.array([(np.nan, 1), (1e38, 1)], dtype="<f4")))
    show(board, qtbot, 9)
    board.canvas.fit()
    painted(board)
    assert board.canvas.rect().contains(pixel(board, 80, 50))
    QTest.mouseClick(board.canvas, Qt.MouseButton.LeftButton, pos=pixel(board, 80, 50))
    assert board.canvas.selection == 3
    board.canvas.select(0)
    assert "not a place" in rows(board)["Position"]
    assert "nan" in board.csv()


def test_zooming_far_in_and_out_paints(board):
    """The extremes of the zoom paint without an error."""
    for factor in (1e6, 1e-9):
        board.canvas.zoom(factor)
        painted(board)


def test_csv_has_every_part_of_the_frame(board):
    """CSV has ref, x, y, deg, side and module of the frame shown."""
    table = list(csv.reader(board.csv().splitlines()))
    assert table[0] == ["ref", "x", "y", "deg", "side", "module"]
    assert table[2] == ["R2", "50", "30", "90", "top", "<i>rf</i>"]
    assert table[3][4] == "bottom"
    assert len(table) == 5


def test_context_menu_copies_a_position(board, told):
    """The context menu has the dock's own entries, and copies the position of the part under the mouse."""
    QTest.mouseMove(board.canvas, pixel(board, 50, 30))
    menu = board.context_menu()
    texts = {action.text(): action for action in menu.actions()}
    assert {"Fit", "Find part…", "Ratsnest", "Copy picture", "Clear data"} <= texts.keys()
    texts["Copy position of R2"].trigger()
    assert QGuiApplication.clipboard().text() == "R2 50.00 30.00 mm 90°"
    menu.deleteLater()


def test_clear_data_removes_the_frames(board, hub, qtbot):
    """Clear removes the kept frames; the board stays for the next one."""
    board.clear_data()
    qtbot.waitUntil(lambda: board.canvas.frame is None)
    assert len(hub.placements.placements[KEY, "board"]) == 0
    assert board.csv() is None
    painted(board)


def test_view_state_comes_back_and_nonsense_is_ignored(board):
    """Switches and the stream survive a restart; values of another kind leave the defaults."""
    board.switches["forces"].setChecked(not board.switches["forces"].isChecked())
    board.picker.choose((KEY, "board"))
    state = board.view_state()
    chosen = board.switches["forces"].isChecked()
    board.switches["forces"].setChecked(not chosen)
    board.picker.choose(None)
    board.restore_view_state(state)
    assert board.switches["forces"].isChecked() is chosen
    assert board.picker.choice == (KEY, "board")
    board.restore_view_state({"stream": [1], "switches": {"forces": 7, "x": True}, "inspector_px": "wide"})
    assert board.switches["forces"].isChecked() is chosen
    board.restore_view_state({"stream": "x", "switches": 3})


def test_second_stream_brings_the_picker(board, deliver, qtbot):
    """With one stream there is nothing to choose; with two the picker appears and switches between them."""
    assert not board.picker.isVisible()
    deliver(Kind.SCENE, "other", scene(7, refs=("A", "B", "C", "D")))
    deliver(Kind.FRAME, "other", frame(3, number=7))
    qtbot.waitUntil(board.picker.isVisible)
    assert board.canvas.shapes.scene.refs[0] == "U1"
    board.picker.setCurrentIndex(2)
    board.picker.activated.emit(2)
    qtbot.waitUntil(lambda: board.canvas.shapes.scene.refs[0] == "A")


def test_error_while_painting_is_logged_once_and_the_dock_lives_on(board, deliver, qtbot, expect_log, log_watch):
    """A picture that cannot be painted is one record, however often it is tried, and the next board is shown."""
    expect_log("could not be painted", logger="dockscope.gui.painting")
    board.canvas.shapes.outlines = [np.zeros(3)]
    board.canvas.refresh()
    painted(board)
    board.canvas.refresh()
    painted(board)
    assert len(log_watch.seen("could not be painted")) == 1
    deliver(Kind.SCENE, "board", scene(2))
    deliver(Kind.FRAME, "board", frame(8, number=2))
    show(board, qtbot, 8)
    assert color(board, 50, 10) == board.theme.surface


@pytest.mark.parametrize("size", [(320, 330), (380, 330), (530, 330), (900, 600), (1500, 900)])
def test_controls_fit(board, size):
    """No control is cut at the smallest size of the default layout, with the inspector and without."""
    board.scrubber.offer(0, 8888)
    for selected in (False, True):
        board.canvas.selected.emit(0 if selected else None)
        board.resize(*size)
        QApplication.processEvents()
        board.refresh_text()
        for button in board.findChildren(QAbstractButton):
            if button.isVisible():
                assert button.width() >= button.sizeHint().width(), button.text()
                assert board.rect().contains(button.geometry().translated(button.parent().mapTo(board, QPoint())))
        label = board.scrubber.label
        assert label.width() >= label.sizeHint().width()
        assert board.scrubber.slider.width() >= board.scrubber.slider.minimumWidth()
        assert board.canvas.height() > 200


def test_the_dock_can_be_narrow_and_loses_no_control(board, qtbot):
    """It needs no more than 320 px, whatever is shown; what finds no room there is in a menu and works from it."""
    board.scrubber.offer(0, 8888)
    for width, selected in ((1200, False), (320, False), (1200, True), (320, True)):
        board.canvas.selected.emit(0 if selected else None)
        board.resize(width, 400)
        QApplication.processEvents()
        assert board.minimumSizeHint().width() <= 320
        row = board.controls
        shown = [button.defaultAction() for button in row.buttons if button.isVisible()]
        hidden = row.more.menu().actions()
        assert shown + hidden == [button.defaultAction() for button in row.buttons]
        assert row.more.isVisible() is bool(hidden)
        assert bool(hidden) is (width == 320)
    before = board.canvas.switches.ratsnest
    next(action for action in board.controls.more.menu().actions() if action.text() == "Ratsnest").trigger()
    assert board.canvas.switches.ratsnest is not before


def test_controls_have_names_and_tooltips(board):
    """Every button can be told apart by a screen reader and explains itself."""
    for button in board.findChildren(QAbstractButton):
        if button.isVisible():
            assert button.accessibleName()
            assert button.toolTip()


@pytest.mark.parametrize("parts", [1_000, 20_000, 40_000])
def test_every_level_of_detail_paints(dock, deliver, qtbot, parts):
    """Filled shapes, outlines and boxes: more parts leave detail out, never the parts themselves."""
    rng = np.random.default_rng(1)
    many = PlacementScene(
        refs=tuple(f"R{i}" for i in range(parts)),
        size=np.full((parts, 2), 0.4, "<f4"),
        scene=1,
        outlines=(OUTLINE,),
        layer=np.arange(parts, dtype="u4").astype("u1") % 2,
    )
    position = np.column_stack([rng.uniform(0, 100, parts), rng.uniform(0, 60, parts), rng.uniform(0, 360, parts)])
    deliver(Kind.SCENE, "board", many)
    deliver(Kind.FRAME, "board", PlacementFrame(position=position.astype("<f4"), scene=1))
    show(dock, qtbot, 0)
    x, y = map(float, position[0, :2])
    assert dock.canvas.frame.part_at(x, y, 0.0) is not None
    full = dock.canvas.grab().toImage()
    for name in ("top", "bottom"):
        dock.switches[name].setChecked(False)
    bare = dock.canvas.grab().toImage()
    places = [pixel(dock, *position[i, :2]) for i in range(200)]
    assert sum(full.pixelColor(place) != bare.pixelColor(place) for place in places) > 100


def test_zoomed_in_the_legend_makes_room_until_the_mouse_asks_for_it(board, qtbot):
    """Fitted, the legend stands beside the board; zoomed in only a chip is left, which opens under the mouse."""
    for name in ("ratsnest", "forces", "overlaps", "names", "pads"):
        board.switches[name].setChecked(False)
    board.canvas.zoom(6.0)
    far, chip, entry = QPoint(400, board.canvas.height() - 40), QPoint(14, 12), QPoint(20, 60)

    def under(position: QPoint) -> str:
        QTest.mouseMove(board.canvas, position)
        return board.canvas.grab().toImage().copy(4, 40, 60, 40)

    bare = under(far)
    assert under(chip) != bare
    assert under(entry) != bare, "it closes only when the mouse leaves it"
    assert under(far) == bare
    board.switches["legend"].setChecked(False)
    assert under(chip) == bare


def test_overlap_marks_cover_only_what_is_shared(dock, deliver, qtbot):
    """What two parts share is tinted; the rest of them looks as it does without marks."""
    for name in ("ratsnest", "forces", "names", "pads", "legend"):
        dock.switches[name].setChecked(False)
    places = np.array([(30, 30, 0), (42, 30, 0), (80, 10, 0), (80, 50, 0)], dtype="<f4")
    pair = np.array([(0, 1)], dtype="<u4")
    two = PlacementScene(
        refs=("A", "B", "C", "D"),
        size=np.array([(20, 20), (20, 20), (4, 4), (4, 4)], dtype="<f4"),
        scene=1,
        outlines=(OUTLINE,),
    )
    deliver(Kind.SCENE, "board", two)
    deliver(Kind.FRAME, "board", PlacementFrame(position=places, scene=1, overlap=pair))
    show(dock, qtbot, 0)
    spots = {"shared": (36, 30), "own": (25, 33), "own edge": (30, 20), "free": (60, 50)}
    marked = {name: color(dock, *spot) for name, spot in spots.items()}
    dock.switches["overlaps"].setChecked(False)
    plain = {name: color(dock, *spot) for name, spot in spots.items()}
    assert {name for name in spots if marked[name] != plain[name]} == {"shared"}


def test_more_nets_than_can_be_painted_are_thinned_and_said(dock, deliver, qtbot):
    """Where the lines of a ratsnest would cost a frame an even choice is drawn, and a line says how to see all."""
    count = 6000
    spread = np.random.default_rng(4).random((count, 2)) * (100, 60)
    ends = tuple((f"N{i}", ((i, -1), ((i * 7919 + 1) % count, -1))) for i in range(count))
    many = PlacementScene(
        refs=tuple(f"R{i}" for i in range(count)),
        size=np.full((count, 2), 0.2, dtype="<f4"),
        scene=1,
        outlines=(OUTLINE,),
        nets=ends,
    )
    places = np.column_stack([spread, np.zeros(count)]).astype("<f4")
    deliver(Kind.SCENE, "board", many)
    deliver(Kind.FRAME, "board", PlacementFrame(position=places, scene=1))
    show(dock, qtbot, 0)
    said = dock.canvas.grab().toImage()
    dock.switches["ratsnest"].setChecked(False)
    painted(dock)
    plain = dock.canvas.grab().toImage()
    line = (4, said.height() - 24, 60, 16)
    assert said.copy(*line) != plain.copy(*line)


def test_the_legend_never_hides_the_board_that_was_fitted(dock, deliver, qtbot):
    """The board comes before the first frame, the legend with it: then the board makes room, or the legend does."""
    deliver(Kind.SCENE, "board", scene())
    qtbot.waitUntil(lambda: dock.canvas.shapes is not None)
    for width in (420, 640, 760, 900):
        dock.canvas.show_frame(dock.canvas.shapes, None)
        dock.resize(width, 420)
        painted(dock)
        deliver(Kind.FRAME, "board", frame(width))
        show(dock, qtbot, width)
        without = dock.canvas.grab().toImage()
        dock.switches["legend"].setChecked(False)
        painted(dock)
        dock.switches["legend"].setChecked(True)
        painted(dock)
        assert dock.canvas.grab().toImage() == without, "the fit does not depend on what came first"
        if dock.canvas.view.leaves_left_free:
            assert pixel(dock, 0, 0).x() >= 60
