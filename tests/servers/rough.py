"""A server in this process that speaks HTTP as badly as it is told; runs in a thread of its own."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

GOOD = {
    "id": "x", "object": "chat.completion", "created": 0, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Final Answer: 1"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}  # fmt: skip


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """A response as it goes over the line."""
    head = [f"HTTP/1.1 {status}", "content-type: application/json", *headers]
    head += [] if any("transfer" in one for one in headers) else [f"content-length: {length or len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


def said(**changed: object) -> bytes:
    """A good answer with parts of it changed."""
    return http(json.dumps({**GOOD, **changed}).encode())


ANSWER = json.dumps(GOOD).encode()
ENDLESS = b"endless"
CLOSED = b""
HALF = b"half"
FAULTS: dict[str, bytes] = {
    "closes without a word": CLOSED,
    "closes its half and listens on": HALF,
    "closes after half a line": b"HTTP/1.1 20",
    "closes after the headers": http(b"", length=100),
    "closes in the middle of the body": http(ANSWER[:60], length=len(ANSWER)),
    "ends a chunk too early": http(b"ff\r\n" + ANSWER[:40], "200 OK", "transfer-encoding: chunked"),
    "names a chunk no number": http(b"zz\r\n", "200 OK", "transfer-encoding: chunked"),
    "tells a length that is none": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}",
    "tells two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}",
    "speaks no HTTP": b"\x16\x03\x01 hello\r\n\r\n",
    "sends a header without an end": b"HTTP/1.1 200 OK\r\nx: " + b"x" * 300_000,
    "sends truncated JSON": http(ANSWER[:60]),
    "sends JSON that nests without an end": http(b"[" * 200_000),
    "sends JSON of another kind": http(b'"yes"'),
    "sends numbers for texts": said(choices=[{"message": {"content": 5}, "finish_reason": "stop"}]),
    "sends bytes that are no text": http(b"\xff\xfe\x00"),
    "sends nothing": http(b""),
    "says that there is nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "says that nothing has changed": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "is overloaded": http(b"{}", "529 Overloaded"),
    "says 429 with a wait that is none": http(b"{}", "429 Too Many Requests", "retry-after: -1e400"),
    "says 200 and an error": http(b'{"error": {"message": "try later", "code": 503}}'),
    "says 500": http(b"\x00" * 1000, "500 Internal Server Error"),
    "sends more than there is room for": ENDLESS,
    "sends what unpacks to more": http(gzip.compress(bytes(1 << 29)), "200 OK", "content-encoding: gzip"),
    "sends what does not unpack": http(b"nothing", "200 OK", "content-encoding: gzip"),
}
"""What may come instead of an answer."""


@contextmanager
def rough(fault: bytes, times: int) -> Iterator[tuple[str, Counter[bytes]]]:
    """Answers every body the first `times` with a fault; yields its address and how often it met each body."""
    met: Counter[bytes] = Counter()
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
                met[body] += 1
                if met[body] > times:
                    writer.write(said())
                    await writer.drain()
                    continue
                if fault == HALF:
                    writer.write_eof()
                    await reader.read()  # until the other one hangs up
                else:
                    await misbehave(fault, writer.write, writer.drain)
                break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", met
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()


async def misbehave(fault: bytes, write: Callable[[bytes], None], drain: Callable) -> None:
    """Sends a fault; the endless one is 200 MB, which is bounded, and more than is read."""
    if fault != ENDLESS:
        write(fault)
        await drain()
        return
    write(http(b"", "200 OK", "transfer-encoding: chunked"))
    for _ in range(200):
        write(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        await drain()
