"""A million samples of a hundred agents are replayed in seconds; one poll of one agent stays cheap."""

from __future__ import annotations

import time

import numpy as np
import pytest

from monitor import rule
from monitor.alerts.plan import Plan
from monitor.detection import LAYOUT, allowed, choices, fold
from monitor.detector import State, Tick
from monitor.model import Agent, AmountOrShare, Limits
from monitor.past import History
from monitor.ports import Observation
from monitor.replay import replay
from monitor.situation import Setup, Situation
from monitor.turn import Turn

AGENTS, SAMPLES = 100, 10_000
START = 1_790_000_000.0
RULES = rule.discover()
PLAN = Plan(("console",))
LIMITS = Limits(hard_loss=AmountOrShare(share=0.05))

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]


def histories(agents: int, samples: int, apart: float = 0.0) -> list[History]:
    dice = np.random.default_rng(1)
    found = []
    for at in range(agents):
        equity = np.asarray(10_000.0 * np.cumprod(1.0 + dice.standard_t(4, samples) * 3e-4), dtype=np.float64)
        times = START + apart * at + 30.0 * np.arange(samples, dtype=np.float64)
        found.append(History(Agent(f"a{at}", limits=LIMITS, false_pages=1.0), times, equity))
    return found


@pytest.mark.parametrize("apart", [0.0, 0.25])
def test_a_million_samples_take_less_than_thirty_seconds(capsys: pytest.CaptureFixture[str], apart: float) -> None:
    told = histories(AGENTS, SAMPLES, apart)
    begin = time.perf_counter()
    found = replay(told, RULES, PLAN)
    taken = time.perf_counter() - begin
    with capsys.disabled():
        print(f"\n{found.samples:,} samples, {len(found.alerts)} alerts: {taken:.1f} s")  # noqa: T201 - a bench says its figures
    assert taken < 30


def test_a_replay_is_five_times_quicker_than_a_turn_for_every_sample(capsys: pytest.CaptureFixture[str]) -> None:
    told = histories(AGENTS, 400)
    begin = time.perf_counter()
    replay(told, RULES, PLAN)
    quick = time.perf_counter() - begin
    setup, situation = Setup({each.agent.id: each.agent for each in told}, RULES, PLAN), Situation()
    begin = time.perf_counter()
    for at in range(400):
        turn = Turn(situation, setup, START + 30.0 * at)
        for folded in turn.fold([(Observation(each.sample(at)), ()) for each in told]):
            turn.judge(folded)
        situation, _ = turn.finish()
    whole = time.perf_counter() - begin
    with capsys.disabled():
        micros = (each / AGENTS / 400 * 1e6 for each in (quick, whole))
        print("\nreplay {:.1f} us, a turn {:.1f} us a sample".format(*micros))  # noqa: T201 - a bench says its figures
    assert whole / quick >= 5


def test_one_tick_of_one_agent_is_hardly_cheaper_than_that_of_a_hundred(capsys: pytest.CaptureFixture[str]) -> None:
    taken = {}
    for many in (1, AGENTS):
        agents = [Agent(str(at), false_pages=1.0) for at in range(many)]
        state, dice = State.fresh(LAYOUT, many), np.random.default_rng(1)
        interval = np.full(many, 30.0)
        for at in range(1_500):
            if at == 500:
                begin = time.perf_counter()
            returns = dice.normal(0.0, 5e-4, many)
            fold(state, Tick(np.full(many, 30.0 * at), returns, interval, interval, allowed(agents), choices(agents)))
        taken[many] = (time.perf_counter() - begin) / 1_000 * 1e6
    with capsys.disabled():
        print("".join(f"\n{many} agents {each:.0f} us" for many, each in taken.items()))  # noqa: T201 - a bench says its figures
    assert taken[AGENTS] / taken[1] < 5
