"""Arrays that grow at the end and shrink at the front."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core.sliding import Reservations, SlidingArray

OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["extend", "fill", "drop", "replace", "insert"]), st.integers(0, 3000)), max_size=25
)


@settings(deadline=None, max_examples=60)
@given(operations=OPERATIONS, limit=st.sampled_from([0, 1, 100]))
def test_behaves_like_a_plain_array(operations, limit):
    """Any order of growing, dropping, replacing and inserting gives what plain arrays give, on heap and pages."""
    array = SlidingArray(reservations=Reservations(limit), reserve_bytes=256 * 1024)
    model, dropped, counter = np.empty(0), 0, 0
    for operation, number in operations:
        items = np.arange(counter, counter + number, dtype=float)
        counter += number
        half = min(number, len(model))
        if operation == "extend":
            array.extend(items)
            model = np.concatenate([model, items])
        elif operation == "fill":
            array.extend_fill(number, 7.0)
            model = np.concatenate([model, np.full(number, 7.0)])
        elif operation == "drop":
            array.drop_front(number)
            model, dropped = model[half:], dropped + half
        elif operation == "replace":
            array.replace_front(half, items[: half // 2])
            model, dropped = np.concatenate([items[: half // 2], model[half:]]), dropped + half - half // 2
        elif number:
            positions = np.sort(items.astype(int) % (len(model) + 1))
            array.insert(positions, items)
            model = np.insert(model, positions, items)
        np.testing.assert_array_equal(array.view(), model)
        assert array.first_serial == dropped
        assert array.nbytes == model.nbytes


def test_views_cannot_be_written():
    """Readers get views that they cannot change."""
    array = SlidingArray()
    array.extend(np.arange(3.0))
    with pytest.raises(ValueError, match="read-only"):
        array.view()[0] = 1


def test_reservations_are_counted_and_returned():
    """A large array takes a range, gives it back when it is gone, and goes on without one beyond the limit."""
    reservations = Reservations(limit=1)
    first, second = (SlidingArray(reservations=reservations, reserve_bytes=1 << 20) for _ in range(2))
    for array in (first, second):
        array.extend(np.arange(50_000.0))
        array.extend(np.arange(300_000.0))
        assert len(array.view()) == 350_000
    assert reservations.used == 1
    del array, first
    assert reservations.used == 0
