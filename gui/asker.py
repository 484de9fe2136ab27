"""The asker of the window: dialogs for what a source has to be told, one at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QWidget

from ..core.asker import Asker
from .password_dialog import PasswordDialog
from .streams_dialog import StreamsDialog

if TYPE_CHECKING:
    import asyncio


class WindowAsker(Asker):
    """Ask the user with dialogs; passwords are kept until the program ends, and nowhere else.

    Args:
        password: for every place that has not refused it.

    Attributes:
        parent: of the dialogs; without it nobody is asked.
    """

    def __init__(self, password: str | None = None) -> None:
        super().__init__(password)
        self.parent: QWidget | None = None

    @cached_property
    def _turn(self) -> asyncio.Lock:
        from asyncio import Lock  # the window is painted before asyncio is loaded

        return Lock()

    async def password(self, place: str) -> str | None:
        """Ask for the password of a place, unless it is known; None when the user gives none."""
        async with self._turn:
            known = self.known(place)
            if known is not None or self.parent is None:
                return known
            dialog = PasswordDialog(self.parent, place, refused=self.was_refused(place))
            if not await _accepted(dialog):
                return None
            self.remember(place, dialog.password.text())
            return self.known(place)

    async def streams(self, place: str, names: Sequence[str], what: str = "streams") -> Collection[str] | None:
        """Let the user choose; None for all, also those to come."""
        async with self._turn:
            if self.parent is None or len(names) < 2:
                return None
            dialog = StreamsDialog(self.parent, place, names, what)
            return dialog.chosen() if await _accepted(dialog) else None


async def _accepted(dialog: QDialog) -> bool:
    """Show a dialog until the user has answered; a source that is closed meanwhile takes it away."""
    from asyncio import get_running_loop

    answered: asyncio.Future[int] = get_running_loop().create_future()
    dialog.finished.connect(lambda result: answered.done() or answered.set_result(result))
    dialog.open()
    try:
        return await answered == QDialog.DialogCode.Accepted
    finally:
        dialog.close()
        dialog.deleteLater()
