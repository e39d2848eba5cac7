"""The same over HTTP: an aiohttp server on a loopback port, given as its argument."""

import os
import sys
import threading

import numpy
from aiohttp import web

PAGE = 4096

_prepared: dict[int, bytes] = {}


async def ping(request: web.Request) -> web.Response:
    return web.Response(text="pong")


async def up(request: web.Request) -> web.Response:
    data = numpy.frombuffer(await request.read(), "uint8")
    return web.Response(text=f"{data.size} {int(data[::PAGE].sum())}")


async def down(request: web.Request) -> web.Response:
    size = int(request.match_info["size"])
    if size not in _prepared:
        _prepared[size] = b"\1" * size
    return web.Response(body=_prepared[size])


async def announce(app: web.Application) -> None:
    threading.Thread(target=exit_with_parent, daemon=True).start()


def exit_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    app = web.Application(client_max_size=2**30)
    app.add_routes([web.get("/ping", ping), web.post("/up", up), web.get("/down/{size}", down)])
    app.on_startup.append(announce)
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, print=lambda text: print("listening", flush=True), access_log=None)


if __name__ == "__main__":
    main()
