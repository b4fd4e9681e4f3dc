"""Recognises how satisfaction scores are written (0 to 10, 1 to 5, percent, words, smileys), and gives the SQL of their levels.

A level is a whole number on the scale of the file. Scales with a finer unit are cut to whole steps from below, so that 8.9 is no promoter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.schema import SCALES, Scale
from iceberg.ingest.values.dates import BLANK_TEXTS

NO_ANSWER, NOT_ASKED, OUTSIDE = -1, -2, -3  # levels of cells that hold no score
NUMBER, PERCENT, WORD = "number", "percent", "word"  # ways in which a score is written, beside "of 5", "of 7", "of 10"


# Words and smileys by level: 1 very bad, 2 bad, 3 neither, 4 good, 5 very good. Lower case, without accents, apostrophes or punctuation.
_SATISFIED = r"(?:satisfied|happy|pleased)"
_CONTENT = r"(?:satisfaite?s?|contente?s?|heureu(?:x|se))"
_WORDS = {
    5: rf"(?:very|extremely|completely|totally|highly) {_SATISFIED}|"
    rf"(?:tres|tout a fait|extremement|entierement) {_CONTENT}|excellente?|amazing|awesome|"
    r"love it|promoters?|promot(?:eur|rice)s?|very good|tres bien|tres bonne?|parfait",
    4: rf"(?:rather |somewhat |quite |mostly )?{_SATISFIED}|(?:plutot |assez )?{_CONTENT}|good|great|good with comment|bonne?|bien|"
    r"positi(?:ve|f|ves|fs)|"
    r"thumbs? up|pouce (?:leve|en haut|vers le haut)|happy face",
    3: r"neutral(?:s|es)?|neutres?|neither satisfied nor dissatisfied|ni satisfaite? ni insatisfaite?|passives?|passifs?|ok|okay|fair|"
    r"average|moyen(?:ne)?|"
    r"correcte?|indifferente?s?|mixed|mitigee?s?",
    2: rf"(?:rather |somewhat |quite |mostly )?(?:dissatisfied|unsatisfied|unhappy)|not {_SATISFIED}|"
    r"(?:plutot |assez |peu )?(?:insatisfaite?s?|mecontente?s?)|"
    rf"(?:peu|pas|non) {_CONTENT}|bad|bad with comment|poor|mauvaise?|mediocre|negati(?:ve|f|ves|fs)|detractors?|detract(?:eur|rice)s?|thumbs? down|"
    r"pouce (?:baisse|en bas|vers le bas)",
    1: rf"(?:very|extremely|completely|totally|highly) (?:dissatisfied|unsatisfied|unhappy)|not at all {_SATISFIED}|"
    rf"(?:tres|tout a fait|extremement) (?:insatisfaite?s?|mecontente?s?)|pas du tout {_CONTENT}|terrible|awful|very bad|very poor|horrible|"
    r"tres mauvaise?|"
    r"hate it|nulle?",
}
_SMILEYS = {
    5: "😀😁😃😄😆😊😍🤩🥰😻😎❤♥",
    4: "🙂☺👍😌",
    3: "😐😑😶🤔",
    2: "🙁☹😕😟😞😒👎",
    1: "😡😠😤🤬😢😭😩😫💔",
}
_TYPED = {5: (":D", ":-D", "=D"), 4: (":)", ":-)", "=)"), 3: (":|", ":-|", ":/", ":-/"), 2: (":(", ":-(", "=("), 1: (":((", ":-((", ":'(")}
_NO_ANSWER = (
    r"offered|sent|pending|delivered|opened|no (?:answer|response|reply|score|rating)|not (?:answered|rated|responded)|unanswered|unrated|"
    r"(?:sans|pas de|aucune) (?:reponse|note)|non (?:repondue?|notee?)|pas (?:repondu|note)|en attente|envoyee?|proposee?"
)
_NOT_ASKED = (
    r"unoffered|not (?:offered|sent|asked|surveyed)|non (?:proposee?|envoyee?|sollicitee?|interrogee?)|"
    r"pas (?:propose|envoye|sollicite|interroge)e?"
)
# A number, then what says of what it is: "8/10", "4 sur 5", "4 stars", "85 %", "9 - very likely".
_LEAD = r"^([-+]?[0-9]+(?:[.,][0-9]+)?)"
_OF = r"(?: ?/ ?| sur | out of | of )([0-9]+)"
_LABEL = r"(?: ?[-:=(\[] ?[a-z(].*)"
_COUNTED = re.compile(rf"{_LEAD}(?:{_OF}| ?(%|pct|percent|pour ?cent)| ?(stars?|etoiles?)| ?(?:points?|pts?))?{_LABEL}?$")
_STARS = re.compile("([★⭐]{1,5})[☆✩]*")
_MARKS = "[.,!_'\u2019\ufe0f]"  # taken out of words; the last one asks for the coloured form of a character
_DRAWN_OF = {"5": "of 5", "7": "of 7", "10": "of 10", "4": "of 4", "3": "of 3", "100": PERCENT}
_FAMILY_SCALES = {"of 5": "1-5", "of 7": "1-7", "of 10": "0-10", "of 4": "1-4", "of 3": "1-3", PERCENT: "percent", WORD: "words"}
# Headers, normalised, that say the scale.
_SAYS_TEN = re.compile(r"\bnps\b|net promoter|promoter score|recommend|recommand|\b(?:sur|out of|of) 10\b|\b0 (?:a |to )?10\b")
_SAYS_OTHER = (
    (re.compile(r"\b(?:sur|out of|of) 5\b|\b1 (?:a |to )?5\b|\b(?:stars?|etoiles?)\b"), "1-5"),
    (re.compile(r"\b(?:sur|out of|of) 7\b|\b1 (?:a |to )?7\b"), "1-7"),
    (re.compile(r"\b(?:sur|out of|of) 4\b|\b1 (?:a |to )?4\b"), "1-4"),
    (re.compile(r"\b(?:percent|pct|pourcentage|pour cent)\b|\b(?:sur|out of) 100\b"), "percent"),
)
_EFFORT = re.compile(r"\b(?:effort|ces)\b")  # a high effort is bad, and a high ease is good: the numbers do not say which was asked
ENOUGH = 30  # judgement: that many answers of one company that never pass 5 come from no scale of ten
_CORE = 0.005  # judgement: values of a smaller share, among hundreds of answers, are mistakes of typing
_MANY = 200
_SMALL_SHARE = 0.2  # judgement: so many answers up to 10 beside others above 20 are another scale than percent
_OUTSIDE_SHARE = 0.2  # judgement: more answers outside the scale that a header names are another scale, not mistakes


@dataclass(frozen=True)
class ScaleQuestion:
    """Why the scale of a column cannot be known.

    Attributes:
        code: Key of the sentence.
        first, second: Examples: of both scales, or of the values.
        candidates: Scales that the values allow.
    """

    code: str
    first: str = ""
    second: str = ""
    candidates: tuple[str, ...] = ()


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.strip().lower())
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return re.sub(" +", " ", re.sub(_MARKS, "", folded)).strip()


def _words_level(text: str) -> int | None:
    """The level of a word or smiley; None where it is none."""
    bare = text.strip()
    for level, drawn in _SMILEYS.items():
        if bare.rstrip("\ufe0f") in set(drawn):
            return level
    for level, typed in _TYPED.items():
        if bare in typed:
            return level
    plain = _plain(text)
    return next((level for level, pattern in _WORDS.items() if re.fullmatch(pattern, plain)), None)


def read_score(text: str) -> tuple[str, float] | None:
    """How a score is written, and its number or level; ("", level) for a cell without a score; None where it cannot be read."""
    bare = text.strip()
    if (starred := _STARS.fullmatch(bare)) is not None:
        return "of 5", float(len(starred[1]))
    lower = unicodedata.normalize("NFKD", bare.lower())
    lower = "".join(letter for letter in lower if not unicodedata.combining(letter))
    if (found := _COUNTED.match(lower)) is not None:
        number = float(found[1].replace(",", "."))
        if found[2]:
            return (_DRAWN_OF[found[2]], number) if found[2] in _DRAWN_OF else None
        return (PERCENT if found[3] else "of 5" if found[4] else NUMBER), number
    plain = _plain(bare)
    if re.fullmatch(_NOT_ASKED, plain):
        return "", NOT_ASKED
    if re.fullmatch(_NO_ANSWER, plain):
        return "", NO_ANSWER
    level = _words_level(bare)
    return (WORD, float(level)) if level is not None else None


def looks_like_scores(values: Iterable[str | None]) -> bool:
    """Whether most non-blank cells of a sample can be read as scores."""
    filled = [text for value in values if (text := str(value or "").strip()) and text.lower() not in BLANK_TEXTS]
    return bool(filled) and sum(read_score(text) is not None for text in filled) >= 0.8 * len(filled)


def recognise_scale(header: str, counted: Mapping[str, int]) -> Scale | ScaleQuestion | None:
    """The scale of a column, the question that it leaves open, or None where no cell holds a score.

    Args:
        header: Normalised header.
        counted: How often each cell of the whole column stands there.
    """
    families: dict[str, dict[float, int]] = {}
    examples: dict[str, str] = {}
    for text, number in counted.items():
        found = read_score(text) if text.strip() and text.strip().lower() not in BLANK_TEXTS else None
        if found is not None and found[0]:
            of_family = families.setdefault(found[0], {})
            of_family[found[1]] = of_family.get(found[1], 0) + number
            examples.setdefault(found[0], text.strip())
    if not families:
        return None
    total = sum(sum(one.values()) for one in families.values())
    families = {name: one for name, one in families.items() if total < _MANY or sum(one.values()) >= _CORE * total}
    if len(families) > 1:
        first, second = sorted(families, key=lambda one: -sum(families[one].values()))[:2]
        return ScaleQuestion("scores_two_scales", examples[first], examples[second])
    [(family, values)] = families.items()
    if family in _FAMILY_SCALES:
        return SCALES[_FAMILY_SCALES[family]]
    return _numbered(header, values)


def _numbered(header: str, values: Mapping[float, int]) -> Scale | ScaleQuestion:
    """The scale of bare numbers, by what the header says, else by which numbers there are."""
    total = sum(values.values())
    core = {value for value, number in values.items() if total < _MANY or number >= _CORE * total}
    low, high = min(core), max(core)
    shown = (f"{low:g}", f"{high:g}")
    said = "0-10" if _SAYS_TEN.search(header) else next((name for pattern, name in _SAYS_OTHER if pattern.search(header)), "")
    if said:
        scale = SCALES[said]
        outside = sum(number for value, number in values.items() if not scale.low <= value <= scale.high)
        return ScaleQuestion("scores_off_scale", said, shown[1], _fitting(low, high)) if outside > _OUTSIDE_SHARE * total else scale
    fitting = _fitting(low, high)
    if not fitting or _EFFORT.search(header):
        return ScaleQuestion("scores_scale_unknown", *shown, fitting or tuple(SCALES))
    if high > SCALES["0-10"].high:
        small = sum(number for value, number in values.items() if 0 < value <= SCALES["0-10"].high)
        if small > _SMALL_SHARE * total:
            least = max(value for value in core if value <= SCALES["0-10"].high)
            return ScaleQuestion("scores_two_scales", f"{least:g}", shown[1])
        return SCALES["percent"] if total >= ENOUGH and high >= SCALES["percent"].high / 2 else ScaleQuestion("scores_scale_unknown", *shown, fitting)
    # A scale is taken where enough answers reach its end and use most of it; fewer could come from a longer one.
    whole = {int(value) for value in core}
    for name in ("1-5", "1-7", "0-10"):
        scale = SCALES[name]
        used = len(whole & set(scale.levels))
        reaches = high == scale.high if name != "0-10" else high > SCALES["1-7"].high
        if name in fitting and reaches and total >= ENOUGH and (used >= scale.high - 1 or name == "0-10"):
            return scale
    return ScaleQuestion("scores_scale_unknown", *shown, fitting)


def _fitting(low: float, high: float) -> tuple[str, ...]:
    """Scales that hold these numbers."""
    return tuple(name for name, scale in SCALES.items() if name != "words" and scale.low <= low and high <= scale.high)


def score_sql(text: str, scale: Scale) -> str:
    """SQL of the level of a cell, `NO_ANSWER`, `NOT_ASKED`, `OUTSIDE` for a number that the scale does not have, NULL where it cannot be read.

    Args:
        text: SQL of the cell, a VARCHAR.
        scale: How its numbers are taken; a score that is written in another way is read as none.
    """
    bare, lower = f"trim({text})", f"lower(strip_accents(trim({text})))"
    plain = f"trim(regexp_replace(regexp_replace({lower}, {quote_text(_MARKS)}, '', 'g'), ' +', ' ', 'g'))"
    silent = (
        f"WHEN regexp_full_match({plain}, {quote_text(_NOT_ASKED)}) THEN {NOT_ASKED} "
        f"WHEN regexp_full_match({plain}, {quote_text(_NO_ANSWER)}) THEN {NO_ANSWER} "
    )
    if scale.name == "words":
        cases = ""
        for level, pattern in _WORDS.items():
            smileys = [mark + more for mark in _SMILEYS[level] for more in ("", "\ufe0f")]
            drawn = ", ".join(quote_text(one) for one in (*_TYPED[level], *smileys))
            cases += f"WHEN {bare} IN ({drawn}) OR regexp_full_match({plain}, {quote_text(pattern)}) THEN {level} "
        return f"CASE {silent}{cases}END"
    allowed = {"percent": r" ?(?:%|pct|percent|pour ?cent|(?:/| ?sur | ?out of ) ?100)"}.get(
        scale.name, rf"(?: ?/ ?| sur | out of | of ){scale.high}" + (r"| ?(?:stars?|etoiles?)" if scale.name == "1-5" else "")
    )
    written = quote_text(f"{_LEAD}(?:{allowed}| ?(?:points?|pts?))?{_LABEL}?$")
    number = f"TRY_CAST(replace(regexp_extract({lower}, {written}, 1), ',', '.') AS DOUBLE)"
    cut = f"CAST(floor({number} / {scale.step}) AS INTEGER)"
    drawn = f"length(regexp_replace({bare}, '[☆✩]', '', 'g'))"
    stars = f"WHEN regexp_full_match({bare}, {quote_text(_STARS.pattern)}) THEN {drawn} " if scale.name == "1-5" else ""
    inside = f"WHEN {number} BETWEEN {scale.low} AND {scale.high} THEN {cut} WHEN {number} IS NOT NULL THEN {OUTSIDE} "
    return f"CASE {stars}{inside}{silent}END"
