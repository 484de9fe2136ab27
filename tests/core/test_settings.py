"""What the window remembers, its folders, and the set-up of logging."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dockscope.core.log import configure_logging
from dockscope.core.paths import Paths
from dockscope.core.settings import MAX_RECENT_URLS, Settings, SourceSetting


def test_settings_survive_a_restart(tmp_path: Path):
    """Everything that was saved is there after loading, and the folder is made when it is missing."""
    settings = Settings(tmp_path / "deep" / "settings.json", theme="dark", utc=True)
    settings.sources = [SourceSetting("dockscope://h:1", "mine"), SourceSetting("dockscope://h:2")]
    settings.layouts["two screens"] = {"state": "AAAA"}
    settings.layout = {"metrics": {"log": True, "columns": [1, 2.5]}}
    settings.remember_url("dockscope://h:1")
    settings.save()
    loaded = Settings(settings.path)
    assert loaded.load() == ""
    assert loaded == settings
    assert [path.name for path in settings.path.parent.iterdir()] == ["settings.json"]


def test_a_missing_file_leaves_the_defaults(tmp_path: Path):
    """The first start has no file, which is nothing to complain about."""
    settings = Settings(tmp_path / "settings.json")
    assert settings.load() == ""
    assert settings == Settings(settings.path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"theme": "pink"}', b'{"utc": 3}', b"[" * 10_000])
def test_a_broken_file_is_moved_aside_and_told(tmp_path: Path, content: bytes, expect_log):
    """Nothing is lost: the broken file is kept beside, the defaults are used, and a sentence says so."""
    expect_log("settings were broken", logger="dockscope.settings")
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings = Settings(path)
    assert "settings.bak" in settings.load()
    assert settings == Settings(path)
    assert path.with_suffix(".bak").read_bytes() == content
    assert not path.exists()


def test_settings_of_a_newer_version_are_read(tmp_path: Path):
    """A field this version does not know is left out, the others are used."""
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "light", "holograms": true}')
    settings = Settings(path)
    assert settings.load() == ""
    assert settings.theme == "light"


def test_a_failed_save_keeps_the_old_file(tmp_path: Path):
    """What cannot be written raises, and leaves the file and the folder as they were."""
    settings = Settings(tmp_path / "settings.json")
    settings.save()
    before = settings.path.read_bytes()
    settings.layouts["x"] = {"value": object()}
    with pytest.raises(TypeError):
        settings.save()
    assert settings.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_recent_urls_are_newest_first_and_bounded(tmp_path: Path):
    """A URL used again moves to the head, and the oldest go."""
    settings = Settings(tmp_path / "settings.json")
    for number in [*range(MAX_RECENT_URLS + 3), 5]:
        settings.remember_url(f"dockscope://h:{number}")
    assert settings.recent_urls[:2] == ["dockscope://h:5", f"dockscope://h:{MAX_RECENT_URLS + 2}"]
    assert len(settings.recent_urls) == len(set(settings.recent_urls)) == MAX_RECENT_URLS


def test_folders_can_be_moved_below_another(tmp_path: Path):
    """--temp-basedir keeps everything below one folder; otherwise the system's conventions hold."""
    assert Paths.below(tmp_path).settings_file == tmp_path / "settings.json"
    assert tmp_path in Paths.below(tmp_path).state.parents
    assert Paths.of_user().settings_file.parts[-2:] == ("dockscope", "settings.json")


@pytest.fixture
def untouched_logging():
    loggers = [logging.getLogger(name) for name in ("dockscope", "dockscope.link")]
    levels = [logger.level for logger in loggers]
    handlers = list(loggers[0].handlers)
    yield
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_log_lines_go_to_stderr(untouched_logging, capsys):
    """The level holds for all subjects but those of --debug-flag; unknown levels are refused."""
    configure_logging("error", ["link"])
    logging.getLogger("dockscope.other").info("not this")
    logging.getLogger("dockscope.link").debug("but this")
    out, err = capsys.readouterr()
    assert out == ""
    assert "DEBUG dockscope.link: but this" in err
    assert "not this" not in err
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("LOUD")
