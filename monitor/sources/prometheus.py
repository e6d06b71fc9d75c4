"""An agent that only serves Prometheus text, read by the names of its metrics."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample as Row
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from yarl import URL

from monitor.model import Agent, Sample
from monitor.outside import Address, Key, line
from monitor.ports import AgentSource, Observation
from monitor.sources import Means
from monitor.sources._http import FAULT, Getter, sentence
from monitor.sources._snapshot import COUNTS, FIELDS, FLAGS, LARGEST, MONEY, MOST_ENDPOINTS, STRICT, BadAnswerError

NAMES: Mapping[str, tuple[str, ...]] = {
    "sharpe": ("sharpe_ratio",),
    "memory": ("memory_used_pct",),
    "cpu": ("cpu_used_pct",),
    "rate_limit": ("venue_rate_limit_pct",),
    "clock_skew": ("venue_clock_skew_seconds",),
    "cost_1h": ("model_cost_1h_usd",),
    "cost_24h": ("model_cost_24h_usd",),
    "tokens_1h": ("model_tokens_1h",),
}
"""Field -> what it is called beside its own name, with or without a unit: the guide's names, and the SDK's."""
UNITS = ("", "_usd", "_seconds", "_pct")
USUAL = {name: (*NAMES.get(name, ()), *(f"{name}{unit}" for unit in UNITS)) for name in FIELDS - {"status"}}
"""Field -> what it may be called."""
LATENCIES = {"api_latency_seconds": 1.0, "api_latency_ms": 0.001}
"""By endpoint; the factor makes seconds."""
MOST_ROWS = 5_000
"""Series of wanted metrics that are read; parsing more would hold up the fleet."""
_NAME = re.compile(r"[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)")


def _known(fields: dict[str, str]) -> dict[str, str]:
    for name in fields:
        if name not in FIELDS - {"status"}:
            raise ValueError(f"has no field {name!r}: it knows {', '.join(sorted(FIELDS - {'status'}))}")
    return fields


class Options(BaseModel):
    """Settings of one agent's Prometheus source; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Address
    key: Key | None = None
    """The agent's bearer key."""
    key_env: str | None = None
    """Name of the environment variable that holds the key, for sentences about it."""
    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = "/metrics"
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds one whole look may take."""
    fields: Annotated[dict[str, Annotated[str, Field(min_length=1)]], AfterValidator(_known)] = {}
    """Sample field -> name of the metric; one in _pct is a share, one in _ms is seconds."""
    labels: dict[str, str] = {}
    """What a series must be labelled with; one labelled with another agent_id is never this agent's."""


def build(options: Options, means: Means) -> AgentSource:
    """Build the source of one agent."""
    return PrometheusSource(options, means)


class PrometheusSource:
    """Reads one agent's Prometheus text, within one time-out and a bounded body."""

    def __init__(self, options: Options, means: Means) -> None:
        self._options = options
        self._clock = means.clock
        self._getter = Getter(means.session, options.key, options.key_env)
        self._url = URL(options.url + options.path)

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:  # noqa: ARG002 - it has no trades
        """One look at the agent."""
        time = asyncio.get_running_loop().time
        start = time()
        try:
            async with asyncio.timeout(self._options.timeout):
                body = await self._getter.get(self._url, accept="text/plain")
            sample = read(agent.id, body, self._options.fields, self._options.labels, self._clock.now(), time() - start)
        except FAULT as error:
            said = sentence(error, self._options.timeout)
            return Observation(Sample(agent.id, self._clock.now(), error=said))
        return Observation(sample)

    async def well(self, agent: Agent) -> str | None:
        """Why it does not answer, in a few words; None when it does."""
        return (await self.fetch(agent, None)).sample.error

    async def close(self) -> None:
        """Nothing was begun."""


def read(
    agent: str, body: bytes, fields: Mapping[str, str], labels: Mapping[str, str], time: float, latency: float | None
) -> Sample:
    """Read Prometheus text. Errors: BadAnswerError (it is none, or holds no figure)."""
    wanted = {*fields.values(), *LATENCIES, *(each for usual in USUAL.values() for each in usual)}
    rows = _mine(agent, _rows(body, wanted), labels)
    figures = {name: _figure(name, rows, fields.get(name)) for name in USUAL}
    if all(value is None for value in figures.values()):
        raise BadAnswerError("answered no metric that is known: name its own in `fields` of the source")
    if figures["equity"] is None:
        figures["equity"] = figures["balance"]
    endpoints = _latencies(rows)
    if figures["venue_latency"] is None:
        figures["venue_latency"] = endpoints.get("venue")
    found = tuple(sorted(endpoints.items())[:MOST_ENDPOINTS])
    return Sample(agent, time, poll_latency=latency, latencies=found, **figures)  # type: ignore[arg-type] # by FIELDS


def _rows(body: bytes, wanted: Collection[str]) -> Iterable[Row]:
    """The series of wanted metrics; the first lines are read whatever they are, to see that it is Prometheus text."""
    try:
        lines = body.decode().split("\n")
        kept = [each for each in lines if (found := _NAME.match(each)) and found[1] in wanted]
        if len(kept) > MOST_ROWS:
            raise BadAnswerError(f"answered more than {MOST_ROWS:,} series of its figures")
        # Without the comments, which would have the parser rename what they call a counter.
        families = list(text_string_to_metric_families("\n".join(kept or lines[:100])))
    except (ValueError, KeyError, IndexError):
        raise BadAnswerError("answered something that is no Prometheus text") from None
    return [row for family in families for row in family.samples]


def _mine(agent: str, rows: Iterable[Row], labels: Mapping[str, str]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        fits = all(row.labels.get(name) == value for name, value in labels.items())
        if fits and row.labels.get("agent_id", agent) == agent and math.isfinite(row.value):
            found.setdefault(row.name, []).append(row)
    return found


def _figure(name: str, rows: Mapping[str, list[Row]], named: str | None) -> float | int | bool | None:
    """A figure; one beyond the guide's that nobody named may be something else that is called so, and is left out."""
    metric = named or next((each for each in USUAL[name] if each in rows), name)
    try:
        return _read(name, metric, rows.get(metric, []), named=named is not None)
    except BadAnswerError:
        if named is not None or name in STRICT:
            raise
        return None


def _read(name: str, metric: str, series: list[Row], *, named: bool) -> float | int | bool | None:
    if not series:
        if named and name in MONEY:  # without its money the desk would be blind to losses
            raise BadAnswerError(f"{metric} ({name}) is missing: correct it in `fields` of the source")
        return None
    if len(series) > 1:
        raise BadAnswerError(f"{metric} has {len(series)} series: choose one by `labels` of the source")
    value = series[0].value * _unit(metric)
    if abs(value) > LARGEST:
        raise BadAnswerError(f"{metric} is larger than {LARGEST:g}")
    if name in FLAGS:
        return value != 0
    return round(value) if name in COUNTS else value


def _unit(metric: str) -> float:
    if metric.endswith(("_pct", "_percent")):
        return 0.01
    return 0.001 if metric.endswith(("_ms", "_milliseconds")) else 1.0


def _latencies(rows: Mapping[str, list[Row]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric, factor in LATENCIES.items():
        for row in rows.get(metric, []):
            if abs(row.value) <= LARGEST:
                found.setdefault(line(row.labels.get("endpoint", "venue"), 64), row.value * factor)
    return found
