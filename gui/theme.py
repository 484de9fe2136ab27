"""Colours of the window in dark and light, and the palette made from them.

Text colours have a contrast of at least 4.5:1 on ``background``, ``surface`` and ``raised`` (WCAG 2.1, 1.4.3); a test
computes it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.resources import as_file, files
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Named colours, each "#rrggbb".

    Args:
        background: behind docks. surface: of docks and plots. raised: of buttons, headers, hovered rows.
        border: lines between things. text: main text. muted: secondary text, axis labels. grid: plot grid lines.
        accent: selection and links. on_accent: text on accent. ok, warning, error: state colours, readable as text.
        curves: colours of curves in order of ``color_index``.
    """

    name: str
    background: str
    surface: str
    raised: str
    border: str
    text: str
    muted: str
    grid: str
    accent: str
    on_accent: str
    ok: str
    warning: str
    error: str
    curves: tuple[str, ...]

    @property
    def is_dark(self) -> bool:
        return self.name == "dark"

    def curve(self, index: int) -> str:
        """Return the colour of the curve with this ``color_index``."""
        return self.curves[index % len(self.curves)]


DARK = Theme(
    name="dark",
    background="#14171c",
    surface="#1a1e25",
    raised="#252b35",
    border="#343c49",
    text="#e6e9ef",
    muted="#a3adbb",
    grid="#2a313c",
    accent="#4c9aff",
    on_accent="#0b1220",
    ok="#4cc38a",
    warning="#e3b341",
    error="#ff7b72",
    curves=(
        "#5aa9ff",
        "#ffb454",
        "#5fd38d",
        "#ff7a90",
        "#c297ff",
        "#4fd6d2",
        "#f2d45c",
        "#ff9d6c",
        "#9fc5e8",
        "#b6d77a",
    ),
)

LIGHT = Theme(
    name="light",
    background="#eef1f5",
    surface="#ffffff",
    raised="#e6eaf0",
    border="#c5ccd6",
    text="#1c2128",
    muted="#4d5763",
    grid="#e3e7ed",
    accent="#0a5fc4",
    on_accent="#ffffff",
    ok="#12692f",
    warning="#7d5200",
    error="#b3151f",
    curves=(
        "#0b66c3",
        "#b05500",
        "#15803d",
        "#c2185b",
        "#6d3fc0",
        "#0e7c86",
        "#8a6d00",
        "#b4441c",
        "#3d6f9e",
        "#5b7f1f",
    ),
)


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.1, relative luminance)."""

    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def blend(color: str, ground: str, share: float) -> str:
    """Return the "#rrggbb" between ``ground`` (share 0) and ``color`` (1): alpha costs many times more to paint."""
    pairs = [(int(color[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


class ThemeSwitch(QObject):
    """Apply the chosen theme to the application and follow the system when asked to.

    Signals:
        changed(Theme): another theme is now in force.
    """

    changed = Signal(object)

    def __init__(self, choice: str = "system") -> None:
        super().__init__()
        self.choice = choice
        self.current = self._resolve()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_change)

    def choose(self, choice: str) -> None:
        """Switch to "dark", "light" or "system"."""
        self.choice = choice if choice in ("dark", "light") else "system"
        self._switch()

    def apply(self) -> None:
        """Give the application the style, palette and style sheet of the current theme."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if not app.styleSheet():  # to set it again would polish every widget once more, and takes as long as the sheet
            app.setStyle(QStyleFactory.create("Fusion"))
        app.setPalette(palette(self.current))
        app.setStyleSheet(style_sheet(self.current))

    def _resolve(self) -> Theme:
        if self.choice in ("dark", "light"):
            return DARK if self.choice == "dark" else LIGHT
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK

    def _on_system_change(self, _scheme: Qt.ColorScheme) -> None:
        if self.choice == "system":
            self._switch()

    def _switch(self) -> None:
        theme = self._resolve()
        if theme is not self.current:
            self.current = theme
            self.apply()
            self.changed.emit(theme)


def palette(theme: Theme) -> QPalette:
    """Make the Qt palette of a theme."""
    result = QPalette()
    role = QPalette.ColorRole
    for target, color in (
        (role.Window, theme.background),
        (role.WindowText, theme.text),
        (role.Base, theme.surface),
        (role.AlternateBase, theme.raised),
        (role.Text, theme.text),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.error),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.muted),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Link, theme.accent),
        (role.Light, theme.raised),
        (role.Midlight, theme.raised),
        (role.Mid, theme.border),
        (role.Dark, theme.border),
        (role.Shadow, theme.background),
    ):
        result.setColor(target, QColor(color))
    disabled = QColor(theme.muted)
    disabled.setAlpha(130)
    for target in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, target, disabled)
    return result


def style_sheet(theme: Theme) -> str:
    """Return the style sheet of the window, its docks and its small controls."""
    sheet = files("dockscope.resources").joinpath("themes/window.qss").read_text(encoding="utf-8")
    colors = {field.name: getattr(theme, field.name) for field in fields(theme) if field.name != "curves"}
    pictures = files("dockscope.resources").joinpath("themes")
    with (
        as_file(pictures.joinpath(f"arrow-{theme.name}.svg")) as arrow,
        as_file(pictures.joinpath(f"check-{theme.name}.svg")) as check,
    ):
        return Template(sheet).safe_substitute(colors, arrow=arrow.as_posix(), check=check.as_posix())
