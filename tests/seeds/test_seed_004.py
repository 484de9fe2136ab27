"""Every example of the seed "Real-Time Streaming Visualization", with only its import lines and its port changed."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib.resources
import inspect
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chromium import Browser
from dockscope.core.demos.optimizer import sample_board
from dockscope.core.dialects.placement_ws import StreamingVisualizer, StreamManager, StreamServer
from raw_stream import RawViewer
from small_board import BOARD
from watched import free_port, run

IMPORTS = {
    "atoplace.board.kicad_adapter": "dockscope.core.board",
    "atoplace.placement.streaming_visualizer": "dockscope.core.dialects.placement_ws",
    "atoplace.placement.stream_server": "dockscope.core.dialects.placement_ws",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own, with the board that the examples read."""
    board = importlib.resources.files("dockscope.resources") / "boards" / "sample.kicad_pcb"
    (tmp_path / "my_board.kicad_pcb").write_bytes(board.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def example(code: str, port: int = 8765, **names: Any) -> dict[str, Any]:
    """Run an example as it stands, on another port; returns its names."""
    for old, new in IMPORTS.items():
        code = code.replace(f"from {old} import", f"from {new} import")
    program = compile(
        inspect.cleandoc(code).replace("8765", str(port)), "<example>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    if program.co_flags & inspect.CO_COROUTINE:
        await eval(program, names)
    else:
        await asyncio.to_thread(exec, program, names)
    return names


@contextlib.asynccontextmanager
async def viewer_of(port: int, wait_for_async: Any):
    """Connect to a server that an example is about to start."""
    viewer = RawViewer(f"ws://localhost:{port}")
    while True:
        with contextlib.suppress(OSError):
            await viewer.__aenter__()
            break
        await asyncio.sleep(0.01)
    try:
        await wait_for_async(lambda: viewer.texts)
        yield viewer
    finally:
        await viewer.__aexit__()


async def streaming(**options: Any) -> StreamingVisualizer:
    visualizer = StreamingVisualizer(BOARD, port=0, **options)
    await visualizer.start_streaming()
    return visualizer


def test_basic_usage(wait_for_async, folder):
    """The first example, to its end: a viewer sees its frames, pauses it and resumes it; both pages are written."""
    code = """
        import asyncio
        from atoplace.board.kicad_adapter import Board
        from atoplace.placement.streaming_visualizer import StreamingVisualizer

        async def optimize_with_streaming():
            # Load board
            board = Board.from_kicad("my_board.kicad_pcb")

            # Create streaming visualizer
            viz = StreamingVisualizer(
                board,
                host='localhost',
                port=8765,
                max_fps=10.0
            )

            try:
                # Start streaming server and generate viewer HTML
                await viz.start_streaming(generate_viewer=True)
                print("Open placement_debug/stream_viewer.html in your browser!")

                # Your placement algorithm here
                for iteration in range(100):
                    # ... placement step ...
                    await step()

                    # Capture and stream frame
                    await viz.capture_and_stream(
                        label=f"Iteration {iteration}",
                        iteration=iteration,
                        phase="refinement",
                        modules=modules,
                        forces=forces,
                        energy=energy,
                        max_move=max_move
                    )

                    # Check for user interaction
                    if await viz.is_paused():
                        await viz.wait_resume()

                    if await viz.is_stop_requested():
                        break

                # Export final visualization
                viz.export_canvas_html("final_placement.html")

            finally:
                await viz.stop_streaming()

        # Run
        asyncio.run(optimize_with_streaming())
    """
    given = {
        "step": lambda: asyncio.sleep(0.02),
        "modules": {"U1": "analog"},
        "forces": {"U1": [(1.2, 0.5, "attraction")]},
        "energy": 123.45,
        "max_move": 0.5,
    }

    async def scenario():
        port = free_port()
        running = asyncio.ensure_future(example(code, port, **given))
        async with viewer_of(port, wait_for_async) as viewer:
            await wait_for_async(lambda: viewer.of("frame"))
            await viewer.send('{"type": "pause"}')
            await wait_for_async(lambda: viewer.of("control_state"))
            assert not running.done()
            await viewer.send('{"type": "resume"}')
            await asyncio.wait_for(running, 20.0)
            await wait_for_async(lambda: viewer.of("frame")[-1]["data"]["iteration"] == 99)
            data = viewer.of("frame")[-1]["data"]
            assert (data["modules"], data["forces"]) == ({"U1": "analog"}, {"U1": [[1.2, 0.5, "attraction"]]})
            assert (data["energy"], data["max_move"]) == (123.45, 0.5)
        assert (folder / "placement_debug" / "stream_viewer.html").exists()
        assert (folder / "placement_debug" / "final_placement.html").exists()

    run(scenario)


def test_the_mock_test(wait_for, folder):
    """``python test_streaming_mock.py`` is the optimizer with --ws: a browser shows it, and Stop ends it."""
    port = free_port()
    command = [sys.executable, "-m", "dockscope.core.demos.optimizer", "--ws", str(port), "--iterations", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"ws://localhost:{port}\n"

            async def scenario():
                async with Browser() as browser:
                    page = await browser.open((folder / "placement_debug" / "stream_viewer.html").as_uri())
                    await page.until("state.frames > 3")
                    await page.click("#stop")
                    await page.click("#stop")
                    await page.until("element('log').textContent.includes('Stopped at iteration')")
                    assert page.complaints == []

            run(scenario)
            out, told = process.communicate(timeout=10.0)
            assert process.returncode == 0, told
            assert "stopped by user: yes" in out
            assert "placement_debug/placement.html" in told
        finally:
            process.kill()
    assert (folder / "placement_debug" / "placement.html").exists()


def test_the_mock_test_ends_on_a_signal(wait_for_async, folder):
    """Ctrl-C is a stop: viewers are told, the run is exported, and there is no traceback."""
    port = free_port()
    command = [sys.executable, "-m", "dockscope.core.demos.optimizer", "--ws", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:

            async def scenario():
                async with viewer_of(port, wait_for_async) as viewer:
                    await wait_for_async(lambda: len(viewer.of("frame")) > 3)
                    process.send_signal(signal.SIGINT)
                    await wait_for_async(lambda: "Stopped at iteration" in "".join(viewer.texts), 10.0)
                    await wait_for_async(lambda: viewer.of("frame")[-1]["data"]["phase"] == "final")

            run(scenario)
            out, told = process.communicate(timeout=10.0)
            assert (process.returncode, "Traceback" in told) == (0, False)
            assert "stopped by user: yes" in out
        finally:
            process.kill()
    assert (folder / "placement_debug" / "placement.html").exists()


def test_stream_server_api(wait_for_async):
    """StreamServer: start, frame, status, control state, stop."""
    code = """
        server = StreamServer(host='localhost', port=8765, max_fps=10.0)
        await server.start()
        await server.broadcast_frame(frame_data)
        await server.broadcast_status("info", "Starting optimization")
        server.is_paused()  # Check if user paused
        server.is_stop_requested()  # Check if user requested stop
        await server.stop()
    """

    async def scenario():
        names = await example(code, free_port(), StreamServer=StreamServer, frame_data={"index": 1})
        assert not names["server"].clients
        await names["server"].start()
        async with RawViewer(names["server"].url) as viewer:
            await wait_for_async(lambda: viewer.of("frame"))
            assert viewer.of("frame")[0]["data"] == {"index": 1}
        await names["server"].stop()

    run(scenario)


def test_streaming_visualizer_api(folder):
    """StreamingVisualizer: every method, its arguments in their order."""
    code = """
        viz = StreamingVisualizer(board, host='localhost', port=8765, max_fps=10.0)
        await viz.start_streaming(generate_viewer=True)
        await viz.capture_and_stream(label, iteration, phase, modules, forces, energy, max_move)
        await viz.is_paused()
        await viz.is_stop_requested()
        await viz.wait_resume()
        await viz.send_status(status, message)
        viz.export_canvas_html("final.html")
        await viz.stop_streaming()
    """

    async def scenario():
        names = await example(
            code, free_port(), StreamingVisualizer=StreamingVisualizer, board=BOARD, label="L", iteration=3,
            phase="final", modules={"U1": "m"}, forces={"U1": [(1, 2, "repulsion")]}, energy=4.0, max_move=5.0,
            status="info", message="words",
        )  # fmt: skip
        data = names["viz"].frames[0].data()
        told = {name: data[name] for name in ("label", "iteration", "phase", "modules", "forces", "energy", "max_move")}
        assert list(told.values()) == ["L", 3, "final", {"U1": "m"}, {"U1": [(1, 2, "repulsion")]}, 4.0, 5.0]
        assert (folder / "placement_debug" / "final.html").exists()

    run(scenario)


def test_server_settings():
    """Host, port, rate and grid as the table of settings has them."""
    code = """
        viz = StreamingVisualizer(
            board,
            host='localhost',        # Server host (default: localhost)
            port=8765,               # WebSocket port (default: 8765)
            max_fps=10.0,            # Maximum frame rate (default: 10 FPS)
            grid_spacing=1.27        # Grid spacing for visualization
        )
    """

    async def scenario():
        given = (await example(code, StreamingVisualizer=StreamingVisualizer, board=BOARD))["viz"]
        for viz in (given, StreamingVisualizer(BOARD)):
            assert viz.get_viewer_url() == "ws://localhost:8765"
            assert (viz.server.max_fps, viz.visualizer.grid_spacing) == (10.0, 1.27)

    run(scenario)


def test_viewer_generation(folder):
    """The page is written, or left as it is."""
    code = """
        # Generate viewer automatically
        await viz.start_streaming(generate_viewer=True)

        # Skip viewer generation (use existing HTML)
        await viz.start_streaming(generate_viewer=False)
    """

    async def scenario():
        viz = StreamingVisualizer(BOARD, port=0)
        await example(code, viz=viz)
        page = folder / "placement_debug" / "stream_viewer.html"
        written = page.read_text()
        await viz.stop_streaming()
        await viz.start_streaming(generate_viewer=False)
        assert page.read_text() == written
        await viz.stop_streaming()

    run(scenario)


def test_algorithm_integration(wait_for_async, capsys):
    """The loop that tells of its pauses and its end; a viewer pauses, resumes and stops it."""
    code = """
        for iteration in range(1000):
            # ... placement step ...
            await step()

            await viz.capture_and_stream(f"Iteration {iteration}", iteration)

            # Check if user paused
            if await viz.is_paused():
                print("Paused by user")
                await viz.send_status("info", "Optimization paused")
                await viz.wait_resume()  # Block until resume
                print("Resumed")
                await viz.send_status("info", "Optimization resumed")

            # Check if user stopped
            if await viz.is_stop_requested():
                print("Stopped by user")
                await viz.send_status("warning", f"Stopped at iteration {iteration}")
                break
    """

    async def scenario():
        viz = await streaming()
        async with RawViewer(viz.get_viewer_url()) as viewer:
            running = asyncio.ensure_future(example(code, viz=viz, step=lambda: asyncio.sleep(0.005)))
            for command, words in (
                ("pause", "Optimization paused"),
                ("resume", "Optimization resumed"),
                ("stop", "Stopped at iteration"),
            ):
                await viewer.send(json.dumps({"type": command}))
                await wait_for_async(lambda words=words: words in "".join(viewer.texts))
            await asyncio.wait_for(running, 10.0)
        await viz.stop_streaming()
        assert capsys.readouterr().out.split("\n")[:3] == ["Paused by user", "Resumed", "Stopped by user"]

    run(scenario)


def test_optimization_tips(wait_for_async):
    """Forces now and then; nothing is captured as long as nobody watches."""
    code = """
        # Only compute forces occasionally
        forces = compute_forces() if iteration % 5 == 0 else {}

        # Skip streaming if no clients
        if viz.server.clients:
            await viz.capture_and_stream(label, iteration, forces=forces)
    """

    async def scenario():
        viz = await streaming()
        names = {"viz": viz, "compute_forces": lambda: {"U1": [(1, 0, "boundary")]}, "label": "x"}
        await example(code, **names, iteration=0)
        assert viz.frames == []
        async with RawViewer(viz.get_viewer_url()):
            await wait_for_async(lambda: viz.server.clients)
            for iteration in (5, 6):
                await example(code, **names, iteration=iteration)
        assert [bool(frame.forces) for frame in viz.frames] == [True, False]
        await viz.stop_streaming()

    run(scenario)


def test_address_already_in_use():
    """A taken port says so, and another one works."""
    code = """
        viz = StreamingVisualizer(board, port=8766)
    """

    async def scenario():
        first = await streaming()
        second = StreamingVisualizer(BOARD, port=first.server.port)
        with pytest.raises(OSError, match="address already in use; give another port"):
            await second.start_streaming()
        other = free_port()
        names = await example(code.replace("8766", str(other)), StreamingVisualizer=StreamingVisualizer, board=BOARD)
        await names["viz"].start_streaming()
        assert names["viz"].get_viewer_url() == f"ws://localhost:{other}"
        await names["viz"].stop_streaming()
        await first.stop_streaming()

    run(scenario)


def test_no_clients_connecting(capsys):
    """The URL that is printed is one that connects."""
    code = """
        # Verify server started
        print(f"Server URL: {viz.get_viewer_url()}")
    """

    async def scenario():
        viz = await streaming()
        await example(code, viz=viz)
        async with RawViewer(capsys.readouterr().out.strip().removeprefix("Server URL: ")):
            pass
        await viz.stop_streaming()

    run(scenario)


def test_frames_not_updating(wait_for_async):
    """A capture shows, at a low rate too, and a loop may yield."""
    code = """
        # Verify capture is called
        await viz.capture_and_stream("a frame")  # Add this in your loop

        # Lower frame rate
        slower = StreamingVisualizer(board, max_fps=5.0)

        # Check algorithm is async
        await asyncio.sleep(0)  # Yield to event loop
    """

    async def scenario():
        viz = await streaming(max_fps=5.0)
        async with RawViewer(viz.get_viewer_url()) as viewer:
            names = {"viz": viz, "StreamingVisualizer": StreamingVisualizer, "board": BOARD, "asyncio": asyncio}
            names = await example(code, **names)
            await wait_for_async(lambda: viewer.of("frame"))
            assert names["slower"].server.max_fps == 5.0
        await viz.stop_streaming()

    run(scenario)


def test_high_memory_usage():
    """Frames can be cleared at any time, and need not be stored: store_frames=False."""
    code = """
        # Don't store frames if only streaming
        viz.visualizer.frames = []  # Clear frames periodically
    """

    async def scenario():
        viz = StreamingVisualizer(BOARD)
        await viz.capture_and_stream("one")
        assert len(viz.visualizer.frames) == 1
        await example(code, viz=viz)
        await viz.capture_and_stream("two")
        assert [frame.label for frame in viz.frames] == ["two"]
        lean = StreamingVisualizer(BOARD, store_frames=False)
        await lean.capture_and_stream("one")
        assert lean.visualizer.frames == []

    run(scenario)


def test_browser_lag():
    """A lower rate, and forces now and then."""
    code = """
        # Reduce frame rate
        viz = StreamingVisualizer(board, max_fps=5.0)

        # Skip force rendering occasionally
        forces = {} if iteration % 10 != 0 else compute_forces()
    """

    async def scenario():
        names = {"StreamingVisualizer": StreamingVisualizer, "board": BOARD, "iteration": 10}
        names = await example(code, **names, compute_forces=lambda: {"U1": [(1.0, 2.0, "alignment")]})
        await names["viz"].capture_and_stream("x", forces=names["forces"])
        assert names["viz"].frames[0].forces == names["forces"]

    run(scenario)


def test_custom_status_messages(wait_for_async):
    """All four kinds arrive in their order."""
    code = """
        await viz.send_status("info", "Phase 1: Initial placement")
        await viz.send_status("warning", "High overlap detected")
        await viz.send_status("error", "Component out of bounds")
        await viz.send_status("complete", "Optimization converged")
    """

    async def scenario():
        viz = await streaming()
        async with RawViewer(viz.get_viewer_url()) as viewer:
            await wait_for_async(lambda: viz.server.clients)
            await example(code, viz=viz)
            await wait_for_async(lambda: len(viewer.of("status")) == 4)
            assert [told["status"] for told in viewer.of("status")] == ["info", "warning", "error", "complete"]
        await viz.stop_streaming()

    run(scenario)


def test_server_statistics(wait_for_async, capsys):
    """Every figure under the name that the seed gives it."""
    code = """
        stats = viz.get_server_stats()
        print(f"Clients: {stats['clients_connected']}")
        print(f"Frames sent: {stats['frames_sent']}")
        print(f"Data sent: {stats['bytes_sent'] / 1024:.1f} KB")
        print(f"Average FPS: {stats['avg_fps']:.1f}")
        print(f"Uptime: {stats['uptime_seconds']:.1f}s")
    """

    async def scenario():
        viz = await streaming()
        async with RawViewer(viz.get_viewer_url()) as viewer:
            await wait_for_async(lambda: viz.server.clients)
            await viz.capture_and_stream("x")
            await wait_for_async(lambda: len(viewer.texts) == 2)
            await wait_for_async(lambda: viz.get_server_stats()["bytes_sent"] == sum(map(len, viewer.texts)))
            await example(code, viz=viz)
        await viz.stop_streaming()
        told = capsys.readouterr().out.splitlines()
        assert told[:2] == ["Clients: 1", "Frames sent: 1"]
        assert [line.partition(":")[0] for line in told[2:]] == ["Data sent", "Average FPS", "Uptime"]

    run(scenario)


def test_context_manager_api(wait_for_async):
    """StreamManager serves for the time of its block; a viewer pauses and stops the loop in it."""
    code = """
        from atoplace.placement.stream_server import StreamManager

        async def optimize():
            async with StreamManager(host='localhost', port=8765) as stream:
                for iteration in range(100):
                    # ... placement step ...
                    await step()

                    await stream.send_frame(frame_data)

                    if stream.is_paused():
                        await stream.wait_resume()

                    if stream.is_stop_requested():
                        break
    """

    async def scenario():
        port = free_port()
        names = await example(code, port, frame_data={"index": 1}, step=lambda: asyncio.sleep(0.05))
        running = asyncio.ensure_future(names["optimize"]())
        async with viewer_of(port, wait_for_async) as viewer:
            await wait_for_async(lambda: viewer.of("frame"))
            await viewer.send('{"type": "pause"}')
            await viewer.send('{"type": "stop"}')
            await asyncio.wait_for(running, 10.0)
            await viewer.socket.wait_closed()
        manager = StreamManager(port=port)
        assert manager.get_viewer_url() == f"ws://localhost:{port}"

    run(scenario)


def test_multiple_algorithms(wait_for_async):
    """Two streams at once, each on its port."""
    code = """
        # Algorithm 1 - port 8765
        viz1 = StreamingVisualizer(board1, port=8765)

        # Algorithm 2 - port 8766
        viz2 = StreamingVisualizer(board2, port=8766)

        # Run concurrently
        await asyncio.gather(
            optimize_board1(viz1),
            optimize_board2(viz2)
        )
    """
    met: list[str] = []

    async def optimize(viz: StreamingVisualizer) -> None:
        viz.viewer_path = Path(f"{viz.server.port}.html")
        await viz.start_streaming()
        async with RawViewer(viz.get_viewer_url()) as viewer:
            await viz.capture_and_stream(viz.visualizer.board.name)
            await wait_for_async(lambda: viewer.of("frame"))
            met.append(viewer.of("frame")[0]["data"]["label"])
            await wait_for_async(lambda: len(met) == 2)
        await viz.stop_streaming()

    async def scenario():
        names = {"StreamingVisualizer": StreamingVisualizer, "asyncio": asyncio, "board1": BOARD}
        other = str(free_port())
        await example(
            code.replace("8766", other),
            free_port(),
            **names,
            board2=sample_board(),
            optimize_board1=optimize,
            optimize_board2=optimize,
        )
        assert sorted(met) == ["sample", "three"]

    run(scenario)


def test_network_exposure(expect_log):
    """Every interface is bound when that is asked for, and told."""
    code = """
        # WARNING: This exposes the server to the network
        viz = StreamingVisualizer(board, host='0.0.0.0', port=8765)
    """
    expect_log("anyone who reaches ws://0.0.0.0:")

    async def scenario():
        viz = (await example(code, free_port(), StreamingVisualizer=StreamingVisualizer, board=BOARD))["viz"]
        await viz.start_streaming()
        await viz.stop_streaming()

    run(scenario)


def test_the_messages_of_the_protocol(wait_for_async):
    """Each message of the seed, word for word: what viewers send is obeyed, what the server says has these entries."""

    async def scenario():
        viz = await streaming()
        async with RawViewer(viz.get_viewer_url()) as viewer:
            await viz.capture_and_stream("Iteration 42", 42, modules={"U1": "power_supply"}, energy=123.45)
            await viz.send_status("info", "Starting optimization")
            for request in ("ping", "pause", "resume", "stop"):
                await viewer.send(json.dumps({"type": request}))
            await wait_for_async(lambda: len(viewer.of("control_state")) == 3 and viewer.of("frame"))
            assert viewer.messages[0] == {"type": "welcome", "fps": 10.0, "paused": False}
            assert {"type": "pong"} in viewer.messages
            assert {"type": "status", "status": "info", "message": "Starting optimization"} in viewer.messages
            assert viewer.of("control_state")[0] == {"type": "control_state", "paused": True, "stop_requested": False}
            frame = viewer.of("frame")[0]
            assert set(frame) == {"type", "timestamp", "data"}
            entries = "index label iteration phase components modules forces energy max_move overlap_count"
            assert set(entries.split()) | {"total_wire_length"} <= set(frame["data"])
            assert frame["data"]["components"]["U1"] == [10.0, 10.0, 0.0]
        await viz.stop_streaming()

    run(scenario)
