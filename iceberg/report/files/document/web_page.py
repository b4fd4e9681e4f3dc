"""Writes the report as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from iceberg.report.files.document.blocks import (
    Block,
    Bullets,
    Figure,
    Figures,
    Paragraph,
    ReportSection,
    TableBlock,
    WrittenReport,
)
from iceberg.report.files.formula_guard import plain_text
from iceberg.report.files.pictures import FAMILY
from iceberg.report.files.qr_code import qr_size_mm, qr_svg
from iceberg.report.palette import FONT

# Nothing may be fetched and nothing may run, whatever a name in a file holds.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#f1f7fb;color:#0b2440;font:16px/1.5 FONT}
main{max-width:900px;margin:0 auto;padding:24px 16px 48px;background:#fff}
header p{margin:0 0 12px;color:#4a6178;display:flex;flex-wrap:wrap;gap:8px 16px;justify-content:space-between}
.badge{border:1px solid;border-radius:12px;padding:0 10px;font-weight:600}
.assumption_led{color:#9c4406}.mixed{color:#0f5c8c}.data_led{color:#127d5a}
h1{font-size:1.6rem;line-height:1.3;margin:.2em 0 .6em}
h2{font-size:1.2rem;color:#0f5c8c;margin:2em 0 .6em}
p{margin:.6em 0}li{margin:.35em 0}
.note{color:#4a6178;font-size:.875rem}.lead{font-size:1.05rem}.label{font-weight:600}
.caution{border:1px solid #9c4406;border-radius:4px;color:#9c4406;padding:6px 10px}
.code{float:right;margin:0 0 8px 16px;text-align:center;font-size:.8rem;color:#0f5c8c}.code img{width:100%;margin:0}
.fine{font-size:.9rem}
img{display:block;width:100%;height:auto;margin:12px auto}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:10px;margin:12px 0;padding:0;list-style:none}
.figures li{background:#f1f7fb;border-radius:6px;padding:10px;margin:0}
.figures b{display:block;font-size:1.3rem;color:#0f5c8c}.figures span{display:block;font-size:.85rem;color:#4a6178}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:12px 0}
caption{text-align:left;color:#4a6178;font-size:.875rem;padding-bottom:4px}
th,td{padding:5px 8px;border-bottom:1px solid #dbe6ee;vertical-align:top;text-align:left;font-variant-numeric:tabular-nums}
thead th{color:#4a6178;border-bottom:2px solid #0f5c8c}
tbody th{font-weight:400}
.right{text-align:right;white-space:nowrap}
thead .right{white-space:normal}
.total td,.total th{font-weight:600;background:#f1f7fb}
.hash,.note{overflow-wrap:anywhere}
footer{color:#4a6178;font-size:.85rem;margin-top:2em}
@media print{body{background:#fff;font-size:11pt}main{max-width:none;padding:0}section{break-inside:avoid-page}}
""".replace("FONT", FONT)
_HASH_LENGTH = 40


def build_web_page(report: WrittenReport) -> bytes:
    """The report as one HTML file."""
    parts = [
        "<!doctype html>",
        f'<html lang="{report.language}">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{_text(report.title)} – {_text(report.headline)}</title>",
        f'<meta name="author" content="{_text(report.author)}">' if report.author else "",
        f"<style>{STYLE}</style></head>",
        "<body><main>",
        f"<header><p><span><b>{_text(report.title)}</b> · {_text(report.period)}</span>",
        f'<span class="badge {report.badge_kind}">{_text(report.badge)}</span></p>',
        _code(report),
        f"<h1>{_text(report.headline)}</h1></header>",
        *(_block(block) for block in report.opening),
        *(_section(section) for section in report.sections),
        f"<footer>{_text(report.footer)}</footer>",
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part).encode("utf-8")


def _text(text: str) -> str:
    return escape(plain_text(text))


def _code(report: WrittenReport) -> str:
    """The link of the report as a code for a phone's camera, and for a click."""
    code = qr_svg(report.link)
    if not code:
        return ""
    drawn, says = b64encode(code).decode(), _text(report.link_says)
    size = f"{qr_size_mm(report.link):.0f}mm"
    return f'<a class="code" style="width:{size}" href="{escape(report.link)}"><img alt="" src="data:image/svg+xml;base64,{drawn}">{says}</a>'


def _section(section: ReportSection) -> str:
    held = "\n".join(_block(block) for block in section.blocks)
    kind = ' class="fine"' if section.fine else ""
    return f"<section{kind}><h2>{_text(section.title)}</h2>\n{held}</section>"


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return f'<p class="{block.style}">{_text(block.text)}</p>'
        case Bullets():
            return _bullets(block)
        case Figure():
            drawn = b64encode(block.svg.replace(FAMILY.encode(), FONT.replace("'", "").encode())).decode()
            return f'<img alt="{_text(block.alt)}" style="max-width:{100 * block.share:.0f}%" src="data:image/svg+xml;base64,{drawn}">'
        case TableBlock():
            return _grid(block)
        case Figures():
            items = "".join(f"<li>{_text(label)}<b>{_text(value)}</b><span>{_text(detail)}</span></li>" for label, value, detail in block.items)
            return f'<ul class="figures">{items}</ul>'


def _bullets(block: Bullets) -> str:
    kind = "ol" if block.numbered else "ul"
    items = "".join(f"<li>{f'<b>{_text(bold)}</b> – ' if bold else ''}{_text(text)}</li>" for bold, text in block.items)
    return f"<{kind}>{items}</{kind}>"


def _grid(grid: TableBlock) -> str:
    headers = "".join(f'<th scope="col"{_side(place, grid)}>{_text(header)}</th>' for place, header in enumerate(grid.headers))
    rows = []
    for line, row in enumerate(grid.rows, 1):
        kind = ' class="total"' if grid.total and line == len(grid.rows) else ""
        cells = "".join(f"<td{_side(place, grid, cell)}>{_text(cell)}</td>" for place, cell in enumerate(row) if place)
        rows.append(f'<tr{kind}><th scope="row">{_text(row[0])}</th>{cells}</tr>')
    return (
        f'<div class="scroll"><table><caption>{_text(grid.caption)}</caption><thead><tr>{headers}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _side(place: int, grid: TableBlock, cell: str = "") -> str:
    if grid.align[place] == "right":
        return ' class="right"'
    return ' class="hash"' if len(cell) >= _HASH_LENGTH and " " not in cell else ""
