"""Who may watch and who may operate: loopback addresses, and the token file that only the same user can read."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import logging
import os
import secrets
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

logger = logging.getLogger("dockscope.access")

OBSERVE = "observe"
OPERATE = "operate"
MAX_FILE_BYTES = 65_536


class Announcement(msgspec.Struct, frozen=True):
    """What a producer writes into its token file; ``producer`` and ``token`` are hex."""

    url: str
    producer: str
    name: str
    pid: int
    token: str


def announcement_dir() -> Path:
    """Give the folder of the token files; the environment decides, as for any user runtime folder."""
    import platformdirs

    with warnings.catch_warnings():  # it warns when XDG_RUNTIME_DIR is not set; its fall-back is good enough here
        warnings.simplefilter("ignore", UserWarning)
        return Path(platformdirs.user_runtime_dir("dockscope"))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address; a name counts when it is localhost."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bind_endpoint(url: str, insecure: bool = False) -> str:
    """Turn the URL to bind into ZeroMQ's endpoint.

    Args:
        url: tcp://host:port, dockscope://host:port, ipc:///path or dockscope+ipc:///path. Host * is loopback, port 0
            is any free port.
        insecure: allow an address that other machines reach.

    Raises:
        TypeError: not text. ValueError: no such URL, or an address that needs ``insecure=True``.
    """
    if not isinstance(url, str):
        raise TypeError(f"url: must be text, not {type(url).__name__}")
    scheme, _, rest = url.partition("://")
    if scheme in ("ipc", "dockscope+ipc") and rest:
        return f"ipc://{rest}"
    if scheme not in ("tcp", "dockscope"):
        raise ValueError(f"url: {url!r} is not like tcp://127.0.0.1:5560 or ipc:///path")
    host, port = _host_and_port(url)
    if not is_loopback(host):
        _allow_remote(host, insecure)
    if host.lower() == "localhost":
        host = "127.0.0.1"
    return f"tcp://{f'[{host}]' if ':' in host else host}:{port or '*'}"


def _host_and_port(url: str) -> tuple[str, int]:
    rest = url.partition("://")[2].rstrip("/")
    rest = "127.0.0.1:" + rest[2:] if rest.startswith("*:") else rest
    rest = rest[:-1] + "0" if rest.endswith(":*") else rest
    try:
        parts = urlsplit(f"tcp://{rest}")
        if parts.hostname and parts.port is not None and not parts.path and not parts.username:
            return parts.hostname, parts.port
    except ValueError:  # the port is no number, or none that exists
        logger.debug("%r has no usable port", url)
    raise ValueError(f"url: {url!r} is not like tcp://127.0.0.1:5560; the port is a number, or 0 for any")


def _allow_remote(host: str, insecure: bool) -> None:
    if not insecure:
        raise ValueError(
            f"url: {host} can be reached by other machines, and anyone there could watch; bind 127.0.0.1 and use an "
            "SSH tunnel, or pass insecure=True to accept it"
        )
    logger.warning("%s is bound without encryption: anyone who reaches it can watch this run", host)


class TokenFile:
    """The file by which viewers of the same user find a producer and prove that they may operate it.

    Args:
        url: where it listens. producer: its id, 16 bytes. name: of the producer.
        directory: where to write; None is the user's runtime folder.
    """

    def __init__(self, url: str, producer: bytes, name: str, directory: Path | None = None) -> None:
        self.token = secrets.token_bytes(32)
        self._told = Announcement(url, producer.hex(), name, os.getpid(), self.token.hex())
        self._directory = announcement_dir() if directory is None else directory
        self.path = self._directory / f"{os.getpid()}-{producer.hex()[:8]}.json"

    def write(self) -> None:
        """Write the file, readable by nobody else; without a writable folder viewers can only observe."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_foreign(self._directory)
            self._directory.chmod(0o700)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(self._told))
        except OSError as error:
            logger.warning("no token file, viewers can only observe: %s", error)

    def remove(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def role(self, token: bytes | None) -> str:
        """Give the role that a token earns."""
        return OPERATE if token is not None and hmac.compare_digest(token, self.token) else OBSERVE


def _refuse_foreign(directory: Path) -> None:
    """Trust only a folder of our own, in a folder of our own or the system's.

    Raises:
        PermissionError: somebody else could have put it there.
    """
    if directory.stat().st_uid != os.getuid() or directory.parent.stat().st_uid not in (os.getuid(), 0):
        raise PermissionError(f"{directory} belongs to another user")


def read_announcements(directory: Path | None = None) -> list[Announcement]:
    """List the producers of this user that run on this machine; files of dead ones are removed.

    Args:
        directory: where they are; None is the user's runtime folder.
    """
    folder = announcement_dir() if directory is None else directory
    found = []
    for path in sorted(folder.glob("*-*.json")):
        told = _read(path)
        if told is not None:
            found.append(told)
    return found


def _read(path: Path) -> Announcement | None:
    try:
        status = path.stat()
        if status.st_uid != os.getuid() or status.st_size > MAX_FILE_BYTES:
            return None
        told = msgspec.json.decode(path.read_bytes(), type=Announcement)
    except (OSError, msgspec.DecodeError):
        return None
    if _is_dead(told.pid, status.st_mtime):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return None
    return told


def _is_dead(pid: int, written: float) -> bool:
    """Tell whether the process that wrote a file is gone, also when its number was given to another since."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > written + 2.0
    except (psutil.NoSuchProcess, ValueError):
        return True
    except psutil.AccessDenied:
        return False


def find_token(producer: bytes, directory: Path | None = None) -> bytes | None:
    """Give the token of a producer of this user on this machine, by the id that its hello told.

    Args:
        producer: 16 bytes. directory: where the files are; None is the user's runtime folder.

    Returns:
        The token, or None: then this viewer can only observe.
    """
    for told in read_announcements(directory):
        if told.producer == producer.hex():
            with contextlib.suppress(ValueError):
                return bytes.fromhex(told.token)
    return None
