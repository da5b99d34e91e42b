"""What the tree promises beyond lint and types; run by `make check`.

No tracked file holds a download address or a path of one machine, the lock covers every
dependency of pyproject.toml, and the wheel carries the declared data and the look of the pages.
Prints each broken promise with its place and exits 1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

# Own machine, names of XML namespaces and the reserved example hosts are no addresses to download from.
ADDRESS = re.compile(
    r"(?:https?|ftp|git|ssh|s3)(?:\+[a-z]+)?://"
    r"(?!127\.0\.0\.1|localhost|\[::1\]|www\.w3\.org/|schemas\.|(?:[\w-]+\.)*example[/:\"']|\{|<)"
)
INDEX = re.compile(r"(?:^|\s)-i\s|index-url\s*=|find-links\s*=|tool\.uv\.(?:index|sources)")
MACHINE_PATH = re.compile(r"(?<![\w.)}\]])/(?:work|root|Users|farm)/|/home/[a-z]")
BUILD_FILES = {"pyproject.toml", "requirements.lock", "Makefile", ".ci/run"}
# The text of the licence is not ours to change.
STANDARD_TEXT = {"LICENSE"}


def tracked() -> list[str]:
    """Every file that is or would be committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted({name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()})


def addresses() -> Iterator[str]:
    """Lines with a download address, a package index or a path of one machine."""
    for name in tracked():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if name in STANDARD_TEXT:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if ADDRESS.search(line):
                yield f"{name}:{number}: a download address"
            if MACHINE_PATH.search(line):
                yield f"{name}:{number}: a path of one machine"
            if name in BUILD_FILES and INDEX.search(line):
                yield f"{name}:{number}: a package index"


def lock_gaps() -> Iterator[str]:
    """Dependencies of pyproject.toml that requirements.lock lacks or holds outside their bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locked: dict[str, set[str]] = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line):
            locked.setdefault(canonicalize_name(found[1]), set()).add(found[2])
    groups = project.get("dependency-groups", {})
    for text in [*project["project"]["dependencies"], *(r for group in groups.values() for r in group)]:
        wanted = Requirement(text)
        versions = locked.get(canonicalize_name(wanted.name), set())
        if not versions:
            yield f"requirements.lock: {wanted.name} is missing; run `make lock`"
        for version in sorted(versions):
            if not wanted.specifier.contains(version, prereleases=True):
                yield f"requirements.lock: {wanted.name} {version} breaks {wanted.specifier}; run `make lock`"


def wheel_gaps() -> Iterator[str]:
    """Files of etl/, dashboard/, data/ and .streamlit/ that the built wheel does not carry."""
    with tempfile.TemporaryDirectory() as folder:
        build = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if build.returncode:
            yield f"the wheel does not build: {build.stderr.strip().splitlines()[-1]}"
            return
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            carried = set(wheel.namelist())
    moved = {"data/": "etl/declared/", ".streamlit/": "dashboard/.streamlit/"}
    for name in tracked():
        top = name.partition("/")[0] + "/"
        if top in moved or top in ("etl/", "dashboard/"):
            inside = moved.get(top, top) + name.removeprefix(top)
            if inside not in carried:
                yield f"{name}: not in the wheel (as {inside})"


def main() -> int:
    broken = [*addresses(), *lock_gaps(), *wheel_gaps()]
    for line in broken:
        print(line, file=sys.stderr)
    print(f"tree: {len(broken)} broken promises" if broken else "tree: as promised")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
