"""The program ``dockscope``: looks at the first word, and imports no more than that word needs.

A command of ``HEADLESS`` goes to ``core.cli``, one of ``BENCH`` to ``devices.cli``; anything else is for the window:
``demo``, URLs, or nothing.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HEADLESS = frozenset({"tail", "control", "list", "receive", "doctor"})
BENCH = frozenset({"run", "serve"})
BENCH_MODULES = ("pyvisa", "starlette", "tomlkit", "uvicorn")
ADD_DEVICES = "pip install 'dockscope[devices]'"
GUI_MODULES = ("PySide6", "PySide6QtAds", "qasync")
ADD_GUI = "pip install 'dockscope[gui]'"
EPILOG = """commands without a window:
  tail URL        print what a producer sends
  control URL pause|resume|stop|status
  list            the producers on this machine
  receive         keep the newest spectra of a data recorder
  run BENCH.toml  publish the devices of a bench file
  serve BENCH.toml  serve them to labdaemon's clients, over HTTP
  doctor          examine this installation

Each has its own --help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run dockscope.

    Args:
        arguments: of the command line, without the program's name; those of the process when not given.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage.
    """
    common, rest = _common_parser().parse_known_args(sys.argv[1:] if arguments is None else arguments)
    if common.version:
        return _print_version()
    try:
        _configure_logging(common)
    except ValueError as error:
        return _fail(str(error), 2)
    if common.temp_basedir is not None and "://" in common.temp_basedir:
        return _fail(f"--temp-basedir needs a folder, and {common.temp_basedir[:60]!r} is a URL", 2)
    if common.profile is not None and (why := _not_writable(common.profile)):
        return _fail(why, 2)
    command = _headless if rest and rest[0] in HEADLESS | BENCH else _window
    try:
        return _profiled(lambda: command(rest, common), common.profile)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the one place where what nobody expected becomes a line for a person
        if str(common.log_level).upper() == "DEBUG":
            raise
        return _fail(f"{type(error).__name__}: {error} (--log-level DEBUG tells where)", 1)


def _common_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dockscope", add_help=False, allow_abbrev=False)
    parser.add_argument("--temp-basedir", metavar="DIR", help="keep settings and logs below DIR")
    parser.add_argument("--log-level", metavar="LEVEL", default="WARNING", help="DEBUG, INFO, WARNING or ERROR")
    parser.add_argument(
        "--debug-flag", metavar="SUBJECT", action="append", default=[], help="log one subject at DEBUG, such as link"
    )
    parser.add_argument("--profile", metavar="FILE", type=Path, help="write a cProfile record of the run")
    parser.add_argument("--version", action="store_true", help="print the version and end")
    return parser


def _print_version() -> int:
    from importlib.metadata import version

    print(f"dockscope {version('dockscope')}")  # noqa: T201 - data for stdout
    return 0


def _configure_logging(common: argparse.Namespace) -> None:
    from dockscope.core.log import configure_logging

    configure_logging(common.log_level, common.debug_flag)


def _headless(rest: list[str], _common: argparse.Namespace) -> int:
    if rest[0] in BENCH:
        if why := _missing(f"the command {rest[0]}", BENCH_MODULES, ADD_DEVICES):
            return _fail(why, 1)
        from dockscope.devices.cli import app
    else:
        from dockscope.core.cli import app

    try:
        app(args=rest, prog_name="dockscope")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _profiled(run: Callable[[], int], profile: Path | None) -> int:
    if profile is None:
        return run()
    import cProfile

    recorder = cProfile.Profile()
    try:
        return recorder.runcall(run)
    finally:
        recorder.dump_stats(profile)


def _not_writable(profile: Path) -> str:
    """Say why a record cannot be written there, before an hour has been recorded; "" when it can."""
    try:
        profile.open("ab").close()
    except OSError as error:
        return f"--profile: {profile} cannot be written: {error.strerror}"
    return ""


def _window_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dockscope",
        parents=[_common_parser()],
        allow_abbrev=False,
        description="One window to watch and steer what is running.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("urls", nargs="*", metavar="URL", help="connect at once; 'demo' starts the bundled producers")
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="end by itself after N seconds")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="write a picture of the window at the end")
    parser.add_argument(
        "--insecure", action="store_true", help="let other machines reach an address that is bound here, unencrypted"
    )
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="file with the password of the sources in its first line"
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _window(rest: list[str], common: argparse.Namespace) -> int:
    parser = _window_parser()
    try:
        options = parser.parse_args(rest)
    except SystemExit as end:  # argparse has told what is wrong, or printed its help
        return end.code if isinstance(end.code, int) else 2
    demo = options.urls[:1] == ["demo"]
    urls = options.urls[1:] if demo else options.urls
    wrong = next((url for url in urls if not _is_url(url)), None)
    if wrong is not None:
        return _fail(f"{wrong[:60]!r} is neither a command nor a URL like dockscope://127.0.0.1:5560 (see --help)", 2)
    try:
        password = _password(options.password_file)
    except ValueError as error:
        return _fail(str(error), 2)
    why = _missing_gui() or _missing_display(options.screenshot is not None)
    if why:
        return _fail(why, 1)
    _end_at_once_by_ctrl_c()
    with _explained_imports():
        from dockscope.gui.app import RunOptions, run
    from dockscope.core.paths import Paths

    paths = Paths.of_user() if common.temp_basedir is None else Paths.below(Path(common.temp_basedir).absolute())
    told = RunOptions(
        urls=tuple(urls),
        demo=demo,
        seconds=options.seconds,
        screenshot=options.screenshot,
        insecure=options.insecure,
        password=password,
    )
    return run(told, paths)


def _is_url(text: str) -> bool:
    """Tell whether a word is for a source; what is wrong behind its scheme, the window says."""
    from dockscope.core.dialects.base import dialect_of

    try:
        return "://" in text or dialect_of(text) is not None
    except ValueError:
        return False


def _password(path: Path | None) -> str | None:
    """Return the password of a file, else of the environment."""
    from dockscope.core.asker import PASSWORD_VARIABLE, read_password

    return os.environ.get(PASSWORD_VARIABLE) or None if path is None else read_password(path)


def _end_at_once_by_ctrl_c() -> None:
    """Give Ctrl-C its plain meaning until the window takes it over: an exception amid Qt's imports aborts or hangs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _missing_gui() -> str:
    return _missing("the window", GUI_MODULES, ADD_GUI)


def _missing(what: str, modules: Sequence[str], add: str) -> str:
    missing = [name for name in modules if not _is_installed(name)]
    return f"{what} needs what is not installed here ({', '.join(missing)}): {add}" if missing else ""


def _is_installed(name: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _missing_display(screenshot: bool) -> str:
    """Say why no window can be shown; for a screenshot choose Qt's platform without a display instead."""
    from dockscope.core.display import why_no_window

    why = why_no_window(os.environ)
    if why and screenshot:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        return ""
    return why


@contextmanager
def _explained_imports() -> Iterator[None]:
    """Turn a shared library that Qt misses into a sentence."""
    try:
        yield
    except ImportError as error:
        if ".so" not in str(error):
            raise
        library = str(error).partition(":")[0]
        raise SystemExit(_fail(f"the window misses the system library {library}: see dockscope doctor", 1)) from None


def _fail(sentence: str, code: int) -> int:
    print(f"dockscope: {sentence}", file=sys.stderr)  # noqa: T201 - stderr is where a person is told
    return code


if __name__ == "__main__":
    sys.exit(main())
