"""The lock of a device: re-entrant, released as a whole, taken from threads that were given up."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from dockscope.devices.lock import DeviceLock


def in_thread(call: Callable[[], object]) -> object:
    """Run a call in a thread of its own and return its result."""
    result: list[object] = []
    thread = threading.Thread(target=lambda: result.append(call()))
    thread.start()
    thread.join()
    return result[0]


def is_free(lock: DeviceLock) -> bool:
    """Tell whether another thread could take the lock now."""

    def take():
        taken = lock.acquire(blocking=False)
        if taken:
            lock.release()
        return taken

    return bool(in_thread(take))


def test_it_is_re_entrant_and_excludes_others():
    """One thread takes it several times; others wait for the last release, with a limit if they like."""
    lock = DeviceLock()
    with lock, lock:
        assert lock.is_owned
        assert not is_free(lock)
        assert in_thread(lambda: lock.acquire(timeout=0.01)) is False
    assert not lock.is_owned
    assert is_free(lock)


def test_only_the_owner_releases_it():
    """A release without the lock is an error."""
    lock = DeviceLock()
    with pytest.raises(RuntimeError, match="does not hold"):
        lock.release()
    with lock:
        assert isinstance(in_thread(lambda: _error_of(lock.release)), RuntimeError)


def _error_of(call):
    try:
        call()
    except RuntimeError as error:
        return error


def test_released_lets_go_of_all_levels_and_takes_them_back():
    """Inside the block others can take it, after it the depth is as before, also when the block raises."""
    lock = DeviceLock()
    with lock, lock:
        with lock.released():
            assert not lock.is_owned
            assert is_free(lock)
        with pytest.raises(ZeroDivisionError), lock.released():
            _ = 1 / 0
        assert lock.is_owned
        lock.release()
        assert not is_free(lock)
        assert lock.acquire()
    assert is_free(lock)


def test_released_without_the_lock_does_nothing():
    """A thread that does not hold it may ask for the same."""
    lock = DeviceLock()
    with lock.released():
        assert is_free(lock)
    assert is_free(lock)


def test_it_is_taken_from_a_thread_that_was_given_up():
    """Others go on at once; what the thread does with the lock later harms nobody."""
    lock = DeviceLock()
    held, go_on = threading.Event(), threading.Event()

    def stuck():
        with lock, lock:
            held.set()
            go_on.wait(10.0)
            with lock:
                harmed.append(lock.is_owned)

    harmed: list[bool] = []
    thread = threading.Thread(target=stuck)
    thread.start()
    assert held.wait(5.0)
    assert not is_free(lock)
    lock.disown([thread])
    assert is_free(lock)
    with lock:
        go_on.set()
        thread.join(5.0)
        assert lock.is_owned
        assert harmed == [False]
    assert is_free(lock)


def test_a_thread_that_was_given_up_never_has_it_again():
    """Also one that waited for it at that moment: it goes on without."""
    lock = DeviceLock()
    harmed: list[bool] = []

    def late():
        with lock:
            harmed.append(lock.is_owned)

    thread = threading.Thread(target=late)
    with lock:
        thread.start()
        lock.disown([thread])
        thread.join(5.0)
        assert harmed == [False]
        assert lock.is_owned


def test_many_threads_count_without_loss():
    """What is read and written inside the lock is never written by two threads at once."""
    lock = DeviceLock()
    count = [0]

    def work():
        for _ in range(500):
            with lock, lock:
                before = count[0]
                with lock:
                    count[0] = before + 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count[0] == 2000
