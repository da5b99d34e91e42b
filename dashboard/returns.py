"""The parts of 填报 below the two ways in: the file and its columns, what the check says, sending, the receipt."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from dashboard import acts, findings, session, tables, widgets
from dashboard.desk import GRID, UPLOAD, Desk
from dashboard.findings import Group
from etl import clerk
from etl.briefing.receipt import receipt_pdf, sheet_pdf
from etl.clerk import Remembered
from etl.intake.fields import FIELD_BY_NAME, RETURN_FIELDS, other_unit
from etl.intake.finding import EXPLAIN, MUST, NOTE
from etl.intake.matching import Match, Proposal
from etl.listing import plain
from etl.pipeline import Workplace
from etl.warehouse.preview import Kind, Preview
from etl.wording import month_text

MEGABYTES = 10
UNUSED = "不用这一列"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


# ------------------------------------------------------------------------------------------- the file


def upload(work: Workplace, bench: Desk) -> None:
    """Take a file; a file that is there is named, and another one takes its place."""
    key = f"upload-{bench.unit_code}-{bench.month:%Y%m}-{bench.serial}"
    with st.container(key="upload"):
        taken = st.file_uploader(
            "上传月报文件（Excel、WPS 或 CSV，可以是本单位自己的格式）", key=key, max_upload_size=MEGABYTES
        )
    if taken is not None:
        with st.spinner("正在读取和校验…"):
            acts.take_file(work, bench, taken.name, taken.getvalue())
        st.rerun()
    if bench.content:
        size = (
            f"{len(bench.content) / 1024:.0f} KB"
            if len(bench.content) >= 1024
            else f"{len(bench.content)} 字节"
        )
        widgets.note(f"当前文件：{bench.file_name}（{size}）。再选一个文件即替换它。")
    if bench.mapping is not None and bench.mapping.constants:
        said = "，".join(f"{header}“{text}”" for header, text in bench.mapping.constants.items())
        widgets.note(f"文件里没有、按本单位填写的：{said}。")
    if bench.proposal is not None and not bench.is_settled:
        _columns(work, bench, bench.proposal)


def _columns(work: Workplace, bench: Desk, proposal: Proposal) -> None:
    """Their columns against ours, to be confirmed; nothing is counted before."""
    widgets.title("请确认各列的含义", f"表头在第{proposal.header_row}行" if proposal.header_row else "")
    widgets.note("左边是文件里的列，右边选月报的列。“不用这一列”的内容不会被读取。")
    chosen: dict[int, str] = {}
    with st.container(key="columns"):
        for match in proposal.matches:
            field = _column(bench, match, is_scaled=match.position == proposal.scaled)
            if field is not None:
                chosen[match.position] = field
    unused = [each.header for each in proposal.matches if each.position not in chosen]
    if unused:
        widgets.note(f"不读取的列：{'、'.join(name or '（无列名）' for name in unused)}。")
    answer = _other_unit(bench, proposal, chosen)
    obstacle = _column_obstacle(proposal, chosen, answer)
    for header, text in acts.constants_for(work, bench, proposal, chosen).items():
        if header in proposal.missing:
            widgets.note(f"文件里没有“{header}”，按“{text}”填写。")
    keep = st.checkbox("记住这个对应关系，下次同样的表头不再询问", value=True, key=f"keep-{bench.serial}")
    if obstacle:
        _obstacle(obstacle)
    if st.button("确认并校验", type="primary", key="confirm", disabled=bool(obstacle)):
        with st.spinner("正在校验…"):
            acts.confirm_columns(work, bench, chosen, converts=answer is True, keep=keep)
        st.rerun()


def _column(bench: Desk, match: Match, *, is_scaled: bool) -> str | None:
    """One of their columns with its first cells, and the choice of ours; None = not used."""
    names = [each.name for each in RETURN_FIELDS]
    left, right = st.columns([3, 2], vertical_alignment="center")
    samples = "、".join(escape(text) for text in match.samples) or "（空）"
    basis = f"<small>{escape(match.basis)}</small>" if match.basis else ""
    left.html(
        f"<p class='rs-column'><b>{escape(match.header or f'第{match.position}列')}</b>{basis}"
        f"<span>{samples}</span></p>"
    )
    field = match.field or ("tonnes" if is_scaled else None)
    chosen = right.selectbox(
        f"“{match.header}”对应月报的哪一列",
        [None, *names],
        index=names.index(field) + 1 if field else 0,
        format_func=lambda name: UNUSED if name is None else FIELD_BY_NAME[name].header,
        key=f"column-{bench.serial}-{match.position}",
        label_visibility="collapsed",
        filter_mode=None,
    )
    return chosen


def _tonnes_in(proposal: Proposal, chosen: dict[int, str]) -> tuple[str, str] | None:
    """Header and unit of the column chosen for the tonnes, where it says another unit."""
    headers = [match.header for match in proposal.matches if chosen.get(match.position) == "tonnes"]
    found = [(header, unit) for header in headers if (unit := other_unit(header))]
    return found[0] if found else None


def _other_unit(bench: Desk, proposal: Proposal, chosen: dict[int, str]) -> bool | None:
    """The clerk's answer to 万吨 or 公斤; None = not asked, or not answered."""
    found = _tonnes_in(proposal, chosen)
    if found is None:
        return None
    header, unit = found
    yes, no = f"是，按{unit}换算成吨", f"不是{unit}"
    said = st.radio(
        f"“{header}”这一列的单位是{unit}吗？答复前不计入任何数。",
        [yes, no],
        index=None,
        key=f"unit-{bench.serial}",
        horizontal=True,
    )
    return None if said is None else said == yes


def _column_obstacle(proposal: Proposal, chosen: dict[int, str], answer: bool | None) -> str:
    """Why the columns cannot be taken as chosen; '' = they can."""
    fields = list(chosen.values())
    twice = [FIELD_BY_NAME[name].header for name in dict.fromkeys(fields) if fields.count(name) > 1]
    if twice:
        return f"“{twice[0]}”选了不止一列，请只留一列。"
    if absent := acts.lacking(proposal, chosen):
        return (
            f"还缺必填的列：{'、'.join(absent)}。请在上面选出对应的列；文件里确实没有的，请补上后重新上传。"
        )
    if found := _tonnes_in(proposal, chosen):
        if answer is None:
            return f"请先回答这一列的单位是不是{found[1]}。"
        if not answer:
            return "请在文件里把这一列的列名改为“运量吨”，再重新上传。"
    return ""


def layouts(work: Workplace, bench: Desk, names: dict[str, str]) -> None:
    """The remembered columns of the account's units, each of which can be forgotten."""
    known = clerk.remembered(work, frozenset(names)) if bench.way == UPLOAD else []
    if not known:
        return
    with st.expander(f"已记住的列对应关系（{len(known)}个）"):
        for one in known:
            _layout(work, bench, one, names)


def _layout(work: Workplace, bench: Desk, one: Remembered, names: dict[str, str]) -> None:
    said = "、".join(f"{theirs} → {ours}" for ours, theirs in one.columns.items() if ours != theirs)
    st.html(
        f"<p><b>{escape(names.get(one.unit_code, one.unit_code))}</b>　{one.recorded_at:%Y-%m-%d}"
        f"　<span class='rs-quiet'>{escape(said or '、'.join(one.header))}</span></p>"
    )
    if st.button("删除", key=f"forget-{one.mapping_id}"):
        acts.forget(work, bench, one.mapping_id)
        st.rerun()


# ------------------------------------------------------------------------------------ what the check says


def results(work: Workplace, bench: Desk, names: dict[str, str]) -> None:
    """What was found, what it would change, and the three buttons."""
    if bench.trouble is not None:
        with st.container(key="trouble"):
            widgets.empty(bench.trouble.what, bench.trouble.remedy)
    if bench.tried is None:
        if bench.way == GRID or bench.content:
            _buttons(work, bench)
        return
    check = bench.tried.check
    widgets.title("校验结果", f"规则版本 {check.rule_version}；试校验不登记，可反复进行")
    if bench.is_stale:
        widgets.note("表格已改动，下面是改动前的结果，请再次试校验。")
    st.html(f"<p class='rs-verdict'>{escape(findings.summary(check))}</p>")
    _downloads(work, bench)
    if bench.mends:
        with st.expander(
            f"一键修正了{len(bench.mends)}处", expanded=len(bench.mends) <= findings.FIRST_FINDINGS
        ):
            st.html(findings.mends_markup(bench.mends))
    grouped = findings.groups(check)
    for group in grouped:
        if group.rule.severity == MUST:
            st.html(findings.group_markup(group))
        elif group.rule.severity == EXPLAIN:
            _to_explain(bench, group)
    notes = [group for group in grouped if group.rule.severity == NOTE]
    if notes:
        with st.expander(f"提示{sum(group.total for group in notes)}处（无须处理也可上报）"):
            for group in notes:
                st.html(findings.group_markup(group))
    _other_months(bench, names)
    for preview in bench.tried.previews:
        _preview(preview, names)
    if bench.needs_reason():
        key = f"reason-{bench.unit_code}-{bench.month:%Y%m}"
        st.session_state.setdefault(key, bench.reason)
        bench.reason = st.text_area("更正的原因（必填，会随更正一起保存）", key=key, height=80)
    _buttons(work, bench)


def _downloads(work: Workplace, bench: Desk) -> None:
    assert bench.tried is not None
    check = bench.tried.check
    if not check.findings and not bench.mends:
        return
    is_demo = session.visit().snapshot.is_demo
    stem = bench.file_name.rpartition(".")[0] or bench.file_name
    with st.container(horizontal=True, key="downloads"):
        if bench.can_be_annotated():
            st.download_button(
                "下载带批注的工作簿", data=lambda: acts.report(work, bench), mime=XLSX,
                file_name=f"{stem}_校验结果.xlsx", key="annotated", on_click="ignore",
            )  # fmt: skip
        st.download_button(
            "下载校验结果 CSV", data=lambda: tables.csv_bytes(findings.findings_table(check), is_demo),
            mime="text/csv", file_name=f"{stem}_校验结果.csv", key="findings-csv", on_click="ignore",
        )  # fmt: skip
        if bench.mends and bench.way == UPLOAD:
            st.download_button(
                "下载修正后的文件", data=bench.content, mime=XLSX, file_name=bench.file_name, key="mended",
                on_click="ignore",
            )  # fmt: skip
        count = bench.mendable()
        if count and not bench.is_stale and st.button(f"一键修正（{count}处）", key="mend"):
            with st.spinner("正在修正并重新校验…"):
                acts.mend(work, bench)
            st.rerun()


def _to_explain(bench: Desk, group: Group) -> None:
    """A 核实 rule with the text that answers it; what was said last month is offered again."""
    assert bench.tried is not None
    code = group.rule.code
    st.html(findings.group_markup(group))
    key = f"explain-{bench.unit_code}-{bench.month:%Y%m}-{code}"
    st.session_state.setdefault(key, bench.explained.get(code, ""))
    bench.explained[code] = st.text_area(f"{code} 的说明（写明原因，或改正后重新校验）", key=key, height=68)
    last = bench.tried.to_explain.get(code, "")
    if last and bench.explained[code] != last:

        def again() -> None:
            st.session_state[key] = last

        widgets.note(f"上次说明：{last}")
        st.button("沿用上次说明", key=f"again-{code}", on_click=again)


def _other_months(bench: Desk, names: dict[str, str]) -> None:
    """A file may hold other units and months than the chosen one: then it is said."""
    assert bench.tried is not None
    held = bench.tried.check.unit_months
    here = (bench.unit_code, bench.month)
    if [(one.unit_code, one.month) for one in held] in ([], [here]):
        return
    said = "、".join(f"{names.get(one.unit_code, one.unit_code)}{month_text(one.month)}" for one in held)
    lacks = "" if any((one.unit_code, one.month) == here for one in held) else "，没有所选的月份"
    widgets.note(f"文件里是：{said}{lacks}；上报时一并登记。")


def _preview(preview: Preview, names: dict[str, str]) -> None:
    """What the return does to the unit's figures, and row by row."""
    name = f"{names.get(preview.unit_code, preview.unit_code)} {month_text(preview.month)}"
    lines = list(preview.sentences())
    added, changed, removed = (preview.count(kind) for kind in (Kind.ADDED, Kind.CHANGED, Kind.REMOVED))
    if preview.previous is None:
        lines.append(f"这是该月第一次上报，共{added}行。")
    elif preview.rows:
        lines.append(
            f"与已通过的第{preview.previous}版相比：新增{added}行，修改{changed}行，删除{removed}行。"
        )
    else:
        lines.append("与已通过的月报内容相同，无须再报。")
    widgets.points(f"上报后的变化（{name}）", lines, "")
    if preview.rows:
        with st.expander("逐行查看"):
            st.html(findings.changes_markup(preview))


def _buttons(work: Workplace, bench: Desk) -> None:
    obstacle = bench.obstacle()
    with st.container(horizontal=True, key="acts"):
        if bench.way == UPLOAD and bench.is_settled and st.button("试校验", key="check"):
            with st.spinner("正在校验…"):
                acts.check(work, bench)
            st.rerun()
        st.button("暂存", key="draft-save", on_click=bench.ask, args=("draft",))
        st.button(
            "上报", key="send", type="primary", disabled=bool(obstacle), on_click=bench.ask, args=("send",)
        )
    if bench.asked == "draft":
        acts.save_draft(work, bench)
        bench.asked = ""
        st.rerun()
    if bench.asked == "send":
        with st.spinner("正在上报…"):
            acts.send(work, bench)
            bench.asked = ""
        st.rerun()
    if bench.drafted:
        widgets.note(bench.drafted)
    if bench.tried is not None and obstacle:
        _obstacle(obstacle)


def _obstacle(text: str) -> None:
    st.html(f"<p class='rs-obstacle'>{escape(text)}</p>")


# -------------------------------------------------------------------------------------------- what was sent


def receipt(work: Workplace, bench: Desk) -> None:
    """What was sent: its number, time and totals, and the papers."""
    filed = bench.filed
    assert filed is not None
    if not filed.receipts:
        widgets.title("无须再报")
        widgets.note("内容与已通过的月报相同，没有新的登记。")
    for one in filed.receipts:
        what = "零申报" if one.is_zero else f"{one.rows}行，{plain(one.tonnes)}吨"
        facts = (
            ("回执编号", str(one.submission_id)),
            ("单位", one.name),
            ("月份", month_text(one.month)),
            ("内容", what),
            ("收到时间", f"{filed.received_at:%Y-%m-%d %H:%M:%S}"),
        )
        lines = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)
        st.html(
            f"<section class='rs-receipt'><h2>{findings.state_mark('通过').split('<i>')[0]}"
            f"<i>●</i></span>已上报，等待审核</h2><dl class='rs-unitfacts'>{lines}</dl>"
            f"<p class='rs-hash'>文件校验值（SHA-256）：{filed.sha256}</p></section>"
        )
        papers(work, one.submission_id, f"{one.name}_{one.month:%Y-%m}")
    for one in filed.unchanged:
        widgets.note(f"{month_text(one.month)}：内容与已通过的月报相同，无须再报。")
    if st.button("返回填报", key="done"):
        bench.filed = None
        bench.begin_again()
        bench.rows, bench.explained, bench.reason = None, {}, ""
        st.rerun()


def papers(work: Workplace, submission_id: int, name: str) -> None:
    """The receipt and the sheet to print and seal."""
    with st.container(horizontal=True, key=f"papers-{submission_id}"):
        for label, make in (("下载回执 PDF", receipt_pdf), ("下载打印盖章表 PDF", sheet_pdf)):
            st.download_button(
                label, data=_made(make, work, submission_id, session.visit().scope.units), mime="application/pdf",
                file_name=f"{label.split(' ')[0].removeprefix('下载')}_{name}.pdf",
                key=f"{make.__name__}-{submission_id}", on_click="ignore",
            )  # fmt: skip


def _made(
    make: Callable[[Workplace, int, frozenset[str] | None], bytes],
    work: Workplace,
    number: int,
    units: frozenset[str] | None,
) -> Callable[[], Any]:
    return lambda: make(work, number, units)
