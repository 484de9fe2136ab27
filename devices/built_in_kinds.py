"""Our own kinds of devices. What they need is imported when one is made."""

from __future__ import annotations

from typing import Any

from .device_kind import DeviceKind, Field
from .spec import DeviceSpec

READS = Field(
    "reads",
    "Reads",
    "voltage",
    "names of what is read, each a metric; a dot leads into channels",
    is_required=True,
    is_list=True,
)
ADDRESS = Field("address", "Address", "TCPIP::192.168.0.5::5025::SOCKET", "VISA address of the instrument")
OPTIONS = Field("options", "Options", "", "further arguments of the class, as a table")
QUERY = Field("query", "Query", "MEAS:VOLT?", "the command that asks for a reading")
INITIALIZE = Field("initialize", "At the start", "*RST", "commands that are sent after connecting", is_list=True)
AXIS_FIELDS = (
    Field("start_hz", "First frequency", "1e9", "of a trace, which is a spectrum then"),
    Field("stop_hz", "Last frequency", "2e9", "of a trace"),
)
AXIS = tuple(field.name for field in AXIS_FIELDS)
SETTINGS = Field("settings", "Settings", "", "what is set after connecting, as a table")


def _class_field(example: str, package: str) -> Field:
    return Field("instrument", "Class", example, f"its class in {package}, or the full name of one", is_required=True)


def _stream_options(spec: DeviceSpec) -> dict[str, Any]:
    return {"queue_size": spec.queue_size, "policy": spec.policy}


def _question_options(spec: DeviceSpec) -> dict[str, Any]:
    """Return what a device takes that asks a question for each reading."""
    params = {name: value for name, value in spec.params.items() if name not in AXIS}
    if "query" in params:
        params["query_command"] = params.pop("query")
    if isinstance(params.get("initialize"), str):
        params["initialize"] = [params["initialize"]]
    if spec.unit:
        params["unit"] = spec.unit
    return params | _stream_options(spec)


def _make_visa(spec: DeviceSpec) -> Any:
    from .visa import VISAStreamingDevice

    return VISAStreamingDevice(spec.id, **_question_options(spec))


def _make_simulated(spec: DeviceSpec) -> Any:
    from .simulated import SimulatedDevice

    return SimulatedDevice(spec.id, **_question_options(spec))


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
            QUERY,
            INITIALIZE,
            Field("timeout_s", "Timeout", "5", "seconds to wait for an answer"),
            Field("read_termination", "Ends answers", "\\n"),
            Field("write_termination", "Ends commands", "\\n"),
            Field("visa_library", "VISA library", "@py", "@py for pyvisa-py, or the path of a vendor's library"),
            Field("serial", "Serial line", "", "baud_rate, data_bits, parity, stop_bits, flow_control, as a table"),
            Field("identify", "Asks *IDN?", "true", "false for an instrument that does not know it"),
            Field("block_format", "Binary blocks", ">f4", "type of the numbers in a block, as NumPy writes it"),
            Field("text", "Text too", "false", "true where answers that are no numbers are readings too"),
            *AXIS_FIELDS,
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
            Field("query", "Query", "", "the command that asks for a reading; the model has one of its own"),
            INITIALIZE,
            Field("fault", "Fault", "random", "what goes wrong: timeout, garbage, disconnect, slow or random"),
            Field("fault_share", "Share of faults", "0.05", "of the questions, 0 to 1"),
            Field("seed", "Seed", "1", "of noise, drift and faults"),
            *AXIS_FIELDS,
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
            _class_field("keithley.Keithley2000", "pymeasure.instruments"),
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
            _class_field("Keithley.Keithley2450", "qcodes.instrument_drivers"),
            READS,
            ADDRESS,
            SETTINGS,
            OPTIONS,
        ),
    ),
)
