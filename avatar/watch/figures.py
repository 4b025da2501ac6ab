"""The figures of the ledger as Prometheus reads them: computed when asked, the same from every process.

Labels are words of ours from closed lists: no id, no name, nothing that a caller chose. Where the ledger does not
answer, `avatar_ledger_up` is 0 and its figures are left out; the rest is told all the same.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from avatar.ledger import replaced
from avatar.ledger.deletions import What
from avatar.ledger.engine import reading
from avatar.ledger.watch import WAITING, Alive, Owed, Standing, standing
from avatar.queue import ROUTE, Queue
from avatar.watch.tally import Sums, Tally

FRESH = 3.0  # seconds that an answer is good for, so that asking often costs nothing


class LedgerFigures(Collector):
    """What `prometheus_client` collects at each scrape; safe for several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._tally = engine, Tally(engine)
        self._lock, self._until = threading.Lock(), 0.0
        self._told: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the ledger."""
        return []

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if time.monotonic() > self._until:
                self._told, self._until = list(self._asked()), time.monotonic() + FRESH
            return self._told

    def _asked(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("avatar_ledger_up", "1 where the ledger answers.")
        try:
            now, sums = standing(self._engine), self._tally.look()
            with reading(self._engine) as session:
                sent_back = replaced.counts(session)
        except (SQLAlchemyError, OSError):
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from _jobs(now.alive)
        yield from _queues(now.alive)
        yield from _deletions(now.owed)
        yield from _others(now)
        yield from _sums(sums)
        yield from _sent_back(sent_back)


def _jobs(alive: Iterable[Alive]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("avatar_jobs", "Jobs that have not ended.", labels=["stage", "state"])
    counts: Counter[tuple[str, str]] = Counter()
    for group in alive:
        counts[group.stage, group.state] += group.count
    for labels, count in sorted(counts.items()):
        jobs.add_metric(labels, count)
    yield jobs
    lost = sum(group.count for group in alive if group.state == "lost")
    yield GaugeMetricFamily("avatar_leases_lost", "Jobs whose worker died and whom no other has taken yet.", lost)


def _queues(alive: Iterable[Alive]) -> Iterator[Metric]:
    """Rehearsals wait in the light queue, whatever their stage."""
    waiting = GaugeMetricFamily("avatar_queue_jobs", "Jobs that wait for a worker.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "avatar_queue_oldest_seconds", "Seconds since the oldest of them was started by its client.", labels=["queue"]
    )
    counts: Counter[Queue] = Counter()
    ages: defaultdict[Queue, float] = defaultdict(float)
    for group in alive:
        if group.state in WAITING:
            queue = Queue.LIGHT if group.test else ROUTE[group.stage]
            counts[queue] += group.count
            ages[queue] = max(ages[queue], group.oldest)
    for queue in (Queue.LIGHT, Queue.HEAVY):  # deletions have figures of their own
        waiting.add_metric([queue], counts[queue])
        oldest.add_metric([queue], round(ages[queue], 3))
    yield from (waiting, oldest)


def _deletions(owed: Iterable[Owed]) -> Iterator[Metric]:
    def one(name: str, says: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"avatar_deletions_{name}", says, labels=["what"])

    families = (
        one("owed", "Deletions that are not carried out yet; packs that are kept for their time too."),
        one("due", "Deletions whose time has come."),
        one("overdue", "Deletions that should have been carried out a minute ago."),
        one("oldest_seconds", "Seconds since the first of those that are due was due."),
        one("tries", "The most tries that one of them has seen."),
    )
    known = {group.what: group for group in owed}
    for what in What:
        group = known.get(what)
        figures = (group.count, group.due, group.overdue, group.oldest, group.tries) if group else (0, 0, 0, 0.0, 0)
        for family, figure in zip(families, figures, strict=True):
            family.add_metric([what], round(figure, 3))
    yield from families


def _others(now: Standing) -> Iterator[Metric]:
    yield GaugeMetricFamily("avatar_photos_unseen", "Photos without a verdict for over three seconds.", now.unseen)
    yield GaugeMetricFamily("avatar_photos_unseen_seconds", "Seconds the oldest of them waits.", now.unseen_for)
    yield GaugeMetricFamily("avatar_messages_unsent", "Messages to clients that are still tried.", now.unsent)
    yield GaugeMetricFamily("avatar_messages_unsent_seconds", "Seconds the oldest of them waits.", now.unsent_for)
    yield GaugeMetricFamily("avatar_messages_given_up", "Messages that no try brought to their client.", now.given_up)


def _sums(sums: Sums) -> Iterator[Metric]:
    endings = CounterMetricFamily("avatar_jobs_ended", "Jobs that ended, by how and why.", labels=["ending", "code"])
    for (ending, code), count in sorted(sums.endings.items()):
        endings.add_metric([ending, code or "ok"], count)
    yield endings
    stages = HistogramMetricFamily(
        "avatar_stage_seconds", "Seconds of each recorded stage, counted when its job ends.", labels=["stage"]
    )
    for stage, spent in sorted(sums.stages.items()):
        stages.add_metric([stage], spent.buckets(), spent.seconds)
    yield stages
    heavy = HistogramMetricFamily(
        "avatar_delivery_heavy_seconds",
        "Seconds of the GPU, or of what stands in for it, that each delivered job took: tune and render.",
        labels=["base", "device"],
    )
    for labels, spent in sorted(sums.heavy.items()):
        heavy.add_metric(labels, spent.buckets(), spent.seconds)
    yield heavy


def _sent_back(counts: Mapping[replaced.Reason, int]) -> Iterator[Metric]:
    pictures = CounterMetricFamily(
        "avatar_pictures_replaced", "Delivered pictures that were sent back, by reason.", labels=["reason"]
    )
    for reason, count in counts.items():
        pictures.add_metric([reason], count)
    yield pictures
