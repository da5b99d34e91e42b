"""The demonstration, built once by the command line and served as a bureau would; Chromium looks at it.

The server writes down every connection and name look-up that it makes (an audit hook inside the
process, and strace around it where there is one): test_offline.py reads both.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Playwright, sync_playwright

from etl.demo import MARKER
from etl.reference import load_declared

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-quic",
]  # fmt: skip
START_SECONDS = 120
# So many looks in a row find a place where it was.
STILL = 5
SETTLE_SECONDS = 60
# An audit hook sees every socket of the process before it is used; it writes down the other end's host.
SERVER = """
import sys
seen = open(sys.argv[1], "a", buffering=1)
LOOKED_UP = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
REACHED = ("socket.connect", "socket.sendto", "socket.sendmsg")
def watch(event, arguments):
    if event in LOOKED_UP:
        seen.write(str(arguments[0]) + "\\n")
    elif event in REACHED and isinstance(arguments[1], tuple):
        seen.write(str(arguments[1][0]) + "\\n")
sys.addaudithook(watch)
import socket
socket.getaddrinfo("127.0.0.1", None)  # so that an empty file means a deaf hook
import uvicorn
uvicorn.run("dashboard.server:app", host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""


@dataclass(frozen=True)
class Site:
    """The running server."""

    address: str
    home: Path
    audit: Path
    trace: Path | None
    log: Path
    data: Path = DATA


def run_cli(
    home: Path,
    *arguments: str,
    data: Path = DATA,
    said: str | None = None,
    more: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """A command on a run-time folder; `said` is what it reads from stdin, `more` goes into its environment."""
    return subprocess.run(
        [sys.executable, "-m", "etl.cli", *arguments],
        cwd=ROOT, env=environment(home, data, more), capture_output=True, text=True, check=False, input=said,
    )  # fmt: skip


def environment(home: Path, data: Path = DATA, more: dict[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "RAILSHIFT_HOME": str(home), "RAILSHIFT_DATA": str(data), **(more or {})}


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    done = run_cli(home, "demo")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Starts a server on a run-time folder, with declared data of its own where given; all stop at the end."""
    running: list[subprocess.Popen] = []

    def start(
        home: Path, data: Path = DATA, more: dict[str, str] | None = None, port: int | None = None
    ) -> Site:
        folder = tmp_path_factory.mktemp("server")
        port = port or free_port()
        site = Site(
            f"http://127.0.0.1:{port}", home, folder / "audit",
            folder / "trace" if shutil.which("strace") else None, folder / "log", data,
        )  # fmt: skip
        traced = [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-e",
            "trace=connect,sendto,sendmsg,sendmmsg",
            "-o",
            str(site.trace),
        ]
        command = [sys.executable, "-c", SERVER, str(site.audit), str(port)]
        with site.log.open("w", encoding="utf-8") as log:
            server = subprocess.Popen(
                [*(traced if site.trace else []), *command],
                cwd=ROOT, env=environment(home, data, more), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        running.append(server)
        _wait(site, server)
        return site

    yield start
    for server in running:
        # strace blocks the signal for itself: the server below it gets it as one of the group.
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(site: Site, server: subprocess.Popen) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert server.poll() is None, site.log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{site.address}/healthz") as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no answer from the server: {site.log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="session")
def site(serve: Callable[..., Site], demo_home: Path) -> Site:
    return serve(demo_home)


# The sample's figures, as if they were real: no label, accounts instead of a choice of roles.
PASSWORD = "一句只有我们几个人知道的话"
ACCOUNTS = {
    "root": ("管理", "--display", "王管理"),
    "zhang": ("分析", "--display", "张三"),
    "mine": ("企业", "--display", "示例煤业八矿", "--unit", "91140900MADEM0089P"),
    "baode": ("县区", "--display", "保德填报", "--county", "140931"),
    "fagai": ("部门", "--department", "市发改委"),
    "lingdao": ("领导", "--display", "李领导"),
    "tielu": ("铁路", "--display", "车务段"),
}


@dataclass(frozen=True)
class RealData:
    """A run-time folder that is no demonstration, its declared data, and the environment that goes with both."""

    home: Path
    data: Path
    more: dict[str, str]

    def run(self, *arguments: str, said: str | None = None) -> str:
        done = run_cli(self.home, *arguments, data=self.data, said=said, more=self.more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def real_data(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> RealData:
    folder = tmp_path_factory.mktemp("real")
    home, data = folder / "home", folder / "data"
    shutil.copytree(demo_home, home)
    shutil.copytree(DATA, data, ignore=shutil.ignore_patterns("sample"))
    shutil.copytree(DATA / "sample" / "reference", data / "reference", dirs_exist_ok=True)
    (home / MARKER).unlink()
    today = load_declared(DATA, DATA / "sample").demo_today
    real = RealData(home, data, {"RAILSHIFT_TODAY": str(today)})
    real.run("build")
    for name, (role, *options) in ACCOUNTS.items():
        real.run("account", "add", name, "--role", role, *options, "--stdin", said=PASSWORD)
    return real


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
    yield chromium
    chromium.close()


def latin_words(page: Page, allowed: set[str]) -> set[str]:
    """Latin words in sight but those in capitals (codes, units) and `allowed`.

    Without icons, which are drawn from their English names, the skip link, which is shown in Chinese, and files,
    which keep the name they came with.
    """
    text = page.locator("body").inner_text()
    for icon in page.locator("[data-testid=stIconMaterial], [data-testid=stSkipToContent]").all_inner_texts():
        text = text.replace(icon, "", 1)
    text = re.sub(r"[\w-]+\.(csv|xlsx?)\b", "", text)
    return {word for word in re.findall(r"[A-Za-z]{2,}", text) if not word.isupper()} - allowed


def at_rest(place: Locator) -> Locator:
    """The same place once it stands still: a grid that is drawn late moves what is below it from under a click."""
    place.scroll_into_view_if_needed()
    seen: list[object] = []
    while len(seen) < STILL or any(one != seen[-1] for one in seen[-STILL:]):
        place.page.wait_for_timeout(50)
        seen.append(place.bounding_box())
    return place


@dataclass
class Visitor:
    """One browser profile. `outside` lists every request that left for another host."""

    site: Site
    context: BrowserContext
    page: Page
    outside: list[str]

    def sign_in(self, role: str, following: str = "") -> None:
        self.page.goto(f"{self.site.address}/signin" + (f"?next={following}" if following else ""))
        self.page.locator("button", has=self.page.locator("b", has_text=role)).first.click()

    def open(self, path: str) -> None:
        """Load a page and wait until it is drawn."""
        self.page.goto(f"{self.site.address}{path}")
        self.settle()

    def settle(self) -> None:
        """The head and the filters stand, and nothing is running or stale any more."""
        self.page.wait_for_selector(".rs-head")
        self.page.wait_for_selector(".st-key-filters input[role=combobox]", state="attached")
        # Asked from here again and again: the page's policy forbids it to evaluate the text of a question.
        until = time.monotonic() + SETTLE_SECONDS
        while not self._is_still():
            assert time.monotonic() < until, "the page is still being drawn"
            self.page.wait_for_timeout(50)

    def _is_still(self) -> bool:
        try:
            return self.page.evaluate(
                "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
                " && !document.querySelector('[data-stale=true]')"
            )
        except Error:
            # It is just being replaced by the next page.
            return False

    def filters(self) -> list[str]:
        """What the filters in sight stand on."""
        boxes = self.page.locator(".st-key-filters input[role=combobox]:visible").all()
        return [box.input_value() for box in boxes]

    def choose(self, name: str, value: str) -> None:
        self.page.locator(f".st-key-filters .st-key-{name} button").click()
        self.page.get_by_role("option", name=value, exact=True).click()
        self.settle()


@pytest.fixture
def visitor(request: pytest.FixtureRequest, site: Site, browser: Browser) -> Iterator[Visitor]:
    """A fresh profile; parametrize indirectly with a width to change the screen."""
    width = getattr(request, "param", 1440)
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
    page = context.new_page()
    outside: list[str] = []
    context.on(
        "request",
        lambda r: outside.append(r.url) if not r.url.startswith((site.address, "data:", "blob:")) else None,
    )
    yield Visitor(site, context, page, outside)
    context.close()
