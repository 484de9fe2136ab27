"""How a conduit server or client is set up: the options, checked."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, fields

from .conduit_frame import MAX_PAYLOAD_BYTES

PROTOCOL_VERSION = "1.0"
LEAST_BYTES = 1024
_TYPES = {"int": int, "float": int | float, "bool": bool, "str": str, "str | None": str | None}


@dataclass(frozen=True, kw_only=True)
class WireOptions:
    """What both sides can choose.

    Args:
        password: both sides know it; it is never shown.
        name, version: told to the other side. description: for people.
        max_message_size: bytes; a larger message is skipped and counted, and cannot be sent.
        buffer_size: bytes read from the socket at once.
        heartbeat_interval: seconds between two pings.
        heartbeat_timeout: seconds without a sign of life after which the connection is given up.
        send_queue_size: messages that may wait to be sent; who sends more waits. Streams have buffers of their own.
        receive_queue_size: messages that may wait for a handler; beyond it the other side has to wait.
        send_timeout: seconds that a message may wait for room in the send queue.
        enable_backpressure: ask the other side to pause when handlers do not keep up, and pause when it asks.
        enable_compression: send what is longer than 1 KiB with zlib. What comes in is inflated in any case.
        ssl_enabled: encrypt with TLS. ssl_cert_file, ssl_key_file: own certificate. ssl_ca_file: whom to believe.
        protocol_version: only "1.0" is known.
    """

    password: str = field(repr=False)
    name: str
    version: str = "1.0.0"
    description: str = ""
    max_message_size: int = 10 * 2**20
    buffer_size: int = 64 * 2**10
    heartbeat_interval: float = 30
    heartbeat_timeout: float = 90
    send_queue_size: int = 1000
    receive_queue_size: int = 1000
    send_timeout: float = 10.0
    enable_backpressure: bool = True
    enable_compression: bool = False
    ssl_enabled: bool = False
    ssl_cert_file: str | None = None
    ssl_key_file: str | None = None
    ssl_ca_file: str | None = None
    protocol_version: str = PROTOCOL_VERSION

    def __post_init__(self) -> None:
        for option in fields(self):
            _check(option.name, str(option.type), getattr(self, option.name))
        if not self.password:
            raise ValueError("password: must not be empty")
        if self.heartbeat_timeout <= self.heartbeat_interval:
            raise ValueError("heartbeat_timeout: must be greater than heartbeat_interval")
        if self.protocol_version != PROTOCOL_VERSION:
            raise ValueError(f"protocol_version: only {PROTOCOL_VERSION!r} is known")


@dataclass(frozen=True, kw_only=True)
class ServerDescriptor(WireOptions):
    """How a server is set up.

    Args:
        host: address to bind, loopback when not given; any other is obeyed, with one warning. port: 0 for a free one.
        ipv6: bind IPv6. max_connections: clients at once; a further one is refused.
        connection_timeout: seconds of complete silence after which a client is given up.
        auth_timeout: seconds a client has to send its password.
        ssl_verify_client: ask clients for a certificate.
        rate_limit_enabled: bound what a client may send. rate_limit_messages_per_second: calls beyond are answered with
            error 6000, messages beyond are dropped and counted. rate_limit_bytes_per_second: the same by size.
    """

    name: str = "conduit_server"
    host: str = "127.0.0.1"
    port: int = 8080
    ipv6: bool = False
    max_connections: int = 100
    connection_timeout: float = 120
    auth_timeout: float = 10
    ssl_verify_client: bool = False
    rate_limit_enabled: bool = False
    rate_limit_messages_per_second: int = 100
    rate_limit_bytes_per_second: int = 10 * 2**20

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return how to encrypt, None without TLS.

        Raises:
            ValueError: no certificate is named. OSError: a file cannot be read.
        """
        if not self.ssl_enabled:
            return None
        if self.ssl_cert_file is None:
            raise ValueError("ssl_cert_file: a server with ssl_enabled needs a certificate")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ssl_ca_file)
        context.load_cert_chain(self.ssl_cert_file, self.ssl_key_file)
        if self.ssl_verify_client:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass(frozen=True, kw_only=True)
class ClientDescriptor(WireOptions):
    """How a client is set up.

    Args:
        server_host, server_port: where the server is. use_ipv6: reach it over IPv6.
        connect_timeout: seconds for connecting and logging in. rpc_timeout: seconds a call may take, unless it says.
        reconnect_enabled: connect again when the connection is lost. reconnect_attempts: how often, 0 without end.
        reconnect_delay: seconds before the first attempt; times reconnect_delay_multiplier for each further one, up to
            reconnect_delay_max.
        ssl_verify: refuse a server whose certificate is not to be believed.
    """

    server_host: str
    server_port: int
    name: str = "conduit_client"
    use_ipv6: bool = False
    connect_timeout: float = 10
    rpc_timeout: float = 30.0
    reconnect_enabled: bool = True
    reconnect_attempts: int = 5
    reconnect_delay: float = 2.0
    reconnect_delay_max: float = 60.0
    reconnect_delay_multiplier: float = 2.0
    ssl_verify: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.server_host:
            raise ValueError("server_host: is empty")
        if not self.server_port:
            raise ValueError("server_port: must be from 1 to 65535")
        if self.reconnect_delay_max < self.reconnect_delay:
            raise ValueError("reconnect_delay_max: must not be less than reconnect_delay")

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return how to encrypt, None without TLS.

        Raises:
            OSError: a file cannot be read.
        """
        if not self.ssl_enabled:
            return None
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=self.ssl_ca_file)
        if not self.ssl_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.ssl_cert_file is not None:
            context.load_cert_chain(self.ssl_cert_file, self.ssl_key_file)
        return context


def _check(name: str, type_name: str, value: object) -> None:
    """Refuse an option of a wrong type or size; the sentence names it."""
    if not isinstance(value, _TYPES[type_name]) or (isinstance(value, bool) and type_name != "bool"):
        raise TypeError(f"{name}: must be {type_name}, not {type(value).__name__}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(name, value)


def _check_number(name: str, value: float) -> None:
    if name in ("port", "server_port"):
        if not 0 <= value <= 65535:
            raise ValueError(f"{name}: must be from 0 to 65535")
    elif name == "reconnect_attempts":
        if value < 0:
            raise ValueError(f"{name}: must not be negative")
    elif name == "reconnect_delay_multiplier":
        if not value >= 1:
            raise ValueError(f"{name}: must be at least 1")
    elif name in ("max_message_size", "buffer_size", "rate_limit_bytes_per_second"):
        if value < LEAST_BYTES:
            raise ValueError(f"{name}: must be at least {LEAST_BYTES}")
        if name == "max_message_size" and value > MAX_PAYLOAD_BYTES:
            raise ValueError(f"{name}: must be at most {MAX_PAYLOAD_BYTES}")
    elif not value > 0:
        raise ValueError(f"{name}: must be greater than 0")
