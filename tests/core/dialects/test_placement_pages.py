"""The two pages in a real browser: frames move, buttons reach the producer, and no console complains."""

from __future__ import annotations

import asyncio
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chromium import Browser, Page
from dockscope.core.dialects.placement_page_file import read_viewer
from dockscope.core.dialects.placement_ws import PlacementVisualizer, StreamingVisualizer
from small_board import BOARD
from watched import run

# The colour in the middle of a part, as the canvas really has it.
PIXEL = """(() => {{
    const canvas = board.canvas, ratio = devicePixelRatio, {{scale, x, y}} = board.view;
    const place = [({0} * scale + x) * ratio, ({1} * scale + y) * ratio].map(Math.round);
    const copy = new OffscreenCanvas(1, 1).getContext("2d", {{willReadFrequently: true}});
    copy.drawImage(canvas, ...place, 1, 1, 0, 0, 1, 1);
    return Array.from(copy.getImageData(0, 0, 1, 1).data).join();
}})()"""
HOSTILE = "<img src=x onerror=document.title='owned'>"


def run_in(browser_scenario) -> None:
    async def scenario():
        async with Browser() as browser:
            await browser_scenario(browser)

    run(scenario)


async def started(tmp_path: Path, **options) -> StreamingVisualizer:
    visualizer = StreamingVisualizer(BOARD, port=0, viewer_path=tmp_path / "debug" / "stream_viewer.html", **options)
    await visualizer.start_streaming(generate_viewer=True)
    return visualizer


def page_of(visualizer: StreamingVisualizer) -> str:
    return visualizer.viewer_path.resolve().as_uri()


async def painted(page: Page) -> None:
    """Wait until what was asked to be painted is."""
    await page.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")


def test_frames_move_and_every_button_reaches_the_producer(tmp_path, wait_for_async):
    """Parts are painted where the frames have them; Pause, Resume and Stop are obeyed, and shown when they are."""

    async def optimize(visualizer: StreamingVisualizer, steps: list[int]) -> None:
        index = 0
        while not await visualizer.is_stop_requested():
            if await visualizer.is_paused():
                await visualizer.wait_resume()
                continue
            index += 1
            places = {"U1": (10 + index % 20, 22, index)}
            await visualizer.capture_and_stream(
                f"Iteration {index}", iteration=index, energy=1000.0 / index, components=places
            )
            steps.append(index)
            await asyncio.sleep(0.01)
        await visualizer.send_status("complete", "Optimization converged")

    async def scenario(browser: Browser) -> None:
        visualizer = await started(tmp_path, max_fps=30)
        steps: list[int] = []
        optimizing = asyncio.ensure_future(optimize(visualizer, steps))
        page = await browser.open(page_of(visualizer))
        await page.until("state.frames > 5")
        assert await page.text("#link") == "Connected"
        assert await page.text("#run") == "Running"
        first = await page.text("#iteration")
        await page.until(f"element('iteration').textContent !== '{first}'")
        await page.until("element('latency').textContent.endsWith(' ms')")
        await page.until("parseFloat(element('fps').textContent) > 0")
        await page.until("element('data').textContent.endsWith('kB') && client.bytes > 1000")
        assert "circuits" in await page.text("#legend")

        await page.click("#pause")
        await wait_for_async(visualizer.server.is_paused)
        await page.until("element('run').textContent === 'Paused'")
        await wait_for_async(lambda: optimizing.done() or len(steps) == steps[-1])
        stood = steps[-1]
        await page.until(f"board.frame.iteration === {stood}")
        await painted(page)
        x, y, _ = visualizer.frames[-1].components["U1"]
        assert await page.ask(PIXEL.format(x, y - 0.5)) != await page.ask(PIXEL.format(35, 15))
        assert steps[-1] == stood
        assert await page.ask("element('pause').disabled && !element('resume').disabled")

        await page.click("#resume")
        await page.until("element('run').textContent === 'Running'")
        await wait_for_async(lambda: steps[-1] > stood + 3)

        await page.click("#stop")
        assert await page.text("#stop") == "Really?"
        assert not visualizer.server.is_stop_requested()
        await page.click("#stop")
        await asyncio.wait_for(optimizing, 10.0)
        await page.until("element('run').textContent === 'Complete'")
        log = await page.text("#log")
        for words in ("Connected, 30 frames", "Paused", "Resumed", "Stop requested", "Optimization converged"):
            assert words in log
        await page.until(f"board.frame.index === {visualizer.frames[-1].index}")
        assert page.complaints == []
        await visualizer.stop_streaming()

    run_in(scenario)


def test_the_page_finds_its_way_back(tmp_path):
    """When the producer is started again on its port, the open page connects by itself and shows the new run."""

    async def scenario(browser: Browser) -> None:
        visualizer = await started(tmp_path)
        await visualizer.capture_and_stream("before")
        page = await browser.open(page_of(visualizer))
        await page.until("element('caption').textContent === 'before'")
        await visualizer.stop_streaming()
        await page.until("element('link').textContent.startsWith('Not connected, again in')")
        assert await page.ask("element('pause').disabled && element('stop').disabled")
        again = StreamingVisualizer(BOARD, port=visualizer.server.port, viewer_path=visualizer.viewer_path)
        await again.start_streaming()
        await again.capture_and_stream("after")
        await page.until("element('caption').textContent === 'after'")
        assert await page.text("#link") == "Connected"
        await again.stop_streaming()

    run_in(scenario)


def test_received_text_is_never_markup(tmp_path):
    """Names, labels, modules and words that look like HTML are shown as they are; strange keys harm nothing."""

    async def scenario(browser: Browser) -> None:
        visualizer = await started(tmp_path)
        page = await browser.open(page_of(visualizer))
        await page.until("state.connected")
        frame = {
            "index": 1,
            "label": HOSTILE,
            "iteration": None,
            "phase": HOSTILE,
            "components": {HOSTILE: [1, 2, 3], "__proto__": [4, 5, 6], "constructor": [None, 1, 1]},
            "modules": {HOSTILE: HOSTILE, "__proto__": "constructor"},
            "forces": {HOSTILE: [[1, 1, HOSTILE], [None, 2, "toString"]]},
            "overlaps": [["__proto__", HOSTILE]],
            "energy": "nan",
        }
        await visualizer.server.broadcast_frame(frame)
        await visualizer.send_status("error", HOSTILE)
        await visualizer.server.broadcast_status(HOSTILE, HOSTILE)
        await page.until(f"element('caption').textContent === {HOSTILE!r}".replace("'<", "`<").replace(">'", ">`"))
        await page.until("document.querySelectorAll('#log li').length === 3")
        await painted(page)
        assert HOSTILE in await page.text("#log")
        assert HOSTILE in await page.text("#legend")
        assert await page.ask("document.querySelectorAll('img').length") == 0
        assert await page.ask("document.title") == "three – placement stream"
        assert page.complaints == []
        await visualizer.stop_streaming()

    run_in(scenario)


@pytest.fixture
def foreign_site(tmp_path: Path) -> Iterator[str]:
    """A web site on this machine that is not ours; gives its origin."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<title>elsewhere</title>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):  # noqa: A002 - the name that the library has
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


STOP_IT = """new Promise(done => {{
    const socket = new WebSocket("{0}");
    socket.onopen = () => {{ socket.send('{{"type": "stop"}}'); done("in"); }};
    socket.onclose = () => done("refused");
}})"""


def test_another_sites_page_cannot_stop_a_run(tmp_path, foreign_site, expect_log):
    """A page from elsewhere is refused by its Origin, unless it was named; one in a file needs the key."""
    expect_log("was refused: name it in allowed_origins")

    async def scenario(browser: Browser) -> None:
        visualizer = await started(tmp_path)
        page = await browser.open(foreign_site)
        address = f"ws://127.0.0.1:{visualizer.server.port}"
        assert await page.ask(STOP_IT.format(address)) == "refused"
        assert not visualizer.server.is_stop_requested()
        await visualizer.stop_streaming()
        named = StreamingVisualizer(BOARD, port=0, viewer_path=tmp_path / "v.html", allowed_origins=[foreign_site])
        await named.start_streaming()
        assert await page.ask(STOP_IT.format(f"ws://127.0.0.1:{named.server.port}")) == "in"
        own = tmp_path / "own.html"
        own.write_text("<title>a viewer of one's own</title>")
        custom = await browser.open(own.as_uri())
        assert await custom.ask(STOP_IT.format(f"ws://127.0.0.1:{named.server.port}")) == "refused"
        assert await custom.ask(STOP_IT.format(read_viewer(tmp_path / "v.html").page_url)) == "in"
        await named.stop_streaming()

    run_in(scenario)


def test_the_export_plays(tmp_path):
    """Each frame shows the parts where they were, though most coordinates are null in it; keys and buttons work."""
    visualizer = PlacementVisualizer(BOARD)
    for index in range(100):
        places = {"U1": (10 + index / 5, 22, 0), "R1": (20, 10 if index < 50 else 25, 0)}
        visualizer.capture_frame(f"frame {index} {HOSTILE}", iteration=index, components=places, energy=100.0 - index)
    path = visualizer.export_canvas_html("final.html", tmp_path)

    async def scenario(browser: Browser) -> None:
        page = await browser.open(path.as_uri())
        assert await page.text("#place") == "1 of 100"
        for index in (0, 49, 50, 77, 32, 31):
            await page.ask(f"go({index})")
            shown = await page.ask("board.frame.components")
            assert shown == {ref: list(place) for ref, place in visualizer.frames[index].components.items()}
            assert await page.ask("board.frame.connections.length") == 2
        await page.ask("go(0)")
        await painted(page)
        here, empty = (PIXEL.format(x, 21.5) for x in (10, 35))
        assert await page.ask(here) != await page.ask(empty)
        await page.press("End")
        await page.until("position === 99")
        await painted(page)
        assert await page.ask(here) == await page.ask(empty)
        await page.press("ArrowLeft")
        await page.until("position === 98")
        await page.press("Home")
        await page.until("position === 0")
        await page.ask("element('speed').value = '60'")
        await page.click("#play")
        await page.until("playing && position > 3")
        await page.click("#play")
        assert not await page.ask("playing")
        await page.click("#last")
        assert await page.text("#place") == "100 of 100"
        assert HOSTILE in await page.text("#caption")
        assert page.complaints == []

    run_in(scenario)
