"""`public`: the 公开版 as files that say so in their names."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from etl import listing
from etl.console import JsonFlag, print_json
from etl.reference import home_folder
from etl.warehouse import public_edition
from etl.warehouse.pages import Table
from etl.warehouse.public_edition import EDITION, PublicEdition
from etl.warehouse.snapshot import current

_TITLE, _DEMO = "公转铁监测", "演示数据"


def public_command(
    out: Annotated[Path, typer.Option("--out", help="输出文件夹", file_okay=False)],
    as_json: JsonFlag = False,
) -> None:
    """生成公开版：全市、已确认、注明公开的数据（CSV 和 JSON），不含单位、县区和快报。"""
    snapshot = current(home_folder())
    files = write(public_edition.read(snapshot), out)
    if as_json:
        print_json({"snapshot": snapshot.version, "edition": EDITION, "files": [str(file) for file in files]})
        return
    for file in files:
        typer.echo(f"已生成：{file}")


def write(edition: PublicEdition, folder: Path) -> list[Path]:
    """A CSV for each table and one JSON with both; returns the files. Files of the same day are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    demo = f"_{_DEMO}" if edition.is_demo else ""
    stem = f"{_TITLE}_{EDITION}"
    files = []
    for one in (edition.indicators, edition.official):
        file = folder / f"{stem}_{one.name}_{edition.as_of.isoformat()}{demo}.csv"
        with file.open("w", encoding="utf-8-sig", newline="") as target:
            writer = csv.writer(target)
            writer.writerows([f"# {line}"] for line in _said(edition))
            writer.writerow(one.frame.columns)
            writer.writerows(
                [listing.csv_cell(cell) for cell in row] for row in one.frame.itertuples(index=False)
            )
        files.append(file)
    whole = folder / f"{stem}_{edition.as_of.isoformat()}{demo}.json"
    content = {
        "edition": EDITION,
        "as_of": edition.as_of.isoformat(),
        "is_demo": edition.is_demo,
        "notes": _said(edition),
        "indicators": _records(edition.indicators),
        "official": _records(edition.official),
    }
    whole.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return [*files, whole]


def _said(edition: PublicEdition) -> list[str]:
    """What stands above the figures: which edition, of what day, and how they are to be read."""
    demo = [f"{_DEMO}：非真实数据，不得引用"] if edition.is_demo else []
    return [*demo, f"{EDITION}　数据截至{edition.as_of.isoformat()}", edition.basis, *edition.notes]


def _records(table: Table) -> list[dict[str, object]]:
    return [
        {str(name): _plain(cell) for name, cell in zip(table.frame.columns, row, strict=True)}
        for row in table.frame.itertuples(index=False)
    ]


def _plain(cell: object) -> object:
    if isinstance(cell, Decimal):
        return listing.plain(cell)
    return cell.isoformat() if isinstance(cell, date) else cell
