"""Wrong passwords, users and addresses: one clear error, at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from rushtyped.channel import Channel
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import EmbeddedServerError, ServerAccessError, ServerUnreachableError


@pytest.mark.parametrize("user", ["u", "nobody"])
def test_a_wrong_password_fails_at_once_and_is_not_shown(
    client: Any, redis_url: str, user: str
) -> None:
    client.execute_command("ACL", "SETUSER", "u", "on", ">right", "~*", "+@all")
    url = redis_url.replace("unix://", f"unix://{user}:wr0ng-secret@")
    channel = Channel(resolve_endpoint(url), "key", retry_timeout=10.0)
    began = time.monotonic()
    for call in (lambda: channel.call("PING"), channel.probe):
        with pytest.raises(ServerAccessError) as caught:
            call()
        assert "wr0ng-secret" not in f"{caught.value} {caught.value!r} {caught.value.args}"
        assert f"{user}:***@" in str(caught.value)
        assert "refused the access" in str(caught.value)
        assert isinstance(caught.value, PermissionError)
    assert time.monotonic() - began < 1.0
    client.execute_command("ACL", "DELUSER", "u")


def test_a_command_that_the_user_may_not_use_fails_at_once(client: Any, redis_url: str) -> None:
    client.execute_command("ACL", "SETUSER", "u", "on", ">pw", "~mine:*", "+@all", "-get")
    url = redis_url.replace("unix://", "unix://u:pw@")
    channel = Channel(resolve_endpoint(url), "key", retry_timeout=10.0)
    began = time.monotonic()
    with pytest.raises(ServerAccessError, match="allow this user the commands and keys"):
        channel.call("GET", "mine:1")
    with pytest.raises(ServerAccessError):
        channel.call("SET", "theirs:1", "1")
    assert time.monotonic() - began < 1.0
    assert channel.call("SET", "mine:1", "1") == b"OK"
    channel.close()
    client.execute_command("ACL", "DELUSER", "u")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:pw-secret@127.0.0.1:1/0", "redis://u:***@127.0.0.1:1/0"),
        ("unix:///nowhere/at/all.sock", "unix:///nowhere/at/all.sock"),
    ],
)
def test_a_wrong_address_fails_at_once_at_the_first_contact(url: str, shown: str) -> None:
    channel = Channel(resolve_endpoint(url), "key", retry_timeout=10.0)
    began = time.monotonic()
    with pytest.raises(ServerUnreachableError) as caught:
        channel.probe()
    assert time.monotonic() - began < 1.0
    assert str(caught.value).startswith(f"{shown} did not answer: ConnectionError: ")
    assert "pw-secret" not in str(caught.value)


def test_an_embedded_server_that_cannot_be_run_keeps_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", str(tmp_path / "file"))
    channel = Channel(resolve_endpoint("embedded"), "key", retry_timeout=10.0)
    began = time.monotonic()
    with pytest.raises(EmbeddedServerError, match="is not a directory"):
        channel.probe()
    assert time.monotonic() - began < 1.0
