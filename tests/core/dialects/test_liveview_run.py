"""What a run makes of messages: whatever they hold, nothing but a ProtocolError, and bounds on what is kept."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core.dialects.foreign import ForeignSource
from dockscope.core.dialects.liveview_codec import decode_message
from dockscope.core.dialects.liveview_run import MOST_STREAMS, LiveViewRun
from dockscope.core.dialects.liveview_state import MOST_FIELDS
from dockscope.core.hub import Hub
from dockscope.core.messages import ProtocolError

NAMES = ("run_name", "status", "metrics", "data_streams", "recent_logs", "evidences", "episode", "step", "timestamp")
MORE = ("camera_image", "depth_image", "url", "error_message", "level", "message", "hypothesis_count", "value", "name")
KEYS = st.one_of(st.sampled_from(NAMES + MORE), st.text(max_size=6))
WORDS = st.sampled_from(["running", "paused", "aborted", "error", "initializing", "YQ==", "%", "info", "A:eye"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=20), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
HEADS = st.sampled_from(
    [
        {"type": "state"},
        {"type": "metric", "name": "m", "value": 1},
        {"type": "log", "level": "info", "message": "m"},
        *({"type": "data", "stream": stream} for stream in ("s", "evidence_chart", "sensor_images", "mesh_viewer")),
    ]
)


async def nobody(_: object) -> None:
    """Connect to nobody."""


def make_run() -> tuple[LiveViewRun, Hub]:
    hub = Hub()
    hub.add("key", "liveview://*:5555")
    source = ForeignSource("liveview://*:5555", hub, key="key", where="here", connect=nobody)
    return LiveViewRun(source, "here", "title"), hub


MESSAGES = st.lists(st.tuples(HEADS, st.dictionaries(KEYS, VALUES, max_size=6)), max_size=6)


def check_any_messages(messages):
    run, hub = make_run()
    for head, entries in messages:
        with contextlib.suppress(ProtocolError):
            run.take(decode_message(json.dumps(entries | head).encode()), 1_800_000_000.0, 10)
    run.flush()
    assert all(key == "key" for key, _ in hub.data.entries)


@given(MESSAGES)
def test_nothing_but_a_protocol_error_comes_out_of_any_message(messages):
    """Messages of every type with entries of any kind are taken or refused; what was taken is delivered."""
    check_any_messages(messages)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(MESSAGES)
def test_nothing_but_a_protocol_error_comes_out_of_any_message_ten_thousand_times(messages):
    """The same ten thousand times."""
    check_any_messages(messages)


def test_what_is_kept_of_a_run_is_bounded():
    """Fields of state and data streams beyond their bounds are refused; those before stay."""
    run, hub = make_run()
    fields = {f"f{index}": index for index in range(MOST_FIELDS + 1)}
    with pytest.raises(ProtocolError, match="fields"):
        run.take(decode_message(json.dumps({"type": "state", **fields}).encode()), 0.0, 1)
    assert run.state.fields == {}
    for index in range(MOST_STREAMS):
        run.take(decode_message(json.dumps({"type": "data", "stream": f"s{index}"}).encode()), 0.0, 1)
    with pytest.raises(ProtocolError, match="data streams"):
        run.take(decode_message(b'{"type": "data", "stream": "more"}'), 0.0, 1)
    assert len(hub.data.entries) == MOST_STREAMS
