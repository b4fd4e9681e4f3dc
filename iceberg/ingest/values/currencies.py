"""The currencies that are written beside amounts: how each is written, and which one a cell names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from iceberg.ingest.engine.connection import quote_text

# Upper case. A sign that several countries share stands for the one that most files mean: $ is USD, kr is SEK, Rs is INR.
_SIGNS = {
    "USD": "US$ U.S.$ $US USD $ ＄ USDOLLARS USDOLLAR DOLLARS DOLLAR",
    "EUR": "€ EUR EUROS EURO",
    "GBP": "£ ₤ GBP",
    "CHF": "CHF SFR. SFR FR. FR",
    "CAD": "CA$ C$ $CA $C CAD CAN$ $CAN",
    "AUD": "AU$ A$ $AU AUD",
    "NZD": "NZ$ NZD",
    "HKD": "HK$ HKD",
    "SGD": "S$ SG$ SGD",
    "MXN": "MX$ MEX$ MXN",
    "BRL": "R$ BRL",
    "SEK": "KR. KR SEK",
    "NOK": "NOK NKR",
    "DKK": "DKK DKR",
    "INR": "₹ RS. RS ₨ INR",
    "JPY": "¥ ￥ JP¥ JPY 円",
    "CNY": "CN¥ RMB CNY 元",
    "KRW": "₩ KRW",
    "TRY": "₺ TL TRY",
    "RUB": "₽ RUB РУБ. РУБ",
    "UAH": "₴ UAH ГРН. ГРН",
    "ILS": "₪ ILS NIS",
    "PLN": "ZŁ ZL PLN",
    "CZK": "KČ KC CZK",
    "HUF": "FT HUF",
    "RON": "LEI LEU RON",
    "BGN": "ЛВ. ЛВ BGN",
    "ZAR": "R ZAR",
    "MAD": "DHS. DHS DH. DH MAD",
    "AED": "AED",
    "SAR": "SAR SR",
    "EGP": "E£ EGP",
    "TND": "DT TND",
    "DZD": "DA DZD",
    "XOF": "FCFA CFA XOF F.CFA",
    "XAF": "XAF",
    "XPF": "XPF FCFP",
    "NGN": "₦ NGN",
    "KES": "KSH KES",
    "GHS": "GHS GH₵",
    "THB": "฿ THB",
    "IDR": "RP IDR",
    "MYR": "RM MYR",
    "PHP": "₱ PHP",
    "VND": "₫ Đ VND",
    "TWD": "NT$ TWD",
    "COP": "COP COL$",
    "CLP": "CLP",
    "ARS": "ARS AR$",
    "PEN": "S/. S/ PEN",
    "UYU": "$U UYU",
    "BOB": "BS. BS BOB",
    "CRC": "₡ CRC",
    "GTQ": "Q GTQ",
    "ISK": "ISK",
    "PKR": "PKR",
    "LKR": "LKR",
    "BDT": "৳ TK. TK BDT",
    "KWD": "KD KWD",
    "QAR": "QR QAR",
    "BHD": "BHD",
    "OMR": "OMR",
    "JOD": "JOD",
    "TZS": "TSH TZS",
    "UGX": "USH UGX",
    "RSD": "RSD",
    "GEL": "₾ GEL",
    "KZT": "₸ KZT",
}
_CODE_OF = {sign: code for code, signs in _SIGNS.items() for sign in signs.split()}
# Parts of written-out names, the longer ones first.
_NAMES = {"CANADIAN DOLLAR": "CAD", "AUSTRALIAN DOLLAR": "AUD", "DOLLAR CANADIEN": "CAD", "DOLLAR": "USD", "EURO": "EUR", "POUND": "GBP"}
_NAMES |= {"STERLING": "GBP", "FRANC SUISSE": "CHF", "SWISS FRANC": "CHF", "FRANCS SUISSES": "CHF", "YEN": "JPY"}
_BY_LENGTH = sorted(_CODE_OF, key=lambda sign: (-len(sign), sign))
SIGN = f"(?:{'|'.join(map(re.escape, _BY_LENGTH))})"
CODES = frozenset(_SIGNS)
WITHOUT_CENTS = frozenset({"JPY", "KRW", "VND", "CLP", "XOF", "XAF", "XPF", "IDR", "HUF", "ISK", "UGX", "TZS"})
# A sign, or the sign with its code, before or behind the amount; blanks have been taken out and letters are upper case.
_BEFORE = re.compile(f"^[-+(]*({SIGN})(?:{SIGN})?[-+]?[0-9.,]")
_PAID_PER = "(?:(?:/|PAR|PER|PRO|POR|AL)[A-Z\u00c9\u00d1]+\\.?|P\\.?[AM]\\.?)?"  # "/MOIS", "P.A."
_BEHIND = re.compile(f"[0-9.,)-](?:[$])?({SIGN})(?:HT|TTC)?{_PAID_PER}[)-]*$")
_DOLLAR = "$"  # of which country a code at the other end may say


def currency_in(text: str) -> str:
    """ISO code of the currency in a text without blanks and in upper case; "" where there is none."""
    before, behind = _BEFORE.search(text), _BEHIND.search(text)
    found = behind if before is None or (behind is not None and before[1] == _DOLLAR) else before
    return _CODE_OF[found[1]] if found else ""


def currencies_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The currencies of several such texts, the most frequent first."""
    counts: dict[str, int] = {}
    for text in texts:
        if code := currency_in(text):
            counts[code] = counts.get(code, 0) + 1
    return tuple(sorted(counts, key=lambda code: -counts[code]))  # of equally many, the first one


def currency_named(text: str) -> str:
    """ISO code that a cell of a column of currencies names: "EUR", "€", "us dollars"; "" where it names none."""
    plain = " ".join(text.split()).upper()
    return _CODE_OF.get(plain.replace(" ", ""), "") or next((code for name, code in _NAMES.items() if name in plain), "")


def looks_like_currencies(values: Iterable[str | None]) -> bool:
    """Whether every filled cell of a sample names a currency."""
    filled = [text for value in values if value is not None and (text := value.strip())]
    return bool(filled) and all(map(currency_named, filled))


def sign_sql(text: str) -> str:
    """SQL of the sign in a text without blanks and in upper case, "" where there is none."""
    before, behind = (f"regexp_extract({text}, {quote_text(pattern.pattern)}, 1)" for pattern in (_BEFORE, _BEHIND))
    return f"CASE WHEN {before} IN ('', '{_DOLLAR}') AND {behind} <> '' THEN {behind} ELSE {before} END"


def rate_sql(text: str, base: str, rates: Mapping[str, float]) -> str:
    """SQL of the factor that brings an amount to the currency `base`; NULL for a currency without a rate.

    Args:
        text: SQL of a text without blanks and in upper case; one without a sign is an amount in `base`.
        base: Currency of the result, "" where the amounts name none.
        rates: What one unit of each other currency is worth in `base`.
    """
    worth = {"": 1.0, **{sign: 1.0 if code == base else rates[code] for sign, code in _CODE_OF.items() if base and (code == base or code in rates)}}
    return f"CASE {sign_sql(text)} {' '.join(f'WHEN {quote_text(sign)} THEN {factor!r}' for sign, factor in worth.items())} END"
