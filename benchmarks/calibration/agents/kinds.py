"""The kinds of companies: what is different about each (`KINDS`). The seed of a company is made of the kind's name and its number."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.calibration.agents.company import Company, Notice, Outage, Records, Rng, draw_company, even_out, yearly
from benchmarks.calibration.agents.days import History, live


@dataclass(frozen=True)
class Kind:
    """A kind of company.

    Attributes:
        company: Draws one.
        says: What is different about it.
        fair: Whether nothing that the product may assume is broken.
    """

    company: Callable[[Rng], Company]
    says: str
    fair: bool = False


def draw_history(name: str, seed: int) -> tuple[History, Rng]:
    """Company number `seed` of a kind with its history, and the generator for what its files hold."""
    rng = np.random.default_rng([zlib.crc32(b"agents " + name.encode()), seed])
    return live(KINDS[name].company(rng), rng), rng


def everyday(rng: Rng) -> Company:
    """Nothing is unusual."""
    return draw_company(rng)


def few_customers(rng: Rng) -> Company:
    """Three to six thousand customers."""
    return draw_company(rng, customers=(3_000, 6_000), services=(3, 5))


def notice_period(rng: Rng) -> Company:
    """30 or 90 days of notice, then to the end of a month or of a quarter."""
    return replace(draw_company(rng), notice=Notice(days=int(rng.choice([30, 30, 60, 90])), months=int(rng.choice([1, 1, 3]))))


def billing_run(rng: Rng) -> Company:
    """Departures are entered by the billing run, once or twice a month."""
    days = ((1,), (1, 15), (28,), (5, 20))
    return replace(draw_company(rng), records=Records(run_days=days[int(rng.integers(len(days)))]))


def fringe(rng: Rng) -> Company:
    """A loyal core, and a fringe that leaves and speaks far more easily."""
    company = replace(draw_company(rng), fringe=(float(rng.uniform(0.15, 0.35)), float(rng.uniform(4, 7)), float(rng.uniform(1.5, 3))))
    return replace(company, natural=company.natural * 0.5, ease=0.3).each(lose=lambda one: one.lose * 0.5)


def same_customers(rng: Rng) -> Company:
    """Failures strike the same customers again and again."""
    return replace(draw_company(rng), luck=float(rng.uniform(2, 4)), again=float(rng.uniform(0.3, 0.5))).each(per_year=lambda one: one.per_year * 0.7)


def third_time(rng: Rng) -> Company:
    """Nobody complains before the second or third time."""
    company = replace(draw_company(rng), patience=int(rng.integers(2, 4)), again=float(rng.uniform(0.2, 0.4)), luck=1.0)
    return company.each(speak=lambda one: min(2.5 * one.speak, 0.9), per_year=lambda one: 1.5 * one.per_year)


def goodbye(rng: Rng) -> Company:
    """A fifth to two fifths of those who have decided to leave complain before the end."""
    return replace(draw_company(rng), goodbye=float(rng.uniform(0.2, 0.4)), notice=Notice(days=int(rng.integers(10, 40))))


def other_name(rng: Rng) -> Company:
    """What makes customers leave is complained of under the name of something that does not."""
    company = draw_company(rng, services=(4, 8))
    cause, label = (int(one) for one in rng.choice(len(company.services), 2, replace=False))
    company = company.one(label, lambda one: replace(one, lose=0.004))
    return company.one(cause, lambda one: replace(one, lose=float(rng.uniform(0.15, 0.3)), filed_as=(label, float(rng.uniform(0.6, 0.9)))))


def one_bad_day(rng: Rng) -> Company:
    """An outage on one day for a third of a large region."""
    company = draw_company(rng)
    region, service = int(company.shares.argmax()), int(rng.integers(len(company.services)))
    outage = Outage(company.inside(float(rng.uniform(0.2, 0.8))), service, region, share=float(rng.uniform(0.25, 0.45)))
    return replace(company, outages=(outage,)).one(service, lambda one: replace(one, lose=float(rng.uniform(0.08, 0.2))))


def doubling(rng: Rng) -> Company:
    """Twice as many customers every year."""
    return _growing(draw_company(rng), 2.0)


def shrinking(rng: Rng) -> Company:
    """A quarter to two fifths fewer customers every year: hardly anybody comes."""
    company = draw_company(rng)
    return replace(_growing(company, float(rng.uniform(0.6, 0.75))), natural=float(rng.uniform(0.018, 0.028)))


def _growing(company: Company, factor: float) -> Company:
    years = (np.arange(company.days) - company.inside(0.5)) / 365.25
    return replace(company, level=factor**years)


def students(rng: Rng) -> Company:
    """A business of seasons: they come within weeks, fail most while it is busy, and leave together at the end."""
    company = draw_company(rng)
    opens = float(rng.random())
    busy = yearly(company, swing=float(rng.uniform(1.5, 4)), peak=opens + 0.1)
    ends = yearly(company, swing=float(rng.uniform(4, 9)), peak=opens + float(rng.uniform(0.6, 0.8)))
    company = replace(company, arrivals=yearly(company, swing=12.0, peak=opens), calendar=company.calendar * ends)
    return company.each(trouble=lambda one: even_out(one.trouble * busy, company.shares))


def price_news(rng: Rng) -> Company:
    """A price rise: departures in the weeks of the letter, complaints of the price with the first higher bill a month later."""
    company = draw_company(rng)
    day, number = company.inside(float(rng.uniform(0.25, 0.7))), int(rng.integers(len(company.services)))
    since = np.arange(company.days) - day
    letter = 1 + rng.uniform(1.0, 2.5) * ((since >= 0) & (since < 35))
    noise = np.zeros((len(company.services), len(company.regions), company.days))
    noise[number] = float(rng.uniform(0.02, 0.05)) / 30 * ((since >= 30) & (since < 75))
    return replace(company, calendar=company.calendar * letter, noise=noise)


def rival_campaign(rng: Rng) -> Company:
    """A competitor's campaign of some weeks in one or two regions; nobody complains more."""
    company = draw_company(rng)
    calendar = company.calendar.copy()
    for region in rng.choice(len(company.regions), int(rng.integers(1, 3)), replace=False):
        first = company.inside(float(rng.uniform(0.1, 0.8)))
        calendar[region, first : first + int(rng.integers(45, 120))] *= rng.uniform(2.0, 3.5)
    return replace(company, calendar=calendar)


def slow_poison(rng: Rng) -> Company:
    """Each failure raises the chance of leaving for about two years."""
    return draw_company(rng).each(memory_days=lambda one: float(rng.uniform(300, 600)), lose=lambda one: min(1.5 * one.lose, 0.4))


def repaired(rng: Rng) -> Company:
    """One or two failures begin within the window, and are repaired within it."""
    company = draw_company(rng)
    for number in rng.choice(len(company.services), int(rng.integers(1, 3)), replace=False):
        first, last = company.inside(float(rng.uniform(0.1, 0.35))), company.inside(float(rng.uniform(0.55, 0.85)))
        there = np.where((np.arange(company.days) >= first) & (np.arange(company.days) < last), 1.0, 0.02)
        service = company.services[number]
        changed = replace(service, trouble=even_out(service.trouble * there, company.shares), lose=float(rng.uniform(0.1, 0.3)))
        company = company.one(int(number), lambda one, changed=changed: changed)
    return company


def households(rng: Rng) -> Company:
    """One to several contracts a household, which leave together."""
    return replace(draw_company(rng), household=(float(rng.uniform(1.6, 2.4)), float(rng.uniform(0.7, 0.95))))


def few_large(rng: Rng) -> Company:
    """Business customers with one to a hundred and fifty sites, which leave together."""
    company = draw_company(rng, customers=(3_000, 12_000), services=(3, 6))
    return replace(company, household=(1.0, float(rng.uniform(0.4, 0.8))), largest_group=int(rng.integers(40, 150)))


def late_entries(rng: Rng) -> Company:
    """Complaints are entered weeks after they were made."""
    return replace(draw_company(rng), records=Records(lag_days=float(rng.uniform(15, 50))))


def echoes(rng: Rng) -> Company:
    """The same complaint comes in by telephone, by letter and by the app: two to three tickets."""
    return replace(draw_company(rng), records=Records(echoes=float(rng.uniform(0.8, 1.8))))


def returns(rng: Rng) -> Company:
    """A fifth to two fifths of those who leave come back, half of them under their old record, whose last day is erased."""
    return replace(draw_company(rng), comes_back=float(rng.uniform(0.2, 0.4)), records=Records(reopened=0.5))


def soothed(rng: Rng) -> Company:
    """A complaint takes away half or more of the anger."""
    return draw_company(rng).each(relief=lambda one: float(rng.uniform(0.4, 0.9)))


def harmless(rng: Rng) -> Company:
    """Failures annoy, and nobody leaves because of them."""
    return draw_company(rng).each(lose=0.0)


KINDS: dict[str, Kind] = {
    "everyday": Kind(everyday, "nothing is unusual", fair=True),
    "few_customers": Kind(few_customers, "3,000 to 6,000 customers", fair=True),
    "harmless": Kind(harmless, "nobody leaves because of a failure", fair=True),
    "notice_period": Kind(notice_period, "30 to 90 days of notice, to the end of a month or quarter"),
    "billing_run": Kind(billing_run, "departures are entered on one or two days of the month"),
    "fringe": Kind(fringe, "a loyal core and a fringe that leaves and speaks"),
    "same_customers": Kind(same_customers, "failures strike the same customers again"),
    "third_time": Kind(third_time, "complaints from the second or third time on"),
    "goodbye": Kind(goodbye, "complaints after the decision to leave"),
    "other_name": Kind(other_name, "the cause is complained of under another name"),
    "one_bad_day": Kind(one_bad_day, "an outage on one day in one region"),
    "doubling": Kind(doubling, "twice as many customers every year"),
    "shrinking": Kind(shrinking, "hardly anybody comes any more"),
    "students": Kind(students, "a business of strong seasons"),
    "price_news": Kind(price_news, "departures with the letter, complaints with the bill"),
    "rival_campaign": Kind(rival_campaign, "a competitor's campaign; nobody complains more"),
    "slow_poison": Kind(slow_poison, "a failure acts for two years"),
    "repaired": Kind(repaired, "failures begin in the window and are repaired"),
    "households": Kind(households, "contracts of a household leave together"),
    "few_large": Kind(few_large, "business customers with many sites"),
    "late_entries": Kind(late_entries, "complaints are entered weeks later"),
    "echoes": Kind(echoes, "two to three tickets for a complaint"),
    "returns": Kind(returns, "left and came back"),
    "soothed": Kind(soothed, "a complaint takes most of the anger away"),
}
