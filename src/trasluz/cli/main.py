"""The door of the command line: one place where a mistake becomes one sentence, and Ctrl-C an end.

Exit codes: 0 done, 1 failed (or stopped after saving), 2 wrong use, 3 done but some text has a bad verdict,
130 interrupted. Typer itself ends with 130 on Ctrl-C, and quietly with 1 where nobody reads the output. Only
what is quickly there is imported before Ctrl-C is heard.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Timer
from types import FrameType
from typing import NoReturn

SHOW_TRACEBACK = "TRASLUZ_TRACEBACK"
INTERRUPTED = 130
SOON = 0.02
"""Seconds."""
IMPORTING = "<frozen importlib"
"""How the names of files begin in which Python imports."""


def run() -> None:
    """The command `trasluz`: no traceback reaches the user, unless the environment asks for one."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # it may be ignored, and then stays so
        signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        from trasluz.cli.app import app

        app()
    except KeyboardInterrupt:
        # The command has not begun. From a string that Typer evaluates Python would end by the signal itself.
        os._exit(INTERRUPTED)
    except Exception as error:
        if _was_stopped(error):
            _end(str(error))
        if os.environ.get(SHOW_TRACEBACK):
            raise
        _end(f"error: {_sentence(error)}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise as ever; but not while a library is imported, since some swallow it: then try again soon."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTING):
            again = Timer(SOON, signal.raise_signal, [number])
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """End as by an error, so that what was begun is cleared away."""
    sys.exit(128 + number)


def _was_stopped(error: Exception) -> bool:
    """Whether it is no mistake, but a run that somebody stopped; asked without importing torch for it."""
    loop = sys.modules.get("trasluz.training.loop")
    return loop is not None and isinstance(error, loop.Stopped)


def _sentence(error: Exception) -> str:
    """What went wrong, for a person."""
    from trasluz.errors import TrasluzError

    if isinstance(error, TrasluzError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return (
            "there is not enough memory; give less at once, such as a shorter text, smaller batches "
            "(batch.tokens=512) or a smaller preset"
        )
    return (
        f"something went wrong inside Trasluz ({type(error).__name__}: {error}); "
        f"set {SHOW_TRACEBACK}=1 and run it again to see where, and please report it"
    )


def _is_out_of_memory(error: Exception) -> bool:
    """Whether torch had no room, which on a CPU is a plain `RuntimeError`."""
    said = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in said or "out of memory" in said)


def _end(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(1)
