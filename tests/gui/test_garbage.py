"""Garbage that holds Qt's objects is destroyed on the window's thread, whoever allocates meanwhile."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QObject

from dockscope.gui.garbage import GarbageCollection


class Ring(QObject):
    """An object that only the cyclic collector can free."""

    def __init__(self) -> None:
        super().__init__()
        self.me = self


@pytest.fixture(autouse=True)
def as_before():
    yield
    gc.unfreeze()
    gc.enable()


def allocate_in_another_thread() -> None:
    """Make so many containers in another thread that Python would collect there by itself."""
    thread = threading.Thread(target=lambda: [[number] for number in range(200_000)])
    thread.start()
    thread.join()


def where_a_ring_ends(seen: list[str]) -> None:
    weakref.finalize(Ring(), lambda: seen.append(threading.current_thread().name)).atexit = False


def test_a_cycle_is_freed_on_the_windows_thread(qapp, qtbot):
    """Another thread allocates as much as it likes: the object goes in a turn of the collector, and only there."""
    seen: list[str] = []
    gc.collect()
    with GarbageCollection():
        where_a_ring_ends(seen)
        allocate_in_another_thread()
        assert seen == []
        kept = [[number] for number in range(2000)]  # enough for a collection to be due
        qtbot.waitUntil(lambda: bool(seen), timeout=5000)
    assert seen == [threading.main_thread().name]
    assert len(kept) == 2000


def test_collection_is_pythons_own_again_afterwards(qapp):
    """When the window is gone, collecting is automatic as before."""
    with GarbageCollection():
        assert not gc.isenabled()
    assert gc.isenabled()
    seen: list[str] = []
    where_a_ring_ends(seen)
    allocate_in_another_thread()
    assert len(seen) == 1
