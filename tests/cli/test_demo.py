"""The command `trasluz demo` is there; what it does is tested where its parts are."""

from __future__ import annotations

from trasluz.cli.demo import demo
from trasluz.cli.main import app


def test_the_demo_is_a_command() -> None:
    assert demo in [command.callback for command in app.registered_commands]
