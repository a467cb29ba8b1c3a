"""A measurement that took long proves nothing about a clock, nor does the middle of such measurements."""

from dataclasses import replace

from tasks.preflight.model import Clock
from tests.unit.preflight_survey import CAPTURES, DEV_BOX, rows, surveyed


def _judged(own, others):
    survey = surveyed(CAPTURES[0])
    clocks = {name: others for name in survey.clocks} | {DEV_BOX: own}
    return rows(replace(survey, clocks=clocks), "clock-offset")


def test_slow_answers_prove_nothing():
    assert _judged(Clock(-700.0, 300.0), Clock(700.0, 700.0)) == []


def test_quick_answers_do():
    assert [row.host for row in _judged(Clock(-1400.0, 20.0), Clock(5.0, 20.0))] == [DEV_BOX]
