"""Drafts and remembered mappings in the ledger: exact text, one a unit-month, each change in the audit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from etl.ledger import audit, drafts, schema
from etl.ledger.drafts import FILE, GRID, Draft
from etl.ledger.schema import open_ledger, reading

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)
CLERK = "张三"
ROWS = (
    {"货类": "煤炭", "运量吨": "007.50"},
    {"货类": "=1+1", "运量吨": "１２"},
    {"备注": '第一行\n"第二行"\t'},
)


pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def ledger(tmp_path) -> sa.Engine:
    return open_ledger(tmp_path)


def save(ledger: sa.Engine, home: Path, one: Draft) -> Draft:
    with ledger.begin() as conn:
        return drafts.save(conn, home, one, CLERK)


def read(ledger: sa.Engine, home: Path, unit: str = "U1", month: date = MARCH) -> Draft | None:
    with reading(ledger) as conn:
        return drafts.read(conn, home, unit, month)


def entries(ledger: sa.Engine) -> list[tuple[str, str, dict]]:
    """Action, subject and detail of each entry; the chain holds."""
    log = schema.audit_log.c
    with reading(ledger) as conn:
        assert audit.broken(conn) == []
        found = conn.execute(sa.select(log.action, log.subject, log.detail).order_by(log.entry_id)).all()
    return [(action, subject, json.loads(detail)) for action, subject, detail in found]


def test_a_grid_comes_back_letter_for_letter(ledger, tmp_path):
    explained = {"I007": "已更名", "C010": "绕行\n改线"}
    one = Draft("U1", MARCH, GRID, ROWS, explained=explained, reason="漏报")
    saved = save(ledger, tmp_path, one)
    assert read(ledger, tmp_path) == saved == replace(one, saved_at=saved.saved_at)
    assert saved.saved_at.utcoffset() is not None
    assert read(ledger, tmp_path, month=APRIL) is None
    assert read(ledger, tmp_path, unit="U2") is None


def test_a_file_is_kept_with_its_bytes(ledger, tmp_path):
    content = "月份\n2025-03\n".encode("gb18030") + b"\xff\x00"
    one = Draft("U1", MARCH, FILE, file_name="三月.csv", content=content, mapping_text="[columns]\n")
    save(ledger, tmp_path, one)
    found = read(ledger, tmp_path)
    assert found is not None
    assert (found.content, found.file_name, found.mapping_text) == (content, "三月.csv", "[columns]\n")
    sha256 = hashlib.sha256(content).hexdigest()
    assert (tmp_path / "uploads" / sha256[:2] / sha256).read_bytes() == content
    with reading(ledger) as conn:
        assert conn.execute(sa.select(schema.stored_file.c.file_name)).scalars().all() == ["三月.csv"]


@pytest.mark.parametrize("name", ["", "../../三月.csv", "..", "/"])
def test_a_name_that_leads_elsewhere_is_only_a_name(ledger, tmp_path, name):
    save(ledger, tmp_path, Draft("U1", MARCH, FILE, file_name=name, content=b"x"))
    found = read(ledger, tmp_path)
    assert found is not None
    assert (found.file_name, found.content) == (name, b"x")


def test_a_later_draft_stands_in_place_of_the_earlier(ledger, tmp_path):
    first = Draft("U1", MARCH, FILE, file_name="三月.csv", content=b"x")
    save(ledger, tmp_path, first)
    save(ledger, tmp_path, Draft("U1", MARCH, GRID, ROWS))
    found = read(ledger, tmp_path)
    assert found is not None
    assert (found.way, found.content, found.rows) == (GRID, None, ROWS)
    with reading(ledger) as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(schema.draft)) == 1
        assert drafts.begun_by(conn, {"U1", "U2"}) == {("U1", MARCH)}
        assert drafts.begun_by(conn, set()) == set()
    # What was kept of the file stays: evidence is only ever added.
    assert len(list((tmp_path / "uploads").glob("*/*"))) == 1


def test_each_change_is_in_the_audit_and_nothing_else(ledger, tmp_path):
    """Saving the same again is no change, nor is dropping what is not there."""
    one = Draft("U1", MARCH, GRID, ROWS)
    first = save(ledger, tmp_path, one)
    again = save(ledger, tmp_path, replace(one, saved_at=first.saved_at))
    save(ledger, tmp_path, replace(one, reason="漏报"))
    with ledger.begin() as conn:
        drafts.drop(conn, "U1", MARCH, CLERK)
        drafts.drop(conn, "U1", MARCH, CLERK)
        drafts.drop(conn, "U2", APRIL, CLERK)
    assert again.saved_at >= first.saved_at
    assert read(ledger, tmp_path) is None
    kept = ("暂存草稿", "draft:U1:2025-03", {"way": GRID, "rows": 3, "sha256": None})
    assert entries(ledger) == [kept, kept, ("删除草稿", "draft:U1:2025-03", {})]


@given(
    st.lists(st.dictionaries(st.text(), st.text(), max_size=4), max_size=4),
    st.dictionaries(st.text(), st.text()),
)
def test_any_text_comes_back(tmp_path_factory, rows, explained):
    home = tmp_path_factory.mktemp("home")
    ledger = open_ledger(home)
    save(ledger, home, Draft("U1", MARCH, GRID, tuple(rows), explained=explained))
    found = read(ledger, home)
    assert found is not None
    assert (found.rows, found.explained) == (tuple(rows), explained)
    ledger.dispose()


def remember(
    ledger: sa.Engine, unit: str, text: str, sign: str = "s", header: tuple[str, ...] = ("甲", "")
) -> int:
    with ledger.begin() as conn:
        return drafts.remember(conn, unit, sign, header, text, CLERK)


def test_a_mapping_is_known_by_unit_and_layout(ledger):
    number = remember(ledger, "U1", "一")
    assert remember(ledger, "U1", "一") == number
    other = remember(ledger, "U2", "二")
    assert remember(ledger, "U1", "三") == number
    with reading(ledger) as conn:
        assert drafts.mappings(conn, "U1") == {"s": "三"}
        assert drafts.mappings(conn, "U3") == {}
        found = drafts.layouts(conn, {"U1", "U2"})
        assert {(one.mapping_id, one.unit_code, one.header, one.mapping_text, one.actor) for one in found} == {
            (number, "U1", ("甲", ""), "三", CLERK), (other, "U2", ("甲", ""), "二", CLERK),
        }  # fmt: skip
        assert [one.unit_code for one in drafts.layouts(conn, {"U2"})] == ["U2"]
    assert [action for action, _, _ in entries(ledger)] == ["记住列对照"] * 3


def test_only_ones_own_mapping_is_forgotten(ledger):
    number = remember(ledger, "U1", "一")
    with ledger.begin() as conn:
        assert not drafts.forget(conn, number, {"U2"}, CLERK)
        assert drafts.mappings(conn, "U1") == {"s": "一"}
        assert drafts.forget(conn, number, {"U1", "U2"}, CLERK)
        assert not drafts.forget(conn, number, {"U1"}, CLERK)
        assert drafts.mappings(conn, "U1") == {}
    detail = {"unit_code": "U1", "header": ["甲", ""], "mapping": "一"}
    assert entries(ledger)[1:] == [("删除列对照", f"column_mapping:{number}", detail)]
