"""`template`, `submit`, `receipt` and `sheet`: a return prepared, tried out, handed in, and its documents."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from etl import filing, listing, wording
from etl.briefing.receipt import receipt_pdf, receipts_for, sheet_pdf
from etl.console import (
    FileArgument,
    JsonFlag,
    MappingOption,
    mapping_of,
    print_check,
    print_json,
    workplace,
)
from etl.filing import Filed
from etl.intake.rules import BY_CODE
from etl.pipeline import Workplace


def submit(
    file: FileArgument,
    explain: Annotated[
        list[str] | None, typer.Option("--explain", help="核实项的说明：代码=文字；沿用上次的填“代码=同上月”")
    ] = None,
    uscc: Annotated[str | None, typer.Option(help="填报单位的统一社会信用代码")] = None,
    unit: Annotated[str | None, typer.Option(help="填报单位编码")] = None,
    reason: Annotated[str, typer.Option(help="更正已通过月份的原因")] = "",
    mapping: MappingOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="试校验：只看结果和影响，不登记")] = False,
    as_json: JsonFlag = False,
) -> None:
    """校验并上报月报，给出回执；或试校验。"""
    explained = dict(_explanation(text) for text in explain or [])
    work = workplace()
    codes = [filing.units_of(work, code) for code in (uscc, unit) if code]
    units = frozenset.intersection(*codes) if codes else None
    if dry_run:
        _try_out(
            work,
            filing.try_out(work, file, units=units, mapping=mapping_of(mapping), explained=explained),
            as_json,
        )
        return
    filed = filing.submit(
        work, file, units=units, mapping=mapping_of(mapping), explained=explained, reason=reason
    )
    if as_json:
        print_json(filed.check.to_json() | listing.filed_json(filed))
    else:
        print_check(filed.check)
        _print_filed(filed, filing.names(work))
    if not filed.accepted:
        raise typer.Exit(1)


def form(
    month: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="所报月份 YYYY-MM")],
    out: Annotated[Path, typer.Option("--out", help="输出文件（.xlsx）", dir_okay=False)],
    uscc: Annotated[str | None, typer.Option(help="统一社会信用代码")] = None,
    unit: Annotated[str | None, typer.Option(help="填报单位编码（一个代码有几个填报单位时）")] = None,
    as_json: JsonFlag = False,
) -> None:
    """生成月报模板，填好单位和上月的货流。"""
    work = workplace()
    codes = [filing.units_of(work, code) for code in (uscc, unit) if code]
    if not codes:
        raise typer.BadParameter("请给出 --uscc 或 --unit。", param_hint="--uscc")
    units = sorted(frozenset.intersection(*codes))
    if len(units) != 1:
        raise typer.BadParameter(f"有{len(units)}个填报单位，请用 --unit 指明。", param_hint="--unit")
    out.write_bytes(filing.form(work, units[0], month.date()))
    if as_json:
        print_json({"file": str(out), "unit_code": units[0], "month": f"{month:%Y-%m}"})
    else:
        typer.echo(f"已生成模板：{out}")


def receipt(
    number: Annotated[int | None, typer.Argument(metavar="[ID]", help="回执编号")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="输出文件（.pdf）", dir_okay=False)] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", help="核对一个文件：哪些回执记载了它", exists=True, dir_okay=False),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """生成回执（PDF）；或核对一个文件有没有回执。"""
    if verify is not None and number is None and out is None:
        _verify(verify, as_json)
        return
    if number is None or out is None or verify is not None:
        raise typer.BadParameter("请给出回执编号和 --out，或只给 --verify 文件。", param_hint="ID")
    out.write_bytes(receipt_pdf(workplace(), number))
    _print_document("回执", out, number, as_json)


def sheet(
    number: Annotated[int, typer.Argument(metavar="ID", help="回执编号")],
    out: Annotated[Path, typer.Option("--out", help="输出文件（.pdf）", dir_okay=False)],
    as_json: JsonFlag = False,
) -> None:
    """生成打印盖章表（PDF）。"""
    out.write_bytes(sheet_pdf(workplace(), number))
    _print_document("打印盖章表", out, number, as_json)


def _print_document(what: str, out: Path, number: int, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(out), "receipt": number})
    else:
        typer.echo(f"已生成{what}：{out}")


def _verify(file: Path, as_json: bool) -> None:
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    found = receipts_for(workplace(), sha256, None)
    if as_json:
        print_json(
            {"file": str(file), "sha256": sha256, "receipts": [listing.receipt_json(one) for one in found]}
        )
    else:
        typer.echo(f"{file.name} 的校验值（SHA-256）：{sha256}")
        for one in found:
            typer.echo(listing.receipt_line(one))
        if not found:
            typer.echo("没有回执记载这个文件。请确认是上报时的原文件，没有改动或另存过。")
    if not found:
        raise typer.Exit(1)


def _explanation(text: str) -> tuple[str, str]:
    code, mark, words = text.partition("=")
    if not mark or code not in BY_CODE:
        raise typer.BadParameter(f"“{text}”应写成 代码=文字，代码见校验结果。", param_hint="--explain")
    return code, words


def _try_out(work: Workplace, tried: filing.TriedOut, as_json: bool) -> None:
    if as_json:
        more = {
            "submitted": False,
            "to_explain": listing.to_explain_json(tried.to_explain),
            "previews": [listing.preview_json(preview) for preview in tried.previews],
        }
        print_json(tried.check.to_json() | more)
    else:
        print_check(tried.check)
        names = filing.names(work)
        for preview in tried.previews:
            for line in listing.preview_lines(preview, names[preview.unit_code]):
                typer.echo(line)
        _print_to_explain(tried.to_explain)
        typer.echo("试校验完成，没有登记。")
    if not tried.check.accepted:
        raise typer.Exit(1)


def _print_filed(filed: Filed, names: dict[str, str]) -> None:
    if filed.to_explain:
        _print_to_explain(filed.to_explain)
    if not filed.accepted:
        typer.echo("未上报，请按上述提示办理后再提交。")
        return
    for one in filed.receipts:
        what = "零申报" if one.is_zero else f"{one.rows}行，{listing.plain(one.tonnes)}吨"
        typer.echo(
            f"已上报，回执编号{one.submission_id}：{one.name} {wording.month_text(one.month)}，{what}。"
        )
    for one in filed.unchanged:
        name = names[one.unit_code]
        typer.echo(f"{name} {wording.month_text(one.month)}：内容与已通过的月报相同，无须再报。")
    typer.echo(f"收到时间：{filed.received_at:%Y-%m-%d %H:%M:%S}")
    typer.echo(f"文件校验值（SHA-256）：{filed.sha256}")


def _print_to_explain(to_explain: dict[str, str]) -> None:
    for code, last in to_explain.items():
        offer = f"上次说明：{last}（沿用可填 --explain {code}={filing.AS_BEFORE}）" if last else ""
        typer.echo(f"请说明 {code}：--explain {code}=原因。{offer}")
