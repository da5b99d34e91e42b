"""The web application: `uvicorn dashboard.server:app`; `railshift serve` starts it.

Streamlit's options are set here before the App exists, from the same config.toml that
`streamlit run` would read, so that the server behaves alike in any current folder.
"""

from __future__ import annotations

import logging
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit import config

from dashboard import gate, oidc, session, signin
from etl.ledger import schema
from etl.roles import NotAllowed

HERE = Path(__file__).parent
LOG = logging.getLogger("railshift.dashboard")


def config_file() -> Path:
    """The look and limits: beside the package in the tree, inside it where it was installed."""
    inside = HERE / ".streamlit" / "config.toml"
    return inside if inside.is_file() else HERE.parent / ".streamlit" / "config.toml"


def set_options(file: Path) -> None:
    """Set each option of `file` in this process."""
    for name, value in _flat(tomllib.loads(file.read_text(encoding="utf-8")), ""):
        config.set_option(name, value, str(file))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def on_script_error(error: Exception) -> bool:
    """A fault of ours: the screen gets a sentence with a number, the log the trace. A refusal says itself."""
    if isinstance(error, NotAllowed):
        st.error(str(error))
        return True
    number = secrets.token_hex(4)
    LOG.error("fault %s", number, exc_info=error)
    st.error(f"系统错误，与您的文件无关（编号 {number}）。请稍后重试；仍然出现时，请把编号告诉管理员。")
    return True


async def healthz(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


set_options(config_file())
secrets_given = oidc.secrets()
if secrets_given:
    # Also where Streamlit asks before it has read the secrets.
    config.set_option("server.cookieSecret", secrets_given["auth"]["cookie_secret"])
schema.guard_writers(session.check_writer)
app = st.App(
    HERE / "app.py",
    routes=[
        Route("/healthz", healthz, methods=["GET"]),
        Route(signin.SIGN_IN, signin.sign_in, methods=["GET", "POST"]),
        Route(signin.PROVIDER, signin.to_provider, methods=["GET"]),
        Route(signin.SIGN_OUT, signin.sign_out, methods=["POST"]),
        Route(signin.PASSWORD, signin.change_password, methods=["GET", "POST"]),
        Route(signin.VIEW_AS, signin.view_as, methods=["POST"]),
    ],
    middleware=[
        Middleware(gate.Doorkeeper),
        Middleware(GZipMiddleware, minimum_size=1000),
        Middleware(gate.SignedInOnly),
        Middleware(gate.FromProvider),
        Middleware(gate.ChineseIndex),
    ],
    secrets=secrets_given or None,
    on_script_error=on_script_error,
)
