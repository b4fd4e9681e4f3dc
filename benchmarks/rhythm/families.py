"""Twelve kinds of logs. All come from one simulator, which lives by days and is not the model that judges them; sizes are small."""

from __future__ import annotations

from dataclasses import replace

from iceberg.simulation.gym import VisitWorld

MEMBERS, SEEDS = 3_000, tuple(range(1, 21))
_GYM = VisitWorld(members=MEMBERS)

FAMILIES: dict[str, VisitWorld] = {
    "regular": replace(_GYM, clumps=-1, visits=2.5, pauses=0.006),  # the same number of visits nearly every week
    "clumpy": replace(_GYM, clumps=0.6),
    "seasonal": replace(_GYM, season=0.35),
    "pausing": replace(_GYM, pauses=0.025, pause_weeks=7),
    "ramping": replace(_GYM, ramp_up=12, joining=0.7),
    "fading": replace(_GYM, kinds=(0.2, 0.6, 0.2)),
    "partial": replace(_GYM, kinds=(0.15, 0.1, 0.75), two_stages=0.3, visits=3),
    "slow shop": replace(_GYM, visits=0.5, spread=0.5, pauses=0.003, pause_weeks=8),
    "daily": replace(_GYM, visits=5, spread=0.3),
    "calm": replace(_GYM, breaks=0.0, drift=0.3),
    "short log": replace(_GYM, weeks=40),
    "incidents": replace(_GYM, members=2 * MEMBERS, incidents=0.004, struck_share=0.2),
}
