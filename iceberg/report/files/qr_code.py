"""The QR code of a link, drawn as SVG or PNG. The only place that loads segno."""

from __future__ import annotations

import io

QUIET_MODULES = 4  # ISO/IEC 18004: the free margin on each side
MODULE_MM = 0.45  # judgement: a phone reads modules of a third of a millimetre at arm's length from a good print, and prints are not all good
SMALLEST_MM, LARGEST_MM = 20.0, 40.0


def qr_svg(link: str) -> bytes:
    """The code as SVG; empty where there is no link or it is too long for a code that can still be read from paper."""
    return _drawn(link, "svg", xmldecl=False, svgclass=None, lineclass=None, omitsize=True)


def qr_png(link: str) -> bytes:
    """The code as PNG, eight pixels a module; empty as with `qr_svg`."""
    return _drawn(link, "png", scale=8)


def qr_size_mm(link: str) -> float:
    """The edge of the code on paper, its margin included: a longer link has more modules."""
    return 0.0 if not link else max(SMALLEST_MM, _modules(link) * MODULE_MM)


def _drawn(link: str, kind: str, **style: object) -> bytes:
    if not link or qr_size_mm(link) > LARGEST_MM:
        return b""
    target = io.BytesIO()
    _code(link).save(target, kind=kind, border=QUIET_MODULES, dark="#000", light="#fff", **style)
    return target.getvalue()


def _modules(link: str) -> int:
    import segno

    try:
        return int(_code(link).symbol_size(border=QUIET_MODULES)[0])
    except segno.DataOverflowError:
        return 1000


def _code(link: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  # segno publishes no types for what it makes
    import segno

    return segno.make(link, error="m", micro=False)
