"""`verify`, `backup`, `restore`: whether the ledger is what was written into it, and that it outlives its disk."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from etl import backup
from etl.console import JsonFlag, print_json, progress_bar, workplace
from etl.ledger.heads import Head
from etl.ledger.schema import URL_VARIABLE
from etl.reference import DATA_VARIABLE, HOME_VARIABLE
from etl.verify import Problem, Proof, verify

_HEAD = re.compile(r"\s*(\d{1,18})[\s:]+([0-9a-f]{64})\s*")


BackupArgument = Annotated[Path, typer.Argument(help="备份文件（.zip）", exists=True, dir_okay=False)]


def verify_command(
    noted: Annotated[
        list[str] | None, typer.Option("--head", help="另行记下的末条“编号 哈希”，可写多次")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--backup", help="再与备份核对，可写多次", exists=True, dir_okay=False),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """核对审计日志、上传文件和月报的行是否与登记的一致；有一处不符即退出码1。"""
    work, problems = workplace(), []
    elsewhere = [_head(text) for text in noted or ()]
    for path in against or ():
        heads, differing = backup.against(path, work.home)
        elsewhere += heads
        problems += differing
    with progress_bar("核对") as step:
        proof = verify(work.home, work.ledger, elsewhere, step)
    problems = [*proof.problems, *problems]
    if as_json:
        print_json(_proof_json(proof, problems))
    else:
        _print_problems(problems)
        end = f"有{len(problems)}处不符" if problems else "全部相符"
        typer.echo(
            f"审计日志{proof.entries}条（对照台账外记下的{proof.outside}处），上传文件{proof.files}个，"
            f"月报{proof.submissions}份：{end}。末条：{proof.entries} {proof.hash}"
        )
    if problems:
        raise typer.Exit(1)


def backup_command(
    out: Annotated[Path, typer.Option("--out", help="备份文件（.zip），或放备份的目录")],
    as_json: JsonFlag = False,
) -> None:
    """备份台账、上传文件、已发布的数据和申报数据；服务运行时也可备份。"""
    with progress_bar("备份") as step:
        kept = backup.backup(workplace(), out, step)
    if as_json:
        print_json(
            {
                "file": str(kept.path),
                "sha256": kept.sha256,
                "entries": kept.entries,
                "hash": kept.hash,
                "files": kept.files,
                "rows": kept.rows,
                "flawed": list(kept.flawed),
            }
        )
    else:
        for name in kept.flawed:
            typer.echo(f"{name}缺失或被改动。请用 railshift verify 核对，从较早的备份中取回。", err=True)
        typer.echo(
            f"已备份：{kept.path}（台账{kept.rows}行，文件{kept.files}个）。请另存到别的机器。"
            f"末条：{kept.entries} {kept.hash}"
        )
    if kept.flawed:
        raise typer.Exit(1)


def restore_command(
    file: BackupArgument,
    into: Annotated[Path | None, typer.Option("--into", help="恢复到这个空目录", file_okay=False)] = None,
    drill: Annotated[
        bool, typer.Option("--drill", help="演练：恢复到临时目录，重新生成，比较指标，不改动现有数据")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """从备份恢复到空目录，或演练恢复。"""
    if drill == (into is not None):
        raise typer.BadParameter(
            "请给出 --into 空目录，或 --drill（两者取一）。", param_hint="--into / --drill"
        )
    with progress_bar("恢复") as step:
        if into is None:
            done = backup.drill(workplace(), file, step)
            proof, is_passed = done.proof, done.is_passed
        else:
            restored = backup.restore(file, into.resolve(), os.environ.get(URL_VARIABLE), step)
            proof, is_passed = restored.proof, not restored.proof.problems
    if as_json:
        shown = _proof_json(proof, proof.problems)
        if into is None:
            shown |= {"compared": done.compared, "differing": list(done.differing), "holds": is_passed}
        else:
            shown |= {"home": str(restored.home), "declared": str(restored.declared)}
        print_json(shown)
    else:
        _print_problems(proof.problems)
        if into is None:
            typer.echo(f"恢复演练{'通过' if is_passed else '未通过'}：{done.sentence}")
        else:
            typer.echo(
                f"已恢复到{restored.home}（{restored.manifest.made_at[:16].replace('T', ' ')}的备份）。"
                f"请设 {HOME_VARIABLE}={restored.home}、{DATA_VARIABLE}={restored.declared}，"
                "再运行 railshift build。"
            )
    if not is_passed:
        raise typer.Exit(1)


def _proof_json(proof: Proof, problems: Sequence[Problem]) -> dict[str, object]:
    return {
        "holds": not problems,
        "entries": proof.entries,
        "hash": proof.hash,
        "heads": proof.outside,
        "files": proof.files,
        "returns": proof.submissions,
        "problems": [vars(one) for one in problems],
    }


def _print_problems(problems: Sequence[Problem]) -> None:
    for one in problems:
        typer.echo(f"{one.area}：{one.what}。{one.remedy}")


def _head(text: str) -> Head:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise typer.BadParameter("应写成“编号 哈希”，如 railshift verify 最后一行所示。", param_hint="--head")
    return Head(int(found[1]), found[2], "--head")
