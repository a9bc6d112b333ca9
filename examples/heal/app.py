# SPDX-License-Identifier: MIT
"""A server on one event loop: GET /healthz and GET /work. GET /wedge/lock, /wedge/loop and
/wedge/files are answered, and then nothing is any more."""
import asyncio
import contextlib
import functools
import resource
import signal
import time

lock = asyncio.Lock()   # what every request needs, as it might a connection to a database
files = []
tell_once = functools.cache(print)


async def wedge_lock():
    await lock.acquire()   # and nobody lets it go: a deadlock


async def wedge_loop():
    time.sleep(1_000_000)   # not asyncio.sleep(): the event loop stands still


async def wedge_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))   # soon used up
    while True:
        with contextlib.suppress(OSError):   # EMFILE: there is none left for accept() either
            while True:
                files.append(open("/dev/null", "rb"))
        await asyncio.sleep(0.01)   # takes what a connection that ends leaves


ANSWERS = {"/healthz": b"ok\n", "/work": b"done\n"}
WEDGES = {"/wedge/lock": wedge_lock, "/wedge/loop": wedge_loop, "/wedge/files": wedge_files}


async def serve(reader, writer):
    with contextlib.closing(writer), \
            contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.decode("latin-1").split(" ")[1]
        wedge = WEDGES.get(path)
        body = b"wedged\n" if wedge else ANSWERS.get(path)
        head = (f"HTTP/1.1 {'200 OK' if body else '404 Not Found'}\r\nConnection: close\r\n"
                f"Content-Length: {len(body or b'')}\r\n\r\n")
        async with lock:
            writer.write(head.encode() + (body or b""))
            await writer.drain()
        if wedge:
            print(f"wedged by {path}")
            writer.close()
            await writer.wait_closed()
            await wedge()


async def main():
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.set_exception_handler(lambda _, context: tell_once(context["message"]))
    server = await asyncio.start_server(serve, "0.0.0.0", 8080)
    await stop.wait()
    server.close()
    await lock.acquire()   # when the requests that have begun are through


asyncio.run(main())
