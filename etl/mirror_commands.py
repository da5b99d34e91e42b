"""`mirror`: returns against station lists, and what both sides say of a difference."""

from __future__ import annotations

from typing import Annotated

import typer

from etl import filing, listing, mirror, wording
from etl.console import JsonFlag, print_json, workplace
from etl.ledger.mirror import Difference
from etl.roles import CITY
from etl.warehouse.scope import EVERYTHING

mirror_app = typer.Typer(no_args_is_help=True, help="企业月报与站方清单的核对")


@mirror_app.command("list")
def mirror_list(as_json: JsonFlag = False) -> None:
    """列出核对事项，待核对的在前。"""
    work = workplace()
    found, names = mirror.differences(work, EVERYTHING), filing.names(work)
    if as_json:
        print_json({"differences": [_json(one) for one in found]})
        return
    for one in found:
        what = (
            f"{names.get(one.party, one.party)} {wording.month_text(one.month)} {one.station} {one.commodity}"
        )
        typer.echo(
            f"{one.mirror_id}  {what}：月报{listing.plain(one.unit_tonnes)}吨，"
            f"清单{listing.plain(one.station_tonnes)}吨，{one.state}。"
        )
        for note in one.notes:
            typer.echo(f"    {note.side} {note.actor}：{note.text}")


@mirror_app.command("check")
def mirror_check(as_json: JsonFlag = False) -> None:
    """重新核对全部月份。"""
    counts = mirror.refresh(workplace())
    if as_json:
        print_json(counts)
    else:
        typer.echo(f"新增{counts['opened']}项，重新打开{counts['reopened']}项，已一致{counts['agreed']}项。")


@mirror_app.command("explain")
def mirror_explain(
    number: Annotated[int, typer.Argument(metavar="ID", help="核对事项编号")],
    text: Annotated[str, typer.Option("--text", help="差异的原因")],
    as_json: JsonFlag = False,
) -> None:
    """说明一项差异的原因。"""
    mirror.explain(workplace(), number, text, CITY)
    if as_json:
        print_json({"id": number, "state": "已说明"})
    else:
        typer.echo(f"已说明：{number}。")


def _json(one: Difference) -> dict[str, object]:
    return {
        "id": one.mirror_id,
        "month": f"{one.month:%Y-%m}",
        "party": one.party,
        "station": one.station,
        "commodity": one.commodity,
        "unit_tonnes": listing.plain(one.unit_tonnes),
        "station_tonnes": listing.plain(one.station_tonnes),
        "state": one.state.value,
        "notes": [{"side": note.side, "actor": note.actor, "text": note.text} for note in one.notes],
    }
