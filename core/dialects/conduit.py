"""conduit: streams, messages and calls over TCP, both sides. The names of the original, and the source ``conduit://``."""

from __future__ import annotations

from .conduit_client import Client
from .conduit_connection import Connection
from .conduit_descriptors import ClientDescriptor, ServerDescriptor
from .conduit_errors import AuthenticationError, ConduitConnectionError, NotConduitError, RPCError, RPCTimeout
from .conduit_rpc import RPC, data
from .conduit_server import Server
from .conduit_source import DIALECT
from .conduit_stream import Stream, StreamInfo
from .conduit_streams import StreamManager
from .conduit_subscription import Subscription

__all__ = [
    "DIALECT",
    "RPC",
    "AuthenticationError",
    "Client",
    "ClientDescriptor",
    "ConduitConnectionError",
    "Connection",
    "NotConduitError",
    "RPCError",
    "RPCTimeout",
    "Server",
    "ServerDescriptor",
    "Stream",
    "StreamInfo",
    "StreamManager",
    "Subscription",
    "data",
]
