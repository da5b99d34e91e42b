"""`verify`: whether the ledger is what was written into it."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from etl.console import JsonFlag, print_json, progress_bar, workplace
from etl.ledger.heads import Head
from etl.verify import verify

_HEAD = re.compile(r"\s*(\d{1,18})[\s:]+([0-9a-f]{64})\s*")


def verify_command(
    noted: Annotated[
        list[str] | None, typer.Option("--head", help="另行记下的末条“编号 哈希”，可写多次")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """核对审计日志、上传文件和月报的行是否与登记的一致；有一处不符即退出码1。"""
    elsewhere = [_head(text) for text in noted or ()]
    with progress_bar("核对") as step:
        proof = verify(workplace(), elsewhere, step)
    if as_json:
        print_json(
            {
                "holds": not proof.problems,
                "entries": proof.entries,
                "hash": proof.hash,
                "heads": proof.outside,
                "files": proof.files,
                "returns": proof.submissions,
                "problems": [vars(one) for one in proof.problems],
            }
        )
    else:
        for one in proof.problems:
            typer.echo(f"{one.area}：{one.what}。{one.remedy}")
        end = f"有{len(proof.problems)}处不符" if proof.problems else "全部相符"
        typer.echo(
            f"审计日志{proof.entries}条（对照台账外记下的{proof.outside}处），上传文件{proof.files}个，"
            f"月报{proof.submissions}份：{end}。末条：{proof.entries} {proof.hash}"
        )
    if proof.problems:
        raise typer.Exit(1)


def _head(text: str) -> Head:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise typer.BadParameter("应写成“编号 哈希”，如 railshift verify 最后一行所示。", param_hint="--head")
    return Head(int(found[1]), found[2], "--head")
