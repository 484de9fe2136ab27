"""Who may watch and operate: addresses that are refused, and the token file."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from dockscope import Broadcaster
from dockscope.core.access import TokenFile, announcement_dir, bind_endpoint, find_token, read_announcements

ID = bytes(range(16))


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("tcp://127.0.0.1:5560", "tcp://127.0.0.1:5560"),
        ("dockscope://127.0.0.1:5560", "tcp://127.0.0.1:5560"),
        ("tcp://localhost:0", "tcp://127.0.0.1:*"),
        ("tcp://*:5560", "tcp://127.0.0.1:5560"),
        ("tcp://127.0.0.1:*", "tcp://127.0.0.1:*"),
        ("tcp://[::1]:5560", "tcp://[::1]:5560"),
        ("ipc:///tmp/x", "ipc:///tmp/x"),
        ("dockscope+ipc:///tmp/x", "ipc:///tmp/x"),
    ],
)
def test_urls_become_endpoints(url: str, endpoint: str) -> None:
    """Every form of URL that may be bound is understood; a star is loopback."""
    assert bind_endpoint(url) == endpoint


@pytest.mark.parametrize("url", ["", "5560", "udp://x:1", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://a:1/b"])
def test_other_urls_are_refused(url: str) -> None:
    """What is no URL raises ValueError that names the argument."""
    with pytest.raises(ValueError, match=r"^url"):
        bind_endpoint(url)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "[::]"])
def test_addresses_that_others_reach_need_consent(host: str, expect_log: Callable[..., None]) -> None:
    """Another interface is refused with what to do instead; with insecure=True it is allowed, loudly."""
    with pytest.raises(ValueError, match="insecure=True"):
        bind_endpoint(f"tcp://{host}:5560")
    expect_log("without encryption", logger="dockscope.access")
    assert bind_endpoint(f"tcp://{host}:5560", insecure=True).startswith("tcp://")


def test_the_token_file_is_for_this_user_only(tmp_path: Path) -> None:
    """Folder 0700, file 0600, hex inside; it is found by the producer's id and gone when removed."""
    folder = tmp_path / "run"
    tokens = TokenFile("tcp://127.0.0.1:5560", ID, "trainer", folder)
    tokens.write()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert tokens.path.name == f"{os.getpid()}-00010203.json"
    told = msgspec.json.decode(tokens.path.read_bytes())
    assert told == {
        "url": "tcp://127.0.0.1:5560",
        "producer": ID.hex(),
        "name": "trainer",
        "pid": os.getpid(),
        "token": tokens.token.hex(),
    }
    assert find_token(ID, folder) == tokens.token
    assert find_token(bytes(16), folder) is None
    tokens.remove()
    assert read_announcements(folder) == []


def test_roles_come_with_the_token(tmp_path: Path) -> None:
    """Only the very token operates."""
    tokens = TokenFile("tcp://127.0.0.1:5560", ID, "trainer", tmp_path)
    assert tokens.role(tokens.token) == "operate"
    assert [tokens.role(wrong) for wrong in (None, b"", tokens.token[:-1])] == ["observe"] * 3


def test_files_of_dead_processes_and_broken_ones_are_ignored(tmp_path: Path) -> None:
    """A file whose process is gone is removed; one that is no announcement is left alone and ignored."""
    free = next(pid for pid in range(400_000, 4_000_000) if not psutil.pid_exists(pid))
    dead = tmp_path / f"{free}-00010203.json"
    dead.write_text(f'{{"url": "x", "producer": "00", "name": "x", "pid": {free}, "token": "00"}}')
    broken = tmp_path / "1-broken.json"
    broken.write_text("{")
    assert read_announcements(tmp_path) == []
    assert not dead.exists()
    assert broken.exists()
    assert read_announcements(tmp_path / "nowhere") == []


def test_a_folder_that_cannot_be_written_leaves_observers(tmp_path: Path, expect_log: Callable[..., None]) -> None:
    """Without a token file the producer runs on, and says so."""
    expect_log("no token file", logger="dockscope.access")
    blocked = tmp_path / "file"
    blocked.write_text("")
    TokenFile("tcp://127.0.0.1:5560", ID, "trainer", blocked / "run").write()


def test_a_broadcaster_announces_itself_while_it_runs() -> None:
    """The file is there before anyone can say hello, with the real URL, and gone after close."""
    with Broadcaster("tcp://127.0.0.1:0", name="announced") as b:
        (told,) = [told for told in read_announcements() if told.name == "announced"]
        assert (told.url, told.pid) == (b.url, os.getpid())
    assert not [told for told in read_announcements() if told.name == "announced"]
    assert announcement_dir().is_dir()


def test_a_taken_port_is_named() -> None:
    """Binding a port that is in use raises OSError with the port in it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} is taken"):
            Broadcaster(f"tcp://127.0.0.1:{port}")


def test_a_file_in_the_way_of_a_socket_is_kept(tmp_path: Path) -> None:
    """A path that is no socket is refused by name: libzmq would delete the file there."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OSError, match=r"thesis\.txt"):
        Broadcaster(f"ipc://{tmp_path}/thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_taken_path_is_not_stolen(tmp_path: Path) -> None:
    """A Unix socket that somebody listens on is left to them."""
    url = f"ipc://{tmp_path}/s"
    with Broadcaster(url) as b:
        assert b.url == url
        with pytest.raises(OSError, match="is taken"):
            Broadcaster(url)
