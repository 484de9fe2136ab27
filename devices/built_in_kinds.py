"""Our own kinds of devices. What they need is imported when one is made."""

from __future__ import annotations

from typing import Any

from .device_kind import DeviceKind, Field
from .spec import DeviceSpec

READS = Field(
    "reads", "Reads", "voltage", "names of what is read, each a metric; a dot leads into channels", is_required=True
)
ADDRESS = Field("address", "Address", "TCPIP::192.168.0.5::5025::SOCKET", "VISA address of the instrument")
OPTIONS = Field("options", "Options", "", "further arguments of the class, as a table")
SETTINGS = Field("settings", "Settings", "", "what is set after connecting, as a table")


def _stream_options(spec: DeviceSpec) -> dict[str, Any]:
    return {"queue_size": spec.queue_size, "policy": spec.policy}


def _make_visa(spec: DeviceSpec) -> Any:
    from .visa import VISAStreamingDevice

    params = dict(spec.params)
    if "query" in params:
        params["query_command"] = params.pop("query")
    if isinstance(params.get("initialize"), str):
        params["initialize"] = (params["initialize"],)
    return VISAStreamingDevice(spec.id, **params, unit=spec.unit, name=spec.name, **_stream_options(spec))


def _make_simulated(spec: DeviceSpec) -> Any:
    from .simulated import SimulatedDevice

    return SimulatedDevice(spec.id, **spec.params, **_stream_options(spec))


def _make_system(spec: DeviceSpec) -> Any:
    from .system import SystemDevice

    return SystemDevice(spec.id, **spec.params, **_stream_options(spec))


def _make_pymeasure(spec: DeviceSpec) -> Any:
    from .pymeasure_adapter import PymeasureDevice

    return PymeasureDevice(spec.id, **spec.params, **_stream_options(spec))


def _make_qcodes(spec: DeviceSpec) -> Any:
    from .qcodes_adapter import QcodesDevice

    return QcodesDevice(spec.id, **spec.params, **_stream_options(spec))


BUILT_IN = (
    DeviceKind(
        "visa",
        "Instrument with a VISA address",
        _make_visa,
        (
            Field("address", "Address", "TCPIP::192.168.0.5::5025::SOCKET", is_required=True),
            Field("query", "Query", "MEAS:VOLT?", "the command that asks for a reading"),
            Field("initialize", "At the start", "*RST", "commands that are sent once after connecting"),
            Field("timeout_s", "Timeout", "5", "seconds to wait for an answer"),
            Field("read_termination", "Ends answers", "\\n"),
            Field("write_termination", "Ends commands", "\\n"),
            Field("visa_library", "VISA library", "@py", "@py for pyvisa-py, or the path of a vendor's library"),
        ),
    ),
    DeviceKind(
        "sim",
        "Simulated instrument",
        _make_simulated,
        (
            Field(
                "model",
                "Model",
                "multimeter",
                is_required=True,
                choices=("multimeter", "power_supply", "spectrum_analyzer"),
            ),
            Field("fault", "Fault", "", "what goes wrong: timeout, garbage, disconnect, slow or random"),
        ),
    ),
    DeviceKind(
        "system",
        "This computer",
        _make_system,
        (Field("disk", "Disk", "/", "a folder on the disk whose filling is read"),),
    ),
    DeviceKind(
        "pymeasure",
        "Instrument of pymeasure",
        _make_pymeasure,
        (
            Field("instrument", "Class", "keithley.Keithley2000", "its class in pymeasure.instruments", is_required=True),
            READS,
            ADDRESS,
            SETTINGS,
            OPTIONS,
        ),
    ),
    DeviceKind(
        "qcodes",
        "Instrument of QCoDeS",
        _make_qcodes,
        (
            Field("instrument", "Class", "Keithley.Keithley2450", "its class in qcodes.instrument_drivers", is_required=True),
            READS,
            ADDRESS,
            SETTINGS,
            OPTIONS,
        ),
    ),
)
