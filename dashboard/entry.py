"""One table of the 台账 on a page: its rows, and for those who keep it entry, import, export and history.

What is typed or uploaded goes to etl.registers, which checks it and the rights; here it is only drawn. The
acts run as callbacks, before anything is drawn that a later message of the browser could end.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard import acts, building, desk, findings, session, tables, widgets
from dashboard.desk import Trouble
from etl import filing, registers
from etl.intake import contracts
from etl.intake.contracts import Column
from etl.intake.finding import MUST, Finding
from etl.intake.rules import place_of
from etl.intake.worker import Fault
from etl.ledger.schema import LedgerUnavailable
from etl.ledger.tables import Row
from etl.periods import month_of
from etl.pipeline import Imported, Workplace
from etl.roles import Actor, NotAllowed
from etl.warehouse.pages import Table
from etl.warehouse.scope import Scope
from etl.wording import month_text

LOG = logging.getLogger("railshift.dashboard")
MEGABYTES = 10
ENTER, IMPORT, HISTORY = "录入", "导入", "修改记录"
NEW_ROW, UNSET = "新增一行", "（空）"
# A longer list of rows can be narrowed by a word; a longer list of units is typed as a code.
_MOST_CHOICES = 60
_MOST_UNITS = 300
_IN_A_ROW = 3
_HINTS = {
    id(contracts.MONTH): "如 2025-03",
    id(contracts.DAY): "如 2025-03-01",
    id(contracts.YEAR): "如 2025",
    id(contracts.EMAIL): "如 name@example.com",
    id(contracts.MODES): "可写几种，如 铁路、皮带廊道",
    id(contracts.UNIT): "统一社会信用代码或填报单位编码",
    id(contracts.USCC): "18位",
    id(contracts.PERCENT): "0—100",
}
_NUMBERS = (contracts.NUMBER, contracts.TONNES, contracts.COUNT, contracts.PERCENT)


@dataclass
class Form:
    """What a visitor has at hand of one table.

    `serial` is part of the keys of widgets that begin afresh; `values` (header → text) are what they begin
    with. `findings` are of what was typed, `found` of a file; `said` is what became of it; `is_recorded` asks
    for the page to be drawn again.
    """

    serial: int = 0
    values: Row = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    found: tuple[Finding, ...] = ()
    trouble: Trouble | None = None
    said: str = ""
    is_recorded: bool = False

    def begin_again(self, values: Row | None = None) -> None:
        """Other rows, or none: what was said of the last ones is gone."""
        self.serial += 1
        self.values, self.findings, self.found = values or {}, (), ()
        self.trouble, self.said = None, ""


def may_write(scope: Scope, name: str) -> bool:
    """Whether whoever looks keeps rows of the table; who looks as somebody else keeps none.

    Errors: KeyError for an unknown table.
    """
    return registers.may_write(name, scope.role) and not scope.is_read_only


def maintain(*names: str) -> None:
    """The tables behind a page, folded at its end, each for those who may read it; and that a build is at work.

    Empty: draws nothing for a role that reads none of them.
    """
    seen = [name for name in names if registers.may_read(name, session.visit().scope.role)]
    if not seen:
        return
    widgets.title("登记与维护", "全部登记，不受上方筛选影响")
    work = desk.workplace()
    building.notice(work)
    for name in seen:
        place = st.expander(registers.TITLES[name], key=f"maintain-{name}", on_change="rerun")
        if place.open:
            with place:
                _register(work, name)


def register(work: Workplace, name: str, *, remark: str = "") -> None:
    """A table under its own title. Empty: draws nothing for a role that does not read it.

    Errors: KeyError for an unknown table.
    """
    if not registers.may_read(name, session.visit().scope.role):
        return
    widgets.title(registers.TITLES[name], remark)
    _register(work, name)


def _register(work: Workplace, name: str) -> None:
    scope, form = session.visit().scope, _form(name)
    rows = _ordered(name, registers.rows_of(work, name, scope))
    with st.container(key=f"register-{name}"):
        table = shown(work, name, rows)
        if not rows:
            widgets.note("尚无记录。" + ("可在下面录入或导入。" if may_write(scope, name) else ""))
        else:
            widgets.plain_table(table)
        if registers.is_masked(name, scope.role):
            widgets.note("联系人和邮箱只对审核人员全文显示。")
        if form.said:
            st.html(f"<p class='rs-done' role='status'>{escape(form.said)}</p>")
        _panels(work, name, rows)


@st.fragment
def _panels(work: Workplace, name: str, rows: Sequence[Row]) -> None:
    """The ways to keep the table. Only they are drawn again while somebody is at work in them."""
    scope, form = session.visit().scope, _form(name)
    if form.is_recorded:
        form.is_recorded = False
        st.rerun()
    is_whole = not registers.is_masked(name, scope.role)
    offered = [
        *((ENTER, IMPORT) if may_write(scope, name) else ()),
        *((HISTORY,) if rows and is_whole else ()),
    ]
    with st.container(horizontal=True, key=f"ways-{name}", vertical_alignment="center"):
        way = None
        if offered:
            way = st.segmented_control(
                f"维护{registers.TITLES[name]}", offered, key=f"way-{name}", label_visibility="collapsed"
            )
        if rows and is_whole:
            _download(work, name, scope)
    if way == ENTER:
        _entry(work, name, rows)
    elif way == IMPORT:
        _import(work, name)
    elif way == HISTORY:
        _history(work, name, rows)


def _form(name: str) -> Form:
    return st.session_state.setdefault(f"entry-{name}", Form())


# ------------------------------------------------------------------------------------------------ the rows


def shown(work: Workplace, name: str, rows: Sequence[Row]) -> Table:
    """Rows as a page shows them: counties and units by name, months in words, numbers as numbers."""
    columns = registers.columns_of(name)
    units = filing.names(work) if any(_is_unit(column) for column in columns) else {}
    frame = pd.DataFrame(
        [[_shown(work, column, row, units) for column in columns] for row in rows],
        columns=[column.header for column in columns],
        dtype=object,
    )
    digits = {
        column.header: max((len(row[column.field].partition(".")[2]) for row in rows), default=0)
        for column in columns
        if column.kind in _NUMBERS
    }
    return Table(registers.TITLES[name], frame, digits)


def _ordered(name: str, rows: list[Row]) -> list[Row]:
    """In the order of the key; what is dated stands newest first."""
    is_dated = registers.key_of(name)[0].kind in (contracts.MONTH, contracts.DAY, contracts.YEAR)
    return rows[::-1] if is_dated else rows


def _shown(work: Workplace, column: Column, row: Row, units: dict[str, str]) -> object:
    text = row[column.field]
    if not text:
        return None
    if column.kind in _NUMBERS:
        return Decimal(text)
    if column.kind is contracts.MONTH:
        return month_text(month_of(text))
    if column.kind is contracts.COUNTY or (
        column.kind is contracts.OBJECTS and row["object_type"] in ("县区", "全市")
    ):
        return work.declared.county_names.get(text, text)
    return units.get(text, text) if _is_unit(column) else text


def _is_unit(column: Column) -> bool:
    return column.kind in (contracts.UNIT, contracts.OBJECTS)


def _label(work: Workplace, name: str, row: Row, units: dict[str, str]) -> str:
    """A row by its key, in the words of the page; a unit's row by its name too."""
    parts = [str(_shown(work, column, row, units) or "") for column in registers.key_of(name)]
    return "　".join(part for part in (*parts[:1], row.get("name", ""), *parts[1:]) if part)


def _download(work: Workplace, name: str, scope: Scope) -> None:
    """What the scope sees, as a file that the import takes again."""

    def content() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "table.csv"
            registers.export(work, name, out, scope=scope)
            return out.read_bytes()

    stem = f"{registers.TITLES[name]}_{work.today.isoformat()}"
    st.download_button(
        "导出 CSV", data=content, mime="text/csv", key=f"export-{name}", type="tertiary", on_click="ignore",
        file_name=tables.file_name(stem, work.declared.is_demo),
    )  # fmt: skip


def _picked(
    work: Workplace, name: str, rows: Sequence[Row], label: str, nothing: str, key: str
) -> Row | None:
    """One of the rows, chosen from a list that a word narrows where it is long. Empty: None where none is."""
    units = filing.names(work) if any(_is_unit(column) for column in registers.key_of(name)) else {}
    named = {_label(work, name, row, units): row for row in rows}
    if len(named) > _MOST_CHOICES:
        said = st.text_input(
            "查找（可只写一部分，回车后下面只列出符合的行）", key=f"{key}-find", autocomplete="off"
        ).strip()
        named = {words: row for words, row in named.items() if said in words}
    chosen = st.selectbox(
        label, ["", *named], format_func=lambda words: words or nothing, key=f"{key}-row", filter_mode=None
    )
    return named.get(chosen)


# --------------------------------------------------------------------------------------------- one by one


def _entry(work: Workplace, name: str, rows: Sequence[Row]) -> None:
    """A row's fields; a row that is chosen fills them."""
    scope, form = session.visit().scope, _form(name)
    own = [] if registers.is_masked(name, scope.role) else registers.own_of(work, name, rows, Actor.of(scope))
    if own:
        row = _picked(work, name, own, "新增，或选一行来改", NEW_ROW, f"change-{name}")
        values = {} if row is None else {c.header: row[c.field] for c in registers.columns_of(name)}
        if values != form.values:
            form.begin_again(values)
    keys = "、".join(column.header for column in registers.key_of(name))
    later = "自某日起改变的，填新的生效日期，以前的状态不变。" if "生效日期" in keys else ""
    widgets.note(f"带 * 的必填。{keys}都相同的行由新的一行代替，原来的留在“{HISTORY}”里。{later}")
    columns = registers.columns_of(name)
    names = {column.header: f"field-{name}-{form.serial}-{column.field}" for column in columns}
    with st.form(f"form-{name}-{form.serial}", border=False, enter_to_submit=False):
        for start in range(0, len(columns), _IN_A_ROW):
            for place, column in zip(st.columns(_IN_A_ROW), columns[start : start + _IN_A_ROW], strict=False):
                with place:
                    _field(work, name, column, names[column.header])
                    _said_of(column, form.findings)
        _troubled(form.trouble)
        st.form_submit_button(
            "登记", type="primary", key=f"record-{name}", on_click=_record, args=(work, name, names)
        )


def _field(work: Workplace, name: str, column: Column, key: str) -> None:
    """The widget of a column: a list where there is one, else a text as typed."""
    form = _form(name)
    begun = form.values.get(column.header, "" if form.values else column.default)
    label = f"{column.header} *" if column.required else column.header
    words = _words(work, name, column)
    if words:
        if begun and begun not in words:
            words = {begun: begun, **words}
        choices = [*([] if column.required and begun else [""]), *words]
        st.selectbox(
            label, choices, index=choices.index(begun), key=key, filter_mode=None,
            format_func=lambda word: words.get(word, UNSET) if word else ("请选择" if column.required else UNSET),
        )  # fmt: skip
    elif "\n" in begun:
        st.text_area(label, begun, key=key, height=80)
    else:
        st.text_input(label, begun, key=key, placeholder=_hint(column), autocomplete="off")


def _words(work: Workplace, name: str, column: Column) -> dict[str, str]:
    """What a column's list offers: the word that is recorded → how it is read. Empty: it is typed."""
    scope = session.visit().scope
    if column.kind is contracts.COUNTY:
        counties = work.declared.county_names
        return {
            code: said for code, said in counties.items() if scope.counties is None or code in scope.counties
        }
    if column.kind is contracts.UNIT and registers.may_read("registry", scope.role):
        seen = {row["unit_code"]: row["name"] for row in registers.rows_of(work, "registry", scope)}
        if len(seen) <= _MOST_UNITS:
            return {code: f"{said}（{code}）" for code, said in sorted(seen.items(), key=lambda one: one[1])}
    return {word: word for word in registers.listed_of(work, name, column.header)}


def _hint(column: Column) -> str:
    if column.kind is contracts.OBJECTS:
        return "县区、通道、车站的名称，或单位代码；全市可不填"
    return _HINTS.get(id(column.kind), "")


def _said_of(column: Column, found: Sequence[Finding]) -> None:
    """What is wrong with a field, below it."""
    for one in found:
        if one.column == column.header:
            st.html(f"<p class='rs-fielderror' role='alert'>{escape(_in_place(one))}</p>")


def _in_place(one: Finding) -> str:
    """A finding as it is read below its field: which row and column needs no words there."""
    place = place_of(one.sheet, one.row, one.column)
    return f"{one.message}{one.remedy}".replace(f"{place}的", "").replace(place, "")


def _record(work: Workplace, name: str, names: dict[str, str]) -> None:
    """Enter the row that the fields hold."""
    form = _form(name)
    row = {header: (st.session_state.get(key) or "").strip() for header, key in names.items()}
    scope = session.visit().scope
    done = _done(form, lambda: registers.enter(work, name, [row], Actor.of(scope)))
    if done is None:
        return
    if done.accepted:
        _recorded(name, form, done)
        form.said += "".join(f"{one.column}：{_in_place(one)}" for one in done.findings)
        return
    form.findings = done.findings
    if rest := [one for one in done.findings if one.column not in names]:
        form.trouble = Trouble("".join(map(_in_place, rest)))


# -------------------------------------------------------------------------------------------- as a file


def _import(work: Workplace, name: str) -> None:
    form, group = _form(name), registers.group_of(name)
    headers = "、".join(column.header for column in registers.columns_of(name))
    needed = "、".join(column.header for column in registers.columns_of(name) if column.required)
    whole = f"文件里有的{'和'.join(c.header for c in group)}，其原有各行整体由文件代替。" if group else ""
    widgets.note(f"列：{headers}。必须有：{needed}。有一处“{MUST}”问题即整个文件不登记。{whole}")
    key = f"file-{name}-{form.serial}"
    with st.form(f"import-{name}-{form.serial}", border=False):
        st.file_uploader(
            f"{registers.TITLES[name]}文件（Excel、WPS 或 CSV）", key=key, max_upload_size=MEGABYTES
        )
        st.form_submit_button(
            "导入", type="primary", key=f"bring-{name}", on_click=_bring, args=(work, name, key)
        )
    _troubled(form.trouble)
    if form.found:
        st.html(f"<p class='rs-verdict'>{escape(_summary(form.found))}</p>")
        first, rest = form.found[: findings.FIRST_FINDINGS], form.found[findings.FIRST_FINDINGS :]
        more = f"<summary>再列出{len(rest)}处</summary>{findings.list_markup(rest)}" if rest else ""
        st.html(findings.list_markup(first) + (f"<details class='rs-more'>{more}</details>" if more else ""))


def _summary(found: Sequence[Finding]) -> str:
    worst = sum(one.severity == MUST for one in found)
    return (
        f"没有登记：“{MUST}”问题{worst}处，改正后重新导入。" if worst else f"已登记，另有提示{len(found)}处。"
    )


def _bring(work: Workplace, name: str, key: str) -> None:
    """Import the file that was chosen."""
    form, file = _form(name), st.session_state.get(key)
    if file is None:
        form.trouble = Trouble("还没有选择文件。", "请先选择文件，再点“导入”。")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (acts.safe_name(file.name) or registers.TITLES[name])
        path.write_bytes(file.getvalue())
        scope = session.visit().scope
        done = _done(form, lambda: registers.bring(work, name, path, Actor.of(scope)))
    if done is None:
        return
    if done.accepted:
        _recorded(name, form, done)
    # What must be mended stands first.
    form.found = tuple(sorted(done.findings, key=lambda one: one.severity != MUST))


def _done(form: Form, act: Callable[[], Imported]) -> Imported | None:
    """What an act gave. Empty: None where it was refused; then the form says why, and nothing is changed."""
    form.trouble, form.said, form.findings, form.found = None, "", (), ()
    try:
        return act()
    except (NotAllowed, LedgerUnavailable) as refusal:
        form.trouble = Trouble(str(refusal))
    except Fault as fault:
        form.trouble = desk.of_fault(fault, "没有登记", "")
    return None


def _recorded(name: str, form: Form, done: Imported) -> None:
    form.begin_again()
    for key in (f"change-{name}-row", f"change-{name}-find"):
        st.session_state.pop(key, None)
    form.said = f"已登记{done.rows}行。"
    form.is_recorded = True


def _troubled(trouble: Trouble | None) -> None:
    if trouble is not None:
        said = f"{trouble.what}{trouble.remedy}"
        st.html(f"<p class='rs-fielderror' role='alert'>{escape(said)}</p>")


# ------------------------------------------------------------------------------------------- what was before


def _history(work: Workplace, name: str, rows: Sequence[Row]) -> None:
    """One row as it was recorded each time."""
    row = _picked(work, name, rows, "哪一行", "请选择", f"history-{name}")
    if row is None:
        return
    found = registers.history_of(work, name, row, session.visit().scope)
    table = shown(work, name, [one.row for one in found])
    for place, (header, values) in enumerate(
        {
            "登记时间": [f"{one.recorded_at:%Y-%m-%d %H:%M}" for one in found],
            "登记人": [one.actor for one in found],
            "来源": [one.source for one in found],
        }.items()
    ):
        table.frame.insert(place, header, values)
    widgets.plain_table(table)
