"""The list of the ANTT trial that follows from its files: the commodities, as ANTT names them.

    python declare.py FILE.csv … FOLDER

Writes FOLDER/data/reference/commodities.csv.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

COAL_AND_COKE = {"Carvão Mineral", "Coque", "Coque Metalúrgico"}
# Boxes, vehicles, machines and general cargo: all else that these railways carry is bulk.
NOT_BULK = ("Contêiner", "Veículos", "Máquinas", "Outras - Carga Geral", "Demais Produtos")


def main(sources: list[Path], folder: Path) -> None:
    commodities: set[str] = set()
    for source in sources:
        with source.open(encoding="iso-8859-1", newline="") as file:
            commodities |= {row["Mercadoria_ANTT"] for row in csv.DictReader(file, delimiter=";")}
    with (folder / "data" / "reference" / "commodities.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["name", "bulk", "coal_coke", "aliases"])
        for name in sorted(commodities):
            bulk = "否" if name.startswith(NOT_BULK) else "是"
            out.writerow([name, bulk, "是" if name in COAL_AND_COKE else "否", ""])


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:-1]], Path(sys.argv[-1]))
