"""The look is set in one place each, and the server behaves alike in any folder."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from streamlit import config

from dashboard import server, widgets
from dashboard.palette import DARK_PALETTE, LIGHT_PALETTE, Palette


def css_colours(selector: str) -> dict[str, str]:
    """The custom properties of one rule of style.css."""
    text = widgets.STYLE.read_text(encoding="utf-8")
    rule = text[text.index(f"{selector} {{") :]
    return dict(re.findall(r"--rs-(\w+): (#[0-9a-f]{6});", rule[: rule.index("}")]))


@pytest.mark.parametrize(
    "palette, selector", [(LIGHT_PALETTE, ":root"), (DARK_PALETTE, ":root:has(.rs-dark)")]
)
def test_figures_and_pages_share_their_colours(palette: Palette, selector: str) -> None:
    css = css_colours(selector)
    meant = {field.name for field in fields(palette)} - {"ink", "line"}
    assert {name: getattr(palette, name) for name in meant} == {name: css[name] for name in meant}
    assert palette.ink == css["strong"]


@pytest.mark.parametrize(
    "option, value",
    [
        ("browser.gatherUsageStats", False),
        ("server.address", "127.0.0.1"),
        ("runner.postScriptGC", False),
        ("client.showErrorDetails", "none"),
        ("client.toolbarMode", "minimal"),
        ("server.fileWatcherType", "none"),
        ("server.maxUploadSize", 10),
        ("theme.light.primaryColor", LIGHT_PALETTE.rail),
        ("theme.dark.primaryColor", DARK_PALETTE.rail),
    ],
)
def test_the_server_sets_its_options_itself(option: str, value: object) -> None:
    server.set_options(server.config_file())
    assert config.get_option(option) == value


def test_no_font_or_style_is_fetched() -> None:
    files = [server.config_file(), widgets.STYLE, widgets.STYLE.with_name("signin.css")]
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"https?:|@import|url\(", text)


def test_a_fault_gets_a_number_and_its_trace_stays_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    monkeypatch.setattr(server.st, "error", said.append)
    assert server.on_script_error(RuntimeError("inner detail")) is True
    number = re.search(r"编号 ([0-9a-f]{8})", said[0])
    assert number is not None
    assert said[0].startswith("系统错误，与您的文件无关")
    assert "inner detail" not in said[0]
    assert number[1] in caplog.text
    assert "inner detail" in caplog.text
