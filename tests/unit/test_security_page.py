"""docs/security.md: every file that it names is there, and every line says how it stands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
# A path of the tree; `uploads/` and the like are folders of the run-time folder.
PATH = re.compile(r"`((?:etl|dashboard|tests|docs|data|\.streamlit|[A-Z]+\.md)[\w./-]*)`")


def test_every_file_that_is_named_exists():
    named = set(PATH.findall(TEXT))
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_line_of_the_requirements_says_how_it_stands_and_what_proves_it():
    chapters = TEXT.split("\n### ")[1:]
    assert [chapter.split()[0] for chapter in chapters] == ["V5", "V6", "V7", "V8", "V16"]
    for chapter in chapters:
        for line in chapter.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not line.startswith("|") or cells[0] in ("条目", "---"):
                continue
            assert len(cells) == 4, line
            assert re.fullmatch(r"主题|[\d.、]+", cells[0]), line
            assert cells[2] in ("有", "部分", "未做"), line
            # What is done is proved by a file; what is open has its reason in words.
            assert cells[3], line
            assert cells[2] == "未做" or PATH.search(cells[3]) or "本页" in cells[3], line
