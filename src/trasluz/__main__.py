"""`python -m trasluz` is the command `trasluz`."""

from __future__ import annotations

from trasluz.cli.main import run

run()
