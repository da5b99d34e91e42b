"""Run the measurements and print one line each: ours, the yardstick, and ours ÷ yardstick."""

from __future__ import annotations

import sys

from bench import load, workbook

# More than any enterprise's month has, and what one workbook may hold of a bureau's.
WORKBOOK_ROWS = 50_000


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for lines in (load.measure(rows), workbook.measure(WORKBOOK_ROWS)):
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    main()
