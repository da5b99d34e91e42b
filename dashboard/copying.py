"""A button that copies a text to the clipboard, in Chinese, with nothing sent to the server."""

from __future__ import annotations

import streamlit as st

_SCRIPT = """
export default function (component) {
  const button = component.parentElement.querySelector("button");
  const { label, text } = component.data;
  button.textContent = label;
  button.onclick = async () => {
    try { await navigator.clipboard.writeText(text); button.textContent = "已复制"; }
    catch { button.textContent = "浏览器不允许复制，请选中上面的文字"; }
    setTimeout(() => { button.textContent = label; }, 2000);
  };
}
"""
_STYLE = """
button { font: inherit; color: var(--st-text-color); background: transparent; padding: 4px 14px;
  cursor: pointer; border: 1px solid var(--st-border-color); border-radius: 4px; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""


def button(label: str, text: str) -> None:
    component = st.components.v2.component(
        "copy_button", html="<button type='button'></button>", css=_STYLE, js=_SCRIPT
    )
    component(data={"label": label, "text": text}, key=f"copy-{label}")
