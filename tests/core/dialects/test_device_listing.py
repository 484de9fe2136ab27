"""What a device server lists: read as captured, and nothing but ProtocolError for anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_replay import captured_answers
from dockscope.core.dialects.device_listing import (
    MOST_LISTED,
    Device,
    ServerError,
    Task,
    read_devices,
    read_error,
    read_object,
    read_streams,
    read_tasks,
)
from dockscope.core.messages import ProtocolError

CAPTURED = captured_answers()


def test_the_captured_answers_are_read():
    """Devices, methods, tasks and errors as the real server tells them."""
    assert read_devices(CAPTURED["GET /devices"]) == (
        Device("daq1", "SimDAQ", is_connected=True),
        Device("daq2", "SimDAQ", is_connected=True),
        Device("laser1", "SimLaser", is_connected=True),
    )
    assert read_streams(CAPTURED["GET /devices/laser1/methods"]) is False
    assert read_streams(b'{"methods":[{"name":"start_streaming","parameters":[]}]}') is True
    assert read_tasks(CAPTURED["GET /tasks"]) == ()
    assert read_tasks(b'{"tasks":[%b]}' % CAPTURED["GET /tasks/sweep1"]) == (Task("sweep1", "SweepTask", True),)
    told = read_object(CAPTURED["GET error"])["error"]
    error = read_error(told)
    assert error == ServerError("RuntimeError", "simulated device fault", 1795245658.0)
    device = {"device_id": "daq1", "streaming": True, "owned_by": "sweep1", "last_error": told}
    assert read_devices(json.dumps({"devices": [device]}).encode()) == (
        Device("daq1", is_streaming=True, owner="sweep1", error=error),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"devices":{}}',
        b'{"devices":[1]}',
        b'{"devices":[{}]}',
        b'{"devices":[{"device_id":""}]}',
        b'{"devices":[{"device_id":"%b"}]}' % (b"x" * 200),
        b'{"devices":[%b]}' % b",".join([b'{"device_id":"a"}'] * (MOST_LISTED + 1)),
    ],
)
def test_what_is_no_list_is_refused(body):
    """An answer that is no list of devices is told as such."""
    with pytest.raises(ProtocolError):
        read_devices(body)


def test_fields_of_a_wrong_kind_are_as_if_not_told():
    """A device stays a device when something beside its id is not as it should be."""
    body = b'{"devices":[{"device_id":"a","device_type":3,"connected":"yes","owned_by":[],"last_error":"broken"}]}'
    assert read_devices(body) == (Device("a"),)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["devices", "tasks", "methods", "device_id", "task_id", "name", "x"]), inner)
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())


def check_reading(body: bytes) -> None:
    """Each reader returns something or raises ProtocolError."""
    for read in (read_devices, read_tasks, read_streams, read_object):
        try:
            read(body)
        except ProtocolError:
            pass


@given(BODIES)
def test_any_answer_is_read_or_refused(body):
    """Whatever comes, only ProtocolError comes out."""
    check_reading(body)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(BODIES)
def test_any_answer_is_read_or_refused_for_long(body):
    """The same with 10,000 examples."""
    check_reading(body)
