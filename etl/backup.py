"""Backup, restore and the drill that proves that a backup can be restored.

A backup is one zip file: every table of the ledger as it stood at one moment (a line of JSON for each row, the same
for SQLite and PostgreSQL), the kept files and the rows of returns that it names, the published version, the declared
data, the audit log's heads, and a manifest with the hash of each. It is written beside its name and renamed when it
is whole, and may run while the service does.

Sessions are left out: whoever was signed in signs in again. So are the inbox's files that nobody has taken yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.metadata import version as installed_version
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

import sqlalchemy as sa

from etl import demo, listing, pipeline
from etl.ledger import audit, heads, jobs, schema
from etl.ledger.heads import Head
from etl.ledger.jobs import Outcome
from etl.ledger.schema import LedgerUnavailable, reading
from etl.periods import now
from etl.pipeline import STAFF, Workplace
from etl.reference import load_declared
from etl.verify import FILES, REMEDY, ROWS, Problem, Proof, sha256_of, verify
from etl.warehouse import evidence, publish
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING
from etl.warehouse.snapshot import NothingPublished, Snapshot

Progress = Callable[[str, int, int], None]

FORMAT = "railshift-backup"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
DECLARED = "declared"
MOST_MANIFEST_BYTES = 1 << 28
GROUPINGS = ("city", "county", "corridor", "enterprise")
_ALLOWED = re.compile(
    rf"ledger/[a-z_]+\.jsonl|uploads/[0-9a-f]{{2}}/[0-9a-f]{{64}}|rows/[^/]+|warehouse/(?:CURRENT|v\d+\.duckdb)"
    rf"|{DECLARED}/.+|{re.escape(heads.FILE_NAME)}|{demo.MARKER}"
)
_BLOCK = 1 << 20
_ROWS_AT_ONCE = 2000
# Not kept: see above.
_LEFT_OUT = {"session"}


class BackupRefused(Exception):
    """A backup cannot be made, or is not what it was when it was made; the message says where and what to do."""


@dataclass(frozen=True)
class Kept:
    """A backup that was made. `flawed`: kept files that were missing or changed when it was made, by name."""

    path: Path
    sha256: str
    entries: int
    hash: str
    files: int
    rows: int
    flawed: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `tables`: name → its columns (name, kind), in the order of filling."""

    made_at: str
    railshift: str
    schema_version: str
    head: Head
    published: str
    tables: dict[str, list[tuple[str, str]]]
    files: dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Restored:
    """A home that was restored, and what `verify` says of it. `declared` is the folder of the declared data."""

    home: Path
    declared: Path
    manifest: Manifest
    proof: Proof


@dataclass(frozen=True)
class Drill:
    """What a drill has shown. `compared`: how many indicators; `differing`: those that came out otherwise."""

    proof: Proof
    compared: int
    differing: tuple[str, ...]

    @property
    def is_passed(self) -> bool:
        return not self.proof.problems and not self.differing

    @property
    def sentence(self) -> str:
        parts = [f"审计日志{self.proof.entries}条、上传文件{self.proof.files}个已核对"]
        parts += (
            [f"有{len(self.proof.problems)}处不符：{self.proof.problems[0].what}"]
            if self.proof.problems
            else []
        )
        if self.differing:
            parts.append(f"重新生成的指标有{len(self.differing)}个不同：{'、'.join(self.differing[:5])}")
            parts.append("备份时若有登记后尚未生成的数据，请先运行 railshift build，再备份和演练")
        elif self.compared:
            parts.append(f"重新生成的{self.compared}个指标与备份时发布的相同")
        else:
            parts.append("备份中没有可比的数据版本，指标未比较")
        return "，".join(parts) + "。"


# ---------------------------------------------------------------------------------------------- making


def backup(work: Workplace, out: Path, progress: Progress | None = None) -> Kept:
    """Make a backup at `out`, a file or an existing folder (then under a name with the moment).

    It is recorded as a job and in the audit log. Errors: BackupRefused where the file exists already; OSError where
    the disk is full: then nothing stands under the name.
    """
    started = now()
    target = out / f"railshift-{started:%Y%m%d-%H%M%S}.zip" if out.is_dir() else out
    if target.exists():
        raise BackupRefused(f"{target}已存在，备份不覆盖已有文件。请换一个文件名，或给出一个目录。")
    try:
        kept = _make(work, target, progress)
    except (OSError, BackupRefused) as error:
        _record(work, jobs.BACKUP, started, Outcome.FAILED, str(error), {})
        raise
    detail = {"file": target.name, "sha256": kept.sha256, "entry": kept.entries, "hash": kept.hash}
    outcome = Outcome.PARTLY if kept.flawed else Outcome.DONE
    message = f"{len(kept.flawed)}个文件缺失或被改动：{kept.flawed[0]}" if kept.flawed else ""
    _record(work, jobs.BACKUP, started, outcome, message, detail)
    return kept


def _make(work: Workplace, target: Path, progress: Progress | None) -> Kept:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Readable for whoever makes it only: it holds the whole ledger.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                manifest, rows, flawed = _fill(work, _Writer(archive), progress)
            file.flush()
            os.fsync(file.fileno())
        sha256 = sha256_of(partial)
        partial.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        partial.unlink(missing_ok=True)
    return Kept(target, sha256, manifest.head.number, manifest.head.hash, len(manifest.files), rows, flawed)


class _Writer:
    """Files put into the archive, each with its hash and size noted."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.files: dict[str, tuple[str, int]] = {}

    @contextmanager
    def member(self, name: str) -> Generator[Callable[[bytes], None]]:
        digest, size = hashlib.sha256(), 0
        with self.archive.open(name, "w", force_zip64=True) as content:

            def write(block: bytes) -> None:
                nonlocal size
                content.write(block)
                digest.update(block)
                size += len(block)

            yield write
        self.files[name] = (digest.hexdigest(), size)

    def put(self, name: str, content: bytes) -> None:
        with self.member(name) as write:
            write(content)

    def copy(self, name: str, source: IO[bytes]) -> str:
        """Returns the hash of what was copied."""
        with self.member(name) as write:
            while block := source.read(_BLOCK):
                write(block)
        return self.files[name][0]


def _fill(
    work: Workplace, writer: _Writer, progress: Progress | None
) -> tuple[Manifest, int, tuple[str, ...]]:
    tables = [table for table in schema.metadata.sorted_tables if table.name not in _LEFT_OUT]
    rows = 0
    # One moment for all tables: what is written meanwhile is in the next backup.
    with reading(work.ledger) as conn:
        number, hash_ = audit.head(conn)
        for table in tables:
            rows += _write_table(conn, table, writer)
        uploads = sorted(set(conn.scalars(sa.select(schema.stored_file.c.sha256))))
        named = {name for name in conn.scalars(sa.select(schema.submission.c.rows_file).distinct()) if name}
    writer.put(heads.FILE_NAME, heads.until(work.home, number))
    if (work.home / demo.MARKER).is_file():
        writer.put(demo.MARKER, (work.home / demo.MARKER).read_bytes())
    flawed: list[str] = []
    names = [f"uploads/{sha256[:2]}/{sha256}" for sha256 in uploads] + sorted(named)
    for done, name in enumerate(names):
        if progress:
            progress("文件", done, len(names))
        flawed += _copy_kept(work.home, name, writer)
    published = _copy_published(work.home, writer)
    for file in sorted(work.declared.folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            writer.put(f"{DECLARED}/{file.relative_to(work.declared.folder).as_posix()}", file.read_bytes())
    manifest = Manifest(
        now().isoformat(timespec="seconds"), installed_version("railshift"), schema.HEAD,
        Head(number, hash_, MANIFEST), published, {table.name: _columns(table) for table in tables}, writer.files,
    )  # fmt: skip
    writer.archive.writestr(MANIFEST, json.dumps(_manifest_json(manifest), ensure_ascii=False, indent=1))
    return manifest, rows, tuple(flawed)


def _copy_kept(home: Path, name: str, writer: _Writer) -> Iterator[str]:
    """Copy a file that the ledger names; yields its name where it is not what it was."""
    try:
        with (home / name).open("rb") as source:
            found = writer.copy(name, source)
    except FileNotFoundError:
        yield name
        return
    if name.startswith("uploads/") and found != PurePosixPath(name).name:
        yield name


def _copy_published(home: Path, writer: _Writer) -> str:
    """The version that the pointer names; '' = none yet."""
    for _ in range(3):
        path = publish.current_path(home)
        if path is None:
            return ""
        try:
            # Once open it can be read to its end, also where a newer version displaces it meanwhile.
            with path.open("rb") as source:
                writer.copy(f"warehouse/{path.name}", source)
        except FileNotFoundError:
            continue
        writer.put(f"warehouse/{publish.POINTER}", path.name.encode())
        return path.stem
    return ""


def _record(
    work: Workplace, kind: str, started: datetime, outcome: Outcome, message: str, detail: dict[str, Any]
) -> None:
    with work.ledger.begin() as conn:
        jobs.record(conn, kind, STAFF, started, outcome, message, detail)
        if outcome is not Outcome.FAILED:
            audit.append(conn, STAFF, kind, str(detail.get("file", "")), detail)


# ------------------------------------------------------------------------------------ tables as lines

_TYPES: dict[str, Callable[[], sa.types.TypeEngine[Any]]] = {
    "int": sa.Integer, "bool": sa.Boolean, "day": sa.Date, "moment": schema.Moment,
    "decimal": schema.ExactDecimal, "text": sa.Text, "json": sa.JSON,
}  # fmt: skip
_READ: dict[str, Callable[[Any], Any]] = {
    "day": date.fromisoformat, "moment": datetime.fromisoformat, "decimal": Decimal,
}  # fmt: skip


def _columns(table: sa.Table) -> list[tuple[str, str]]:
    return [(column.name, _kind(column)) for column in table.columns]


def _kind(column: sa.Column[Any]) -> str:
    return next(kind for kind, made in _TYPES.items() if isinstance(column.type, made))  # ty: ignore[invalid-argument-type]


def _write_table(conn: sa.Connection, table: sa.Table, writer: _Writer) -> int:
    count = 0
    query = sa.select(table).order_by(*table.primary_key).execution_options(yield_per=_ROWS_AT_ONCE)
    with writer.member(f"ledger/{table.name}.jsonl") as write:
        for row in conn.execute(query):
            line = json.dumps([_plain(value) for value in row], ensure_ascii=False, separators=(",", ":"))
            write(line.encode() + b"\n")
            count += 1
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return schema.written(value)
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def _fill_tables(conn: sa.Connection, manifest: Manifest, folder: Path) -> None:
    there = set(sa.inspect(conn).get_table_names())
    for name, columns in manifest.tables.items():
        if name not in there:
            raise BackupRefused(f"备份中的表{name}在版本{manifest.schema_version}的台账里不存在，未恢复。")
        table = sa.table(name, *(sa.column(column, _TYPES[kind]()) for column, kind in columns))
        readers = [(column, _READ.get(kind)) for column, kind in columns]
        with (folder / f"{name}.jsonl").open(encoding="utf-8", newline="\n") as lines:
            while some := [_row(line, readers) for line in islice(lines, _ROWS_AT_ONCE)]:
                conn.execute(sa.insert(table), some)
        if conn.dialect.name == "postgresql":
            _go_on_counting(conn, name)


def _row(line: str, readers: Sequence[tuple[str, Callable[[Any], Any] | None]]) -> dict[str, Any]:
    values = json.loads(line)
    return {
        column: read(value) if read and value is not None else value
        for (column, read), value in zip(readers, values, strict=True)
    }


def _go_on_counting(conn: sa.Connection, name: str) -> None:
    """The next number of a table comes after the newest restored one."""
    for key in sa.inspect(conn).get_pk_constraint(name)["constrained_columns"]:
        sequence = conn.scalar(sa.select(sa.func.pg_get_serial_sequence(name, key)))
        newest = conn.scalar(sa.select(sa.func.max(sa.column(key))).select_from(sa.table(name)))
        if sequence and newest:
            conn.execute(sa.select(sa.func.setval(sequence, newest)))


# ------------------------------------------------------------------------------------------- restoring


def restore(path: Path, into: Path, url: str | None = None, progress: Progress | None = None) -> Restored:
    """Restore a backup into an empty folder, and into the empty database at `url` (default: SQLite in that folder).

    The ledger is brought to this program's schema, and its log says that it was restored. Nothing stands in the
    folder unless every file of the backup is what it was. Errors: BackupRefused; LedgerUnavailable; OSError.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise BackupRefused(f"{into}不是空目录，为免覆盖已有数据，未恢复。请换一个空目录。")
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as scratch:
        partial = Path(scratch) / "home"
        partial.mkdir()
        manifest = _extract(path, partial, progress)
        tables = partial / "ledger"
        engine = schema.engine_of(partial, url or f"sqlite:///{partial / schema.FILE_NAME}")
        try:
            _fill_ledger(engine, manifest, tables)
            shutil.rmtree(tables)
            with engine.begin() as conn:
                detail = {
                    "made_at": manifest.made_at,
                    "entry": manifest.head.number,
                    "hash": manifest.head.hash,
                }
                audit.append(conn, STAFF, "恢复", path.name, detail)
            proof = verify(partial, engine, [manifest.head])
        finally:
            # The last connection that closes folds SQLite's second file into the first.
            engine.dispose()
        if into.exists():
            into.rmdir()
        partial.replace(into)
    return Restored(into, into / DECLARED, manifest, proof)


def _fill_ledger(engine: sa.Engine, manifest: Manifest, folder: Path) -> None:
    with reading(engine) as conn:
        if there := sa.inspect(conn).get_table_names():
            raise BackupRefused(
                f"目标数据库不是空的（已有表{there[0]}等{len(there)}个），为免覆盖已有数据，未恢复。请换一个空数据库。"
            )
    schema.migrate(engine, manifest.schema_version)
    with engine.begin() as conn:
        _fill_tables(conn, manifest, folder)
    schema.migrate(engine)


def _extract(path: Path, folder: Path, progress: Progress | None) -> Manifest:
    """Every file of the backup under `folder`, each checked against the manifest."""
    with _opened(path) as archive:
        manifest = _manifest_of(archive, path)
        for done, (name, (sha256, size)) in enumerate(manifest.files.items()):
            if progress:
                progress("文件", done, len(manifest.files))
            target = folder.joinpath(*PurePosixPath(name).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as copy:
                for block in _checked(archive, path, name, sha256, size):
                    copy.write(block)
            if name.startswith("uploads/"):
                target.chmod(0o444)
    return manifest


@contextmanager
def _opened(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise BackupRefused(
            f"{path}不是完整的备份文件（{error}）。请换一个备份，或重新复制后再试。"
        ) from error
    with archive:
        yield archive


def _checked(archive: zipfile.ZipFile, path: Path, name: str, sha256: str, size: int) -> Iterator[bytes]:
    """The bytes of a file in the archive. Errors: BackupRefused where they are not those that were put in."""
    digest, left = hashlib.sha256(), size
    try:
        with archive.open(name) as content:
            # One byte more than was put in is too many, however much it would unpack to.
            while block := content.read(min(_BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    break
                digest.update(block)
                yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise _damaged(path, name) from error
    if left or digest.hexdigest() != sha256:
        raise _damaged(path, name)


def _damaged(path: Path, name: str) -> BackupRefused:
    return BackupRefused(f"备份{path.name}中的{name}已损坏或被改动，未恢复。请换一个备份，或重新复制后再试。")


# -------------------------------------------------------------------------------------------- manifest


def _manifest_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "made_at": manifest.made_at,
        "railshift": manifest.railshift,
        "schema_version": manifest.schema_version,
        "audit_head": {"entry": manifest.head.number, "hash": manifest.head.hash},
        "published": manifest.published,
        "tables": [{"name": name, "columns": columns} for name, columns in manifest.tables.items()],
        "files": {name: {"sha256": sha256, "size": size} for name, (sha256, size) in manifest.files.items()},
    }


def _manifest_of(archive: zipfile.ZipFile, path: Path) -> Manifest:
    """Errors: BackupRefused where it is no backup of ours, or names what does not belong into one."""
    try:
        info = archive.getinfo(MANIFEST)
        if info.file_size > MOST_MANIFEST_BYTES:
            raise _damaged(path, MANIFEST)
        found = json.loads(archive.read(info))
        if found["format"] != FORMAT:
            raise KeyError(FORMAT)
        if found["format_version"] != FORMAT_VERSION:
            raise BackupRefused(f"备份{path.name}由更新版本的程序建立，本程序无法恢复。请升级 railshift。")
        manifest = Manifest(
            str(found["made_at"]), str(found["railshift"]), str(found["schema_version"]),
            Head(int(found["audit_head"]["entry"]), str(found["audit_head"]["hash"]), f"备份{path.name}"),
            str(found["published"]),
            {one["name"]: [(str(name), str(kind)) for name, kind in one["columns"]] for one in found["tables"]},
            {name: (str(one["sha256"]), int(one["size"])) for name, one in found["files"].items()},
        )  # fmt: skip
    except KeyError as error:
        raise BackupRefused(f"{path.name}不是 railshift 的备份（缺少{error}）。请选择备份文件。") from error
    except (ValueError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise _damaged(path, MANIFEST) from error
    if unknown := {kind for columns in manifest.tables.values() for _, kind in columns} - set(_TYPES):
        raise BackupRefused(
            f"备份{path.name}含有本程序不认识的列类型{sorted(unknown)[0]}。请升级 railshift。"
        )
    members = archive.namelist()
    for name in [*members, *manifest.files, *(f"ledger/{table}.jsonl" for table in manifest.tables)]:
        if name != MANIFEST and not _is_allowed(name):
            raise BackupRefused(f"备份{path.name}中有不该有的文件{name!r}，未恢复。请换一个备份。")
    if len(members) != len(set(members)) or set(members) != {*manifest.files, MANIFEST}:
        differing = sorted(set(members) ^ {*manifest.files, MANIFEST}) or members
        raise BackupRefused(f"备份{path.name}与其清单不符（{differing[0]}），未恢复。请换一个备份。")
    if absent := [table for table in manifest.tables if f"ledger/{table}.jsonl" not in manifest.files]:
        raise _damaged(path, f"ledger/{absent[0]}.jsonl")
    return manifest


def _is_allowed(name: str) -> bool:
    """Whether a name stays within the folder and is one that a backup has."""
    parts = name.split("/")
    is_plain = all(part not in ("", ".", "..") and "\\" not in part and "\0" not in part for part in parts)
    return is_plain and _ALLOWED.fullmatch(name) is not None


def against(path: Path, home: Path) -> tuple[list[Head], list[Problem]]:
    """What a backup holds against a home: the heads it noted, kept files and rows that are no longer what they were.

    Errors: BackupRefused.
    """
    with _opened(path) as archive:
        manifest = _manifest_of(archive, path)
        sha256, size = manifest.files[heads.FILE_NAME]
        lines = b"".join(_checked(archive, path, heads.FILE_NAME, sha256, size)).split(b"\n")
    noted = [Head(one.number, one.hash, f"备份{path.name}中{one.place}") for one in heads.parse(lines).heads]
    return [manifest.head, *noted], list(_differing(home, manifest.files.items(), path.name))


def _differing(
    home: Path, files: Iterable[tuple[str, tuple[str, int]]], backup_name: str
) -> Iterator[Problem]:
    for name, (sha256, _) in files:
        area = {"uploads": FILES, "rows": ROWS}.get(name.partition("/")[0])
        if area is None:
            continue
        try:
            if sha256_of(home / name) != sha256:
                yield Problem(area, f"{name}与备份{backup_name}中的不同", REMEDY[area])
        except FileNotFoundError:
            yield Problem(area, f"{name}缺失（备份{backup_name}中有）", REMEDY[area])


# ----------------------------------------------------------------------------------------------- drill


def drill(work: Workplace, path: Path, progress: Progress | None = None) -> Drill:
    """Restore a backup into a folder that is thrown away, verify it, build it, and compare every indicator.

    The indicators of the version that was published when the backup was made are held against those built from it
    now. `work` records that the drill took place; nothing else of it is touched. Errors: as `restore`.
    """
    started = now()
    try:
        with tempfile.TemporaryDirectory(prefix="railshift-drill-") as scratch:
            restored = restore(path, Path(scratch) / "home", progress=progress)
            compared, differing = _rebuilt(restored, progress)
            found = Drill(restored.proof, compared, differing)
    except (BackupRefused, LedgerUnavailable) as error:
        _record(work, jobs.DRILL, started, Outcome.FAILED, str(error), {})
        raise
    outcome = Outcome.DONE if found.is_passed else Outcome.PARTLY
    detail = {"file": path.name, "made_at": restored.manifest.made_at, "indicators": found.compared}
    _record(work, jobs.DRILL, started, outcome, found.sentence, detail)
    return found


def _rebuilt(restored: Restored, progress: Progress | None) -> tuple[int, tuple[str, ...]]:
    """How many indicators the published version has, and which of them are built otherwise now."""
    home = restored.home
    overlay = restored.declared / demo.SAMPLE if (home / demo.MARKER).is_file() else None
    declared = load_declared(restored.declared, overlay)
    engine = schema.open_ledger(home, f"sqlite:///{home / schema.FILE_NAME}")
    try:
        work = Workplace(home, engine, declared)
        published = _published(home)
        target = pipeline.publish_build(work, published.as_of if published else None, progress)
        before, after = _indicators(published) if published else {}, _indicators(Snapshot(target))
    finally:
        engine.dispose()
    if not before:
        return 0, ()
    return len(before), tuple(key for key in before | after if before.get(key) != after.get(key))


def _published(home: Path) -> Snapshot | None:
    """The version in the backup. Empty: there is none, or another version of the program made it."""
    path = publish.current_path(home)
    try:
        # Not the process's own collection of open versions: this one is thrown away.
        return Snapshot(path) if path else None
    except NothingPublished:
        return None


def _indicators(snapshot: Snapshot) -> dict[str, object]:
    """Every indicator of every year in every grouping, as `indicators --json` prints it, by its place."""
    found: dict[str, object] = {}
    for year, through in snapshot.choices(EVERYTHING).through.items():
        for by in GROUPINGS:
            for judged in evidence.indicators(snapshot, EVERYTHING, Filters(year, through), by):
                one = listing.judgement_json(judged)
                found[f"{year}年{one['id']} {one['object']}（{by}）"] = one
    return found
