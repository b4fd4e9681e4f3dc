"""The switch between the light and the dark theme and that of the system, which Streamlit has in a menu of its own, in English."""

from __future__ import annotations

import streamlit as st

from iceberg.locale import Translator

THEMES = {"System": "system", "Light": "light", "Dark": "dark"}  # Streamlit's names, and ours
_STYLE = """
fieldset { border: 0; margin: 0; padding: 0; font-family: var(--st-font, sans-serif); color: var(--st-text-color); }
legend { font-size: 0.875rem; padding: 0; margin-bottom: 0.25rem; }
div { display: flex; }
button {
  flex: 1; font: inherit; font-size: 0.875rem; min-height: 2.25rem; padding: 0.2rem 0.3rem; cursor: pointer; margin-left: -1px;
  color: inherit; background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color);
}
button:first-child { border-radius: 8px 0 0 8px; margin-left: 0; }
button:last-child { border-radius: 0 8px 8px 0; }
button[aria-pressed=true] { border-color: var(--st-primary-color); color: var(--st-primary-color); font-weight: 600; z-index: 1; }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; z-index: 2; }
"""
# Streamlit remembers a theme per address: what is chosen here holds for every page of the menu.
_SCRIPT = """
const NAME = (path) => `stActiveTheme-${path}-v2`;
function current() {
  try { return JSON.parse(localStorage.getItem(NAME(location.pathname)) ?? '"System"'); } catch { return "System"; }
}
function remember(theme) {
  const links = [...document.querySelectorAll("[data-testid=stSidebarNavLink]")].map((link) => new URL(link.href).pathname);
  const home = location.pathname.replace(/[^/]*$/, "");
  try {
    for (const path of new Set([...links, home, location.pathname])) localStorage.setItem(NAME(path), JSON.stringify(theme));
  } catch { /* a browser without storage: this page alone */ }
}
function choose(theme) {
  const menu = () => document.querySelector("[data-testid=stMainMenuButton]");
  menu()?.click();
  requestAnimationFrame(() => setTimeout(() => {
    document.querySelector(`[data-testid="stMainMenuItem-theme-${theme}"]`)?.click();
    if (document.querySelector("[data-testid=stMainMenuPopover]")) menu()?.click();
    remember(theme);
  }, 30));
}
export default function ({ data, parentElement }) {
  parentElement.querySelector("fieldset")?.remove();
  const set = parentElement.appendChild(document.createElement("fieldset"));
  set.appendChild(Object.assign(document.createElement("legend"), { textContent: data.label }));
  const row = set.appendChild(document.createElement("div"));
  const mark = (chosen) => { for (const one of row.children) one.setAttribute("aria-pressed", String(one.dataset.theme === chosen)); };
  for (const [theme, label] of Object.entries(data.themes)) {
    const button = row.appendChild(Object.assign(document.createElement("button"), { type: "button", textContent: label }));
    button.dataset.theme = theme;
    button.onclick = () => { mark(theme); choose(theme); };
  }
  mark(current());
}
"""


def show_theme_switch(words: Translator) -> None:
    """Draw the switch; the page stays as it is, in other colours."""
    component = st.components.v2.component("iceberg_theme", css=_STYLE, js=_SCRIPT)
    themes = {name: words.text(f"guide.theme_{own}") for name, own in THEMES.items()}
    component(key="iceberg_theme", data={"label": words.text("guide.theme"), "themes": themes})
