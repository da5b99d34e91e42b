"""Fuzz the intake, coverage-guided: `make fuzz` for an hour, FUZZ_SECONDS=60 make fuzz for a minute.

    python tests/fuzz/fuzz_intake.py                    # fuzz; findings go to .cache/fuzz/findings
    python tests/fuzz/fuzz_intake.py FILE…              # repeat inputs, with their tracebacks

A finding is an exception that is no answer to a clerk, an answer that breaks a promise, or an input that
takes too long or too much memory. It is written down and the fuzzing goes on, also after a dead process.
"""

from __future__ import annotations

import faulthandler
import gzip
import hashlib
import io
import os
import random
import resource
import subprocess
import sys
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".cache" / "fuzz"
CORPUS, FINDINGS, WORDS = FOLDER / "corpus", FOLDER / "findings", FOLDER / "words.dict"
INSIDE = "--inside"
# One input. The slowest good file of tests/files takes a tenth of a second of the processor, which is what
# counts as slow; only a hang is told by the clock, for a machine has other work to do.
SLOW_SECONDS, HANG_SECONDS, MEMORY_MB = 3, 60, 4096
# Beyond it an allocation fails at once, where a limit on used memory would be noticed a second later.
ADDRESS_SPACE = 8 * 2**30
LONGEST = 64 * 2**10
PARTS = ("xl/worksheets/", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml", "")
ODD = (
    b"0", b"1", b"-1", b"1048576", b"1048577", b"4294967296", b"1e308", b"1e999", b"nan", b"inf", b"XFD1048576",
    b"A0", b"A1:XFD1048576", b"", b"true", b"s", b"str", b"inlineStr", b"e", b"d", b"b", b"n", b"#REF!", b"=1+1",
    b"_x0000_", b"_xD800_", b"&#0;", b"\xff", b"2025-03-01T00:00:00", b"-2958466", b"2958466",
)  # fmt: skip
MAPPING_SEED = """[mapping]
header = true
encoding = "gb18030"
delimiter = ";"
thousands = "."
decimal = ","
date_form = "MM/YYYY"
[columns]
"月份" = "月份"
"运量吨" = "运量吨"
"货类" = 5
[constants]
"方向" = "发运"
[factor]
"运量吨" = "1000"
[derive."运距公里"]
numerator = "运距公里"
denominator = "运量吨"
factor = "1.5"
[where]
"货类" = ["煤炭"]
[values."运输方式"]
rail = "铁路"
"*" = "公路"
"""
CELLS = (
    "2025年3月", "2025.1", "45717", "１２３４．５", "1,234.5", "1 234", "1e3", "合 计：", "#DIV/0!", "零申报", "-0.000",
    "煤 炭", "91140902MA0TE5T164", "9.11409E+17", "是", "35吨敞顶箱", "原平", "\ufeff", "\u3000", "٣", "²", "=1+1",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    if arguments[:1] == [INSIDE]:
        return _fuzz(int(arguments[1]))
    if arguments:
        return _repeat([Path(name) for name in arguments])
    seconds = int(os.environ.get("FUZZ_SECONDS", "3600"))
    _prepare()
    before = set(FINDINGS.iterdir())
    end = time.monotonic() + seconds
    while (left := int(end - time.monotonic())) > 0:
        # A process that hung or ran out of memory has left its input among the findings.
        process = subprocess.run([sys.executable, __file__, INSIDE, str(left)], cwd=FOLDER, check=False)
        if process.returncode < 0 and not set(FINDINGS.iterdir()) - before:
            return process.returncode
    found = sorted(set(FINDINGS.iterdir()) - before)
    print(f"{len([path for path in found if path.suffix != '.txt'])} new findings")
    for path in found:
        if path.suffix != ".txt":
            print(f"repeat: {sys.executable} tests/fuzz/fuzz_intake.py "
                  f"{path.relative_to(ROOT)}")  # fmt: skip
    return 1 if found else 0


def _targets() -> Callable[[bytes], None]:
    sys.path[:0] = [str(ROOT), str(HERE.parent)]
    import returns
    from fuzz.targets import Targets

    return Targets(returns.declared(), returns.registry(), returns.TODAY)


def _repeat(paths: list[Path]) -> int:
    target, bad = _targets(), 0
    for path in paths:
        start = time.perf_counter()
        try:
            target(path.read_bytes())
            print(f"{path.name}: no finding, {time.perf_counter() - start:.1f} s")
        except BaseException:  # noqa: BLE001 - a panic of a library in Rust is no Exception
            bad += 1
            print(f"{path.name}:\n{traceback.format_exc()}")
    return 1 if bad else 0


def _prepare() -> None:
    """Seeds from tests/files, a mapping with a file, cells; and the words of the catalogue."""
    for folder in (CORPUS, FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = [path.read_bytes() for path in sorted((HERE.parent / "files").iterdir()) if path.suffix != ".py"]
    table = next(seed for seed in seeds if seed.startswith("月份,".encode()))
    seeds += [MAPPING_SEED.encode() + b"[file]\n" + table, *(b"[cell]\n" + cell.encode() for cell in CELLS)]
    for seed in seeds:
        if len(seed) <= LONGEST:
            (CORPUS / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words = {*ODD, *(cell.encode() for cell in CELLS), *table.replace(b"\n", b",").split(b",")} - {b""}
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in sorted(words))
    WORDS.write_text("".join(f'"{word}"\n' for word in quoted))


def _fuzz(seconds: int) -> int:
    import atheris

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with atheris.instrument_imports(include=["etl.intake", "etl.uscc", "fuzz"]):
        target = _targets()

    def taken(data: bytes) -> float:
        start = time.process_time()
        # The fuzzer ends a process that hangs without a word of where; this says it just before.
        faulthandler.dump_traceback_later(HANG_SECONDS - 5)
        try:
            target(data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - written down, and the fuzzing goes on
            _write(data, type(error).__name__, traceback.format_exc(), _place(error))
        finally:
            faulthandler.cancel_dump_traceback_later()
        return time.process_time() - start

    def one(data: bytes) -> None:
        # Slow twice: once may be the machine's other work.
        if taken(data) > SLOW_SECONDS and (again := taken(data)) > SLOW_SECONDS:
            _write(data, "slow", f"{again:.1f} s\n", data[:4].hex())

    atheris.Setup(
        [sys.argv[0], str(CORPUS), f"-max_total_time={seconds}", f"-timeout={HANG_SECONDS}", f"-dict={WORDS}",
         f"-report_slow_units={HANG_SECONDS}",
         f"-rss_limit_mb={MEMORY_MB}", f"-max_len={LONGEST}", f"-artifact_prefix={FINDINGS}/",
         "-print_final_stats=1"],
        one,
        custom_mutator=lambda data, most, seed: mutated(data, most, random.Random(seed), atheris.Mutate),
    )  # fmt: skip
    atheris.Fuzz()
    return 0


def _place(error: BaseException) -> str:
    """Where it was raised: one finding a place."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/etl/" in frame.filename or "/fuzz/" in frame.filename]
    return f"{ours[-1].filename}:{ours[-1].lineno} {type(error).__name__} {frames[-1].name}"


def _write(data: bytes, kind: str, text: str, place: str) -> None:
    name = FINDINGS / f"{kind}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
    if not name.exists():
        name.with_suffix(".txt").write_text(text)
        name.write_bytes(data)
        print(f"FINDING {name.name}: {place}", flush=True)


Mutate = Callable[[bytes, int], bytes]


def mutated(data: bytes, most: int, draw: random.Random, mutate: Mutate) -> bytes:
    """The input changed; of a packed one what is inside, else its checksum would end every try."""
    try:
        if data.startswith(b"PK") and draw.random() < 0.95:
            changed = _package_mutated(data, draw, mutate)
        elif data.startswith(b"\x1f\x8b") and draw.random() < 0.9:
            changed = gzip.compress(mutate(gzip.decompress(data), most), mtime=0)
        else:
            changed = mutate(data, most)
    except (zipfile.BadZipFile, OSError, EOFError, LookupError, ValueError, RuntimeError, zlib.error):
        return mutate(data, most)
    return changed if len(changed) <= most else mutate(data, most)


def _package_mutated(data: bytes, draw: random.Random, mutate: Mutate) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    wanted = draw.choice(PARTS)
    name = draw.choice([name for name in parts if name.startswith(wanted)] or sorted(parts))
    if draw.random() < 0.05:
        del parts[name]
    elif draw.random() < 0.5:
        parts[name] = _xml_mutated(parts[name], draw)
    else:
        parts[name] = mutate(parts[name], len(parts[name]) + 200)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as package:
        for part, content in parts.items():
            package.writestr(zipfile.ZipInfo(part), content)
    return target.getvalue()


def _xml_mutated(content: bytes, draw: random.Random) -> bytes:
    """XML that is still XML: a value or text made odd, or an element twice, gone or elsewhere."""
    for _ in range(draw.randint(1, 4)):
        if draw.random() < 0.6:
            marks = [place for place, byte in enumerate(content) if byte in b'">']
            start = draw.choice(marks or [0]) + 1
            ends = [end for end in (content.find(mark, start) for mark in (b'"', b"<")) if end >= 0]
            content = content[:start] + draw.choice(ODD) + content[min(ends, default=len(content)) :]
        else:
            pieces = content.split(b"<")
            first = draw.randrange(len(pieces))
            some = pieces[first : first + draw.randint(1, 6)]
            if draw.random() < 0.5:
                del pieces[first : first + len(some)]
            place = draw.randrange(len(pieces) + 1)
            content = b"<".join([*pieces[:place], *some, *pieces[place:]])
    return content


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
