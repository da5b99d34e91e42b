"""The visit of one rerun: who looks, at which version, through which filters; and its cached reads.

A read or a figure is cached under (version, scope, filters), so two people with the same view share it
and nobody gets another's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import cookies, signin
from dashboard.palette import Palette, palette
from etl.accounts import Session
from etl.roles import NotAllowed
from etl.warehouse import (
    corridors,
    enterprises,
    official_page,
    overview,
    pages,
    registry_page,
    reporting,
    spurs_page,
)
from etl.warehouse.pages import Choices, Filters
from etl.warehouse.scope import Scope
from etl.warehouse.snapshot import Snapshot

ALL = "全部"
# The plan's figures stay in memory for a few hundred views; the oldest is read again.
_MOST_READS = 256
_MOST_FIGURES = 512
_READERS: Mapping[str, Callable[..., Any]] = {
    "overview": lambda *key: overview.read(*key),
    "reporting": lambda *key: reporting.read(*key),
    "corridors": lambda *key: corridors.read(*key),
    "enterprises": lambda *key: enterprises.read(*key),
    "enterprise": lambda *key: enterprises.read_one(*key),
    "rows": lambda *key: enterprises.read_rows(*key),
    "registry": lambda *key: registry_page.read(*key),
    "spurs": lambda *key: spurs_page.read(*key),
    "official": lambda *key: official_page.read(*key),
}


@dataclass(frozen=True)
class Visit:
    """One rerun. `head_slot` lies above the filter row and is filled by the page.

    `signed_in`: the session behind it; None in the tests of single views.
    """

    snapshot: Snapshot
    scope: Scope
    csrf: str
    choices: Choices
    filters: Filters
    is_dark: bool
    head_slot: DeltaGenerator
    signed_in: Session | None = None

    @property
    def key(self) -> str:
        """What every cached thing of this view depends on."""
        scope = self.scope
        return repr(
            (
                str(self.snapshot.path),
                scope.role,
                scope.label,
                scope.county_codes(),
                scope.unit_codes(),
                self.filters,
            )
        )

    @property
    def palette(self) -> Palette:
        return palette(self.is_dark)


def begin(visit: Visit) -> None:
    st.session_state["visit"] = visit


def visit() -> Visit:
    """The visit of this rerun. A part of the page that is drawn by itself asks first whether it still holds."""
    run = get_script_run_ctx(suppress_warning=True)
    here: Visit = st.session_state["visit"]
    if run is not None and run.fragment_ids_this_run and here.signed_in is not None:
        now_in = signed_in()
        if now_in is None or now_in.scope != here.scope:
            st.rerun()
    return here


def signed_in() -> Session | None:
    """Who looks, as the ledger has it now. Empty: None = signed out or ended."""
    return signin.session_of(token())


def token() -> str:
    """What the browser's cookie holds; '' = nothing."""
    secure = cookies.own_address().scheme == "https" or (st.context.url or "").startswith("https:")
    return cookies.token_of(st.context.cookies, secure)


def check_writer() -> None:
    """Refuse to write for whoever is signed out, or only looks as somebody: asked before each transaction.

    Also a callback of a button comes here, which runs before app.py has looked at the session. What this process
    does outside of a page (the sign-in itself) is refused by nobody. Errors: NotAllowed.
    """
    if get_script_run_ctx(suppress_warning=True) is None:
        return
    now_in = signed_in()
    if now_in is None:
        raise NotAllowed("登录已结束，未办理。请重新登录后再试。")
    if now_in.scope.is_read_only:
        raise NotAllowed("正在以他人身份查看，只能看，不能办理。")


def read_overview() -> pages.Overview:
    return _read("overview")


def read_reporting() -> pages.Reporting:
    return _read("reporting")


def read_corridors() -> pages.Corridors:
    return _read("corridors")


def read_enterprises() -> pages.Enterprises:
    return _read("enterprises")


def read_registry() -> pages.Registry:
    return _read("registry")


def read_spurs() -> pages.Spurs:
    return _read("spurs")


def read_official() -> pages.Official:
    """Errors: scope.NotVisible for a role that does not read official series."""
    return _read("official")


def read_enterprise(unit_code: str) -> pages.Enterprise:
    """Errors: scope.NotVisible for a unit that the scope may not see."""
    return _read("enterprise", unit_code)


def read_rows(unit_code: str) -> pages.Table:
    """Errors: scope.NotVisible for a unit that the scope may not see."""
    return _read("rows", unit_code)


def _read(page: str, *detail: str) -> Any:
    here = visit()
    return _cached_read(page, here.key, detail, here)


@st.cache_data(show_spinner=False, max_entries=_MOST_READS)
def _cached_read(page: str, key: str, detail: tuple[str, ...], _visit: Visit) -> Any:
    return _READERS[page](_visit.snapshot, _visit.scope, _visit.filters, *detail)


def figure(kind: str, make: Callable[[Palette], go.Figure], *detail: str) -> go.Figure:
    """The figure of this view; shared, so it is never changed after `make`."""
    here = visit()
    return _cached_figure(kind, here.key, detail, here.is_dark, lambda: make(here.palette))


@st.cache_resource(show_spinner=False, max_entries=_MOST_FIGURES)
def _cached_figure(
    kind: str, key: str, detail: tuple[str, ...], is_dark: bool, _make: Callable[[], go.Figure]
) -> go.Figure:
    return _make()


def address(page: str, **more: str) -> str:
    """A link to a page under the same filters, as the filter row writes them into the URL."""
    return f"/{page}?{urlencode(url_filters(visit().choices, visit().filters) | more)}"


def url_filters(choices: Choices, filters: Filters) -> dict[str, str]:
    """The filters as the URL carries them: what the filter row shows, without those that stand on 全部."""
    words = {"year": str(filters.year), "through": through_text(filters.through)}
    if filters.county is not None and filters.county in choices.counties:
        words["county"] = choices.counties[filters.county]
    for name in ("commodity", "corridor", "direction"):
        value = getattr(filters, name)
        if value is not None:
            words[name] = value
    return words


def through_text(through: int) -> str:
    return f"{through}月"
