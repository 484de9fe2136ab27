"""The log and the latest values of data streams."""

import numpy as np
import pytest

from dockscope.core.messages import DataRecord, ProtocolError
from dockscope.core.records import DataStore, LogStore, bytes_of


def filled(rows, **options):
    store = LogStore(**options)
    for k in range(rows):
        store.append(float(k), "ab"[k % 2], "log", "INFO", f"row {k}")
    return store


def test_rows_have_serials_and_bounds():
    """The oldest rows go; what came since a serial is found by it."""
    store = filled(12, max_rows=10)
    assert store.first_serial == 2
    assert store.next_serial == 12
    assert [row.message for row in store.since(10)] == ["row 10", "row 11"]
    assert len(store.since(0)) == 10
    assert store.since(12) == []
    assert store.rows[0].level == "info"


def test_clearing_one_producer_keeps_the_others():
    """Serials stay, and a view can tell that rows are gone."""
    store = filled(6)
    store.clear("a")
    assert [row.serial for row in store.rows] == [1, 3, 5]
    assert store.cleared == 1
    store.clear()
    assert list(store.rows) == []
    assert store.nbytes == 0
    assert store.append(9, "a", "log", "info", "more").serial == 6


def test_text_of_others_is_bounded():
    """Ten megabytes of text cost ten kilobytes, and the cut shows."""
    store = LogStore()
    row = store.append(0, "p", "log", "x" * 1000, "m" * 10**7, {f"k{k}": "v" * 10**5 for k in range(200)} | {"n": 1})
    assert len(row.message) == 10_000
    assert row.message.endswith("…")
    assert len(row.fields) == 64
    assert max(len(value) for value in row.fields.values()) == 1000
    assert len(row.level) == 32
    assert row.nbytes < 30_000


def test_field_values_keep_their_numbers():
    """Numbers stay numbers, anything odd becomes text."""
    row = LogStore().append(0, "p", "log", "info", "m", {"a": 1, "b": 2.5, "c": None, "d": True, "e": [1, 2]})
    assert row.fields == {"a": 1, "b": 2.5, "c": None, "d": True, "e": "[1, 2]"}


def test_shrinking_drops_the_oldest_rows():
    """Memory is freed from the old end."""
    store = filled(100)
    before = store.nbytes
    assert store.shrink(before // 2) >= before // 2
    assert store.rows[-1].message == "row 99"
    assert len(store.rows) <= 50


def test_the_latest_value_replaces_the_one_before():
    """Size, count and rate follow each stream."""
    store = DataStore()
    for k in range(50):
        store.put("p", "activations", DataRecord({"k": k}, float(k)), 100 + k, now=1000 + k * 0.1)
    entry = store.entries["p", "activations"]
    assert entry.value == {"k": 49}
    assert (entry.nbytes, entry.messages, store.nbytes) == (149, 50, 149)
    assert entry.rate_hz == pytest.approx(10, rel=0.1)
    store.put("p", "other", DataRecord(np.zeros(1000), 60.0), 0, now=1005)
    assert store.entries["p", "other"].nbytes == 8000
    assert store.shrink(1) == 149
    assert list(store.entries) == [("p", "other")]
    store.forget("p")
    assert store.nbytes == 0


def test_streams_are_bounded():
    """A flood of stream names is refused in a sentence."""
    store = DataStore(max_entries=2)
    store.put("p", "a", DataRecord(1, 0.0), 1, 0.0)
    store.put("p", "b", DataRecord(1, 0.0), 1, 0.0)
    with pytest.raises(ProtocolError, match="more than 2"):
        store.put("p", "c", DataRecord(1, 0.0), 1, 0.0)
    store.put("p", "a", DataRecord(2, 0.0), 1, 0.0)


def test_sizes_of_nested_values():
    """Arrays, bytes and text count by their length."""
    assert bytes_of({"ab": [np.zeros(4), b"xyz", "uv", 1]}) == 2 + 32 + 3 + 2 + 16
