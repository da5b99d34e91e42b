"""What a page says while a new version is being built, and after one that failed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboard.session import visit
from etl import pipeline
from etl.pipeline import BuildState, Workplace
from etl.roles import Role
from etl.warehouse import publish

LOOK_AGAIN_SECONDS = 1.5
# A build's process is up within a second or two; a request that lies so long has none.
PATIENCE_SECONDS = 30
STAFF = (Role.ANALYST, Role.ADMIN)
RUNNING = "正在生成新的数据版本，完成后本页自动更新。"
NOT_BEGUN = "数据已登记，但生成没有开始，页面仍显示上一版本。请管理员运行 railshift build。"


@dataclass
class _Watch:
    """How often this drawing of the page has looked, and when it last saw a build at work."""

    looks: int
    seen_at: float


def notice(work: Workplace) -> None:
    """Say that a new version is being built, and draw the whole page anew once it stands.

    After a build that failed staff read why. Empty: draws nothing where neither is so.
    """
    state = pipeline.build_state(work)
    if _is_at_work(state) or _is_outdated(work):
        _watch(work, _Watch(0, time.monotonic()))
    elif state.last_failure is not None and visit().scope.role in STAFF:
        _say(
            "最近一次生成没有完成：登记的内容都在，但尚未发布，页面仍显示上一版本。",
            state.last_failure.message,
            "rs-failed",
        )


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _watch(work: Workplace, watch: _Watch) -> None:
    state = pipeline.build_state(work)
    watch.looks += 1
    # Never in the page's own run, which may be about to do what a click has asked for.
    if watch.looks > 1 and not _is_at_work(state):
        st.rerun()
    if state.running_since is not None:
        watch.seen_at = time.monotonic()
    if time.monotonic() - watch.seen_at < PATIENCE_SECONDS:
        _say(RUNNING)
    elif visit().scope.role in STAFF:
        _say(NOT_BEGUN, css="rs-failed")


def _is_at_work(state: BuildState) -> bool:
    return state.running_since is not None or state.waiting > 0


def _is_outdated(work: Workplace) -> bool:
    """A version was published since this page began to be drawn."""
    return publish.current_path(work.home) not in (None, visit().snapshot.path)


def _say(what: str, more: str = "", css: str = "") -> None:
    rest = f"<p>{escape(more)}</p>" if more else ""
    st.html(f"<div class='rs-building {css}' role='status'><p>{escape(what)}</p>{rest}</div>")
