"""The worker process of glip-sdk: serves methods over ZeroMQ and msgpack (docs/protocol.md)."""

__version__ = "0.1.0"
