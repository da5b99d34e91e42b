"""Run the measurements and print one line each: ours, the yardstick, and ours ÷ yardstick."""

from __future__ import annotations

import sys

from bench import load


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for line in load.measure(rows):
        print(line)


if __name__ == "__main__":
    main()
