"""Who gets in, from where, and to what place afterwards."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboard import gate, signin
from etl.warehouse.scope import EVERYTHING


@pytest.mark.parametrize(
    "path", ["/overview", "/overview?year=2025&county=%E4%BF%9D%E5%BE%B7%E5%8E%BF", "/enterprise?unit=1", "/"]
)
def test_a_path_of_this_server_is_kept(path: str) -> None:
    assert signin.safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    ["", None, "overview", "//evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil.example",
     "/a\r\nSet-Cookie: x=1", "/signin?next=/", "/signout", "javascript:alert(1)"],
)  # fmt: skip
def test_any_other_address_leads_to_the_first_page(path: str | None) -> None:
    assert signin.safe_next(path) == "/"


def test_a_session_is_known_by_its_token_alone_until_it_is_closed() -> None:
    token = signin.open_session(EVERYTHING)
    session = signin.session_of(token)
    assert session is not None
    assert session.scope == EVERYTHING
    assert signin.session_of(token[:-1]) is None
    signin.close_session(token)
    assert signin.session_of(token) is None
    assert signin.session_of(None) is None


def test_a_session_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "monotonic", lambda: 0.0)
    token = signin.open_session(EVERYTHING)
    monkeypatch.setattr(signin, "monotonic", lambda: float(signin.SESSION_SECONDS))
    assert signin.session_of(token) is None


@pytest.mark.parametrize(
    "host, inside",
    [("127.0.0.1", True), ("127.8.0.1", True), ("localhost", True), ("[::1]", True), ("::1", True),
     ("192.168.1.5", False), ("0.0.0.0", False), ("rail.example", False), ("127.0.0.1.example", False),
     ("", False), (None, False)],
)  # fmt: skip
def test_only_this_machine_is_loopback(host: str | None, inside: bool) -> None:
    assert gate.is_loopback(host) is inside


async def _inner(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b'<html lang="en"><title>Streamlit</title></html>'})


def answer(
    app: Any, path: str, *, bound: str = "127.0.0.1", host: str = "127.0.0.1:8501", cookie: str = ""
) -> Any:
    """Status, headers and body that an application sends for a GET."""
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "path": path.split("?")[0], "root_path": "",
        "query_string": path.partition("?")[2].encode(), "server": (bound, 8501),
        "headers": [(b"host", host.encode()), (b"cookie", cookie.encode())],
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    # In a thread of its own: the browser tests of the same run keep an event loop open in this one.
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(lambda: asyncio.run(app(scope, receive, send))).result()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])


@pytest.mark.parametrize("bound, host", [("192.168.1.5", "127.0.0.1"), ("127.0.0.1", "rail.example:8501")])
def test_a_request_from_beyond_the_machine_is_refused(bound: str, host: str) -> None:
    status, _, body = answer(gate.LoopbackOnly(_inner), "/overview", bound=bound, host=host)
    assert status == 403
    assert "只在本机" in body.decode()


def test_a_deep_link_is_led_to_the_sign_in_and_keeps_its_address() -> None:
    status, headers, _ = answer(gate.SignedInOnly(_inner), "/enterprise?unit=1&year=2025")
    assert status == 303
    assert headers["location"] == "/signin?next=%2Fenterprise%3Funit%3D1%26year%3D2025"


def test_a_signed_in_browser_gets_the_page_and_an_unknown_one_a_sentence() -> None:
    cookie = f"{signin.COOKIE}={signin.open_session(EVERYTHING)}"
    assert answer(gate.SignedInOnly(_inner), "/overview", cookie=cookie)[0] == 200
    status, _, body = answer(gate.SignedInOnly(_inner), "/<b>", cookie=cookie)
    assert status == 404
    assert "&lt;b&gt;" in body.decode()


def test_the_index_page_is_chinese() -> None:
    _, headers, body = answer(gate.ChineseIndex(_inner), "/overview")
    assert 'lang="zh-CN"' in body.decode()
    assert "公转铁监测" in body.decode()
    assert headers["content-length"] == str(len(body))
