"""What README and docs say holds: examples run, bytes decode, links lead somewhere, options and keys exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dockscope import Broadcaster, PlacementFrame, PlacementScene
from dockscope.core.discovery import find_local
from dockscope.core.link_trouble import Trouble
from dockscope.core.messages import (
    ControlState,
    DataRecord,
    Kind,
    LogRecord,
    MetricBatch,
    SeriesDefinition,
    SeriesDefinitions,
    Spectrum,
    Status,
)
from dockscope.core.run_control import TRANSITIONS, Answer, Command, Rule, RunState
from dockscope.core.tail_lines import HEAD, TailLines
from dockscope.core.wire import (
    NO_ID,
    DataMessage,
    Reply,
    decode_message,
    decode_request,
    encode_reply,
    encode_request,
    hello_from_result,
)
from dockscope.gui.actions import SPECS
from dockscope.gui.dock_catalog import KINDS
from monty import free_ports

ROOT = Path(__file__).parent.parent
README, GUIDE, PROTOCOL = ROOT / "README.md", ROOT / "docs" / "guide.md", ROOT / "docs" / "protocol.md"
DOCUMENTS = sorted({README, *ROOT.glob("docs/**/*.md")})
PROGRAM = [sys.executable, "-m", "dockscope"]
HELPS = (
    [*PROGRAM, "--help"],
    *([*PROGRAM, command, "--help"] for command in ("tail", "control", "list", "receive", "serve", "doctor")),
    *([sys.executable, "-m", f"dockscope.core.demos.{name}", "--help"] for name in ("optimizer", "training")),
    [sys.executable, "-m", "dockscope.core.demos.spectrometer", "--help"],
)
URL = "tcp://127.0.0.1:5560"
FREE_URL = "tcp://127.0.0.1:0"
STREAM_PORT = "port=8765"
VIEWER_PORT = '"zmq_port": 5555'
PATIENCE_S = 15.0


def blocks(document: Path, language: str) -> list[str]:
    """Give the fenced blocks of a language, without the fences."""
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)


def prose(document: Path) -> str:
    """Give a document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def example(document: Path, number: int) -> Any:
    heading = document.read_text().split(blocks(document, "python")[number])[0].rpartition("\n#")[2].partition("\n")[0]
    return pytest.param(blocks(document, "python")[number], id=heading.lstrip("# "))


@contextmanager
def running(*command: str, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a program whose output is read; it is killed at the end, and when it takes too long, so no read hangs."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    patience = threading.Timer(PATIENCE_S, process.kill)
    patience.start()
    with process:
        try:
            yield process
            process.wait(PATIENCE_S)
        finally:
            patience.cancel()
            patience.join()
            process.kill()


def ended_well(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a program and give the rest of its stdout; it must have nothing to complain about."""
    out, complaints = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, complaints) == (0, "")
    return out


def public_url(pid: int) -> str | None:
    """Give the URL under which a process publishes, as its token file tells."""
    return next((producer.url for producer in find_local() if producer.pid == pid), None)


# examples


def test_every_python_block_is_a_complete_program():
    """A reader can save any Python block to a file and run it: each imports what it uses."""
    found = [block for document in DOCUMENTS for block in blocks(document, "python")]
    assert len(found) >= 9
    for block in found:
        compile(block, "<example>", "exec")
        assert block.startswith(("import ", "from "))


@pytest.mark.parametrize("block", [example(GUIDE, number) for number in range(len(blocks(GUIDE, "python")))])
def test_guide_example_runs(block: str, tmp_path: Path):
    """Each producer of the guide runs to its end without an error or a complaint."""
    on_free_port = block.replace(URL, FREE_URL).replace(STREAM_PORT, "port=0")
    on_free_port = on_free_port.replace(VIEWER_PORT, f'"zmq_port": {free_ports()}')
    assert on_free_port != block or "stream_port=0" in block  # a port that nobody else has
    program = tmp_path / "example.py"
    program.write_text(on_free_port)
    with running(sys.executable, str(program), folder=tmp_path) as process:
        ended_well(process)


def test_readme_producer_is_seen_by_tail_and_stopped_by_control(tmp_path: Path, wait_for: Any):
    """The ten-line producer of the README shows up in tail, and control stop ends it with exit code 0."""
    (block,) = blocks(README, "python")
    assert URL in block
    program = tmp_path / "producer.py"
    program.write_text(block.replace(URL, FREE_URL))
    with running(sys.executable, str(program)) as producer:
        url = wait_for(lambda: public_url(producer.pid), PATIENCE_S, "the producer's token file")
        with running(*PROGRAM, "tail", url, "--json") as tail:
            assert tail.stdout is not None
            seen = next(told for told in map(json.loads, tail.stdout) if told["kind"] == "metric")
            assert (seen["producer"], seen["name"], seen["labels"]) == ("trainer", "loss", {"phase": "train"})
            stopped = subprocess.run([*PROGRAM, "control", url, "stop"], capture_output=True, text=True, check=False)
            assert (stopped.returncode, stopped.stderr) == (0, "")
            last = json.loads(ended_well(tail).splitlines()[-1])
        ended_well(producer)
    assert (last["kind"], last["run"], last["outcome"]) == ("control", "ENDED", "stopped")


def test_minimal_viewer_receives_from_a_real_broadcaster(tmp_path: Path, wait_for: Any):
    """The viewer of the protocol's document gets retained and live samples, and ends with the run."""
    (block,) = blocks(PROTOCOL, "python")
    assert "dockscope" not in block
    assert len(block.splitlines()) < 50
    program = tmp_path / "viewer.py"
    program.write_text(block)
    with Broadcaster(FREE_URL, name="real") as broadcaster:
        broadcaster.publish_metric("loss", 0.5, step=1, phase="train", timestamp=1000)
        broadcaster.publish_metric("rate", float("nan"), timestamp=1001)
        with running(sys.executable, str(program), broadcaster.url) as viewer:
            assert viewer.stdout is not None
            retained = {viewer.stdout.readline().rstrip() for _ in range(2)}
            wait_for(lambda: broadcaster.viewers, PATIENCE_S)
            broadcaster.publish_series("loss", np.arange(2.0), [1002.0, 1003.0], phase="train", step=np.array([2, 3]))
            live = [viewer.stdout.readline().rstrip() for _ in range(2)]
            broadcaster.close()
            assert ended_well(viewer) == ""
    assert retained == {"1000.000 loss {'phase': 'train'} 0.5", "1001.000 rate {} nan"}
    assert live == [f"{t}.000 loss {{'phase': 'train'}} {value}" for t, value in ((1002, 0.0), (1003, 1.0))]


# bytes


def hex_lines(kind: str) -> list[list[bytes]]:
    """Give the bytes of each hex block of a kind; a line with a comment starts a new piece."""
    found = []
    for block in blocks(PROTOCOL, f"hex {kind}"):
        pieces: list[bytes] = []
        for line in block.splitlines():
            digits, comment, _ = line.partition(";")
            if comment:
                pieces.append(b"")
            pieces[-1] += bytes.fromhex(digits)
        found.append(pieces)
    return found


def hex_bytes(kind: str) -> list[bytes]:
    return [b"".join(pieces) for pieces in hex_lines(kind)]


def test_bytes_of_hello_are_those_of_the_code():
    """The request and the reply of the worked example are what the code reads and writes, byte for byte."""
    (request_frame,), (reply_frame,) = hex_bytes("request"), hex_bytes("reply")
    request, reply = decode_request(request_frame), decode_message([reply_frame])
    assert isinstance(reply, Reply)
    assert encode_request(request) == request_frame
    assert encode_reply(reply) == reply_frame
    assert (request.command, request.args["viewer"], request.producer) == ("hello", bytes(range(0x10, 0x20)), None)
    hello = hello_from_result(reply.result)
    assert (reply.id, reply.stage, hello.producer) == (request.id, "effective", bytes(range(0xB0, 0xC0)))


def test_bytes_of_the_metric_are_two_samples():
    """The series definition and the metric message of the worked example say what the text around them says."""
    (series_head, metric_head), (frames,) = hex_bytes("data"), hex_lines("frames")
    series, metric = decode_message([series_head]), decode_message([metric_head, *frames])
    assert isinstance(series, DataMessage)
    assert isinstance(metric, DataMessage)
    definition = SeriesDefinition(1, "loss", (("phase", "train"),), ("step",))
    assert series.message == SeriesDefinitions((definition,))
    assert isinstance(metric.message, MetricBatch)
    assert (metric.message.series.tolist(), metric.message.first.tolist(), metric.n) == ([1], [1], 0)
    assert (metric.message.value.tolist(), metric.message.fields.tolist()) == ([0.5, 0.25], [100, 101])
    assert series.subscription == metric.subscription == bytes(range(0xC0, 0xD0))


def test_table_of_run_states_is_that_of_the_code():
    """What the protocol's document says a command does in each run state is what the code's table says."""
    table = PROTOCOL.read_text().partition("## Run state\n")[2].partition("\n- ")[0]
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n") if "|" in line
    ]
    written = {
        (Command(command), RunState(state)): cell
        for command, *cells in rows
        for states, cell in zip(header[1:], cells, strict=True)
        for state in states.split(", ")
    }
    assert written == {key: in_words(key[0], rule) for key, rule in TRANSITIONS.items()}


def in_words(command: Command, rule: Rule) -> str:
    words = {
        Answer.WAIT: "accepted",
        Answer.AT_ONCE: "effective",
        Answer.JOIN: f"accepted with the open {command}",
        Answer.REJECT: "rejected",
    }
    state = f", {rule.next.value}" if rule.next else ""
    return words[rule.answer] + state + (f"; the open {rule.withdraws} is rejected" if rule.withdraws else "")


# links


def slug(heading: str) -> str:
    """Give the anchor that a heading gets where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def leads_somewhere(document: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = document.parent / name if name else document
    if not path.exists() or not anchor:
        return path.exists()
    return anchor in map(slug, re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_and_pictures_exist(document: Path):
    """Every relative link, anchor and picture of README and docs leads to something."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(document))
    assert [target for target in targets if "://" not in target and not leads_somewhere(document, target)] == []


# what the guide names


def options(text: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]*", text))


def test_options_of_the_guide_and_of_the_programs_are_the_same():
    """Every option named in the documents is in a --help, and every option of a --help is in the guide."""
    with ExitStack() as stack:
        started = [stack.enter_context(running(*command)) for command in HELPS]
        offered = set().union(*(options(ended_well(process)) for process in started))
    assert options(README.read_text()) | options(GUIDE.read_text()) <= offered
    assert offered <= options(GUIDE.read_text())


def test_guide_names_every_shortcut_and_every_dock():
    """Every action's shortcut is in the guide, and every kind of dock has a section."""
    text = GUIDE.read_text()
    assert [spec.shortcut for spec in SPECS if not re.search(rf"\b{re.escape(spec.shortcut)}(?!\w)", text)] == []
    assert [kind.title for kind in KINDS.values() if f"\n### {kind.title}\n" not in text] == []


def test_guide_explains_every_message_of_a_link():
    """What a link can say is in the guide word for word, with what to do."""
    text = GUIDE.read_text()
    sentences = [trouble.value.format(where="HOST:PORT", detail="…") for trouble in Trouble]
    assert [sentence for sentence in sentences if f"\n| {sentence} | " not in text] == []


def test_guide_lists_the_fields_that_tail_prints():
    """The table of tail --json has exactly the fields of each kind."""
    table = prose(GUIDE).partition("With `--json` each line is an object.")[2].partition("NaN and infinities")[0]
    listed = {
        kind: re.findall(r"`(\w+)`", re.sub(r"\[[^\]]*\]|`\{[^}]*\}`", "", fields))
        for kind, fields in re.findall(r"^\| (\w+) \| (.*) \|$", table, re.MULTILINE)
        if kind != "kind"
    }
    assert listed == {kind: list(fields) for kind, fields in printed_fields().items()}


def printed_fields() -> dict[str, list[str]]:
    """Give the fields that tail prints for each kind, besides those that all have."""
    lines = TailLines("producer")
    one = np.ones(1)
    list(lines.objects(arrived(Kind.SERIES, SeriesDefinitions((SeriesDefinition(1, "loss"),)))))
    scene = PlacementScene(refs=("U1",), size=np.ones((1, 2)))
    messages = (
        (Kind.METRIC, MetricBatch(one.astype("u4"), one.astype("u8"), one.astype("u4"), one, one, np.empty(0))),
        (Kind.SPECTRUM, Spectrum(np.ones((1, 2)), 0.0, 1.0, 1.0)),
        (Kind.SCENE, scene),
        (Kind.FRAME, PlacementFrame.from_components({"U1": (0, 0, 0)}, scene)),
        (Kind.DATA, DataRecord(1, 0.0)),
        (Kind.LOG, LogRecord("info", "text", {}, 0.0)),
        (Kind.STATUS, Status("info", "text", 0.0)),
        (Kind.CONTROL, ControlState("RUNNING")),
    )
    return {
        kind.value: [field for field in fields if field not in HEAD]
        for kind, message in messages
        for fields in lines.objects(arrived(kind, message))
    }


def arrived(kind: Kind, message: Any) -> DataMessage:
    return DataMessage(kind, "", 1, 0, NO_ID, 0, message)
