"""Raises what a signal raises between two steps of an event loop's tasks, never within one."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def raise_between_steps() -> AsyncIterator[None]:
    """Within this block the handlers of Ctrl-C and SIGTERM are called by the event loop.

    Raised within a step, what they raise becomes that task's own error too: its group raises it a second time, out of
    the cleaning up that would have let the other tasks say what they were doing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # where signals never arrive
        return
    loop, handlers = asyncio.get_running_loop(), {}
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if callable(handler):
            handlers[number] = handler
            loop.add_signal_handler(number, handler, number, None)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            arrived = signal.getsignal(number) == signal.SIG_IGN  # the handler ignores a second one
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN if arrived else handler)
