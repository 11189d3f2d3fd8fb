"""Score sign-ups for requests: many small ones at once, in a thread of its own, against the index that is current."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from graphsvc.api.auth.keys import Principal, Role
from graphsvc.errors import GraphsvcError
from graphsvc.scoring.answers import Score, Thresholds, score_signups
from graphsvc.scoring.files import IndexFiles
from graphsvc.scoring.index import ScoreIndex
from graphsvc.scoring.signups import list_signup_columns, read_signups
from graphsvc.scoring.tables import describe_score
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store

log = logging.getLogger("graphsvc.api")

MOST = 1_000
"""Sign-ups of a call, and of one pass of the thread."""
AUDITED_SECONDS = 60.0
"""Between two entries of the audit log about one principal's scores."""
ACTION = "score"
"""What the audit log calls scores."""
COLUMNS = tuple(name for name in list_signup_columns() if name != "account_id")


class Scored(NamedTuple):
    """Answers to a call, and the run that they were weighed against."""

    run: str
    scores: list[Score]


@dataclass(frozen=True, slots=True)
class SignupValues:
    """A sign-up as a request brought it: values by column, and (kind, value) of further identifiers."""

    columns: Mapping[str, str | None]
    identifiers: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class _Call:
    signups: Sequence[SignupValues]
    answer: asyncio.Future[Scored]


@dataclass(slots=True)
class ScoreCounts:
    """Counts of scores by principal, since they were last written to the audit log. No value is among them."""

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def add(self, principal: Principal, scores: Sequence[Score]) -> None:
        """Count a call."""
        said = self.counts.setdefault((principal.name, principal.role.value), Counter())
        said.update(["calls"])
        said["signups"] += len(scores)
        said.update(score.recommendation.value for score in scores)

    def take(self) -> dict[tuple[str, str], Counter[str]]:
        """Return the counts, and begin again."""
        taken, self.counts = self.counts, {}
        return taken

    def give_back(self, counts: Mapping[tuple[str, str], Counter[str]]) -> None:
        """Add counts that could not be written."""
        for who, said in counts.items():
            self.counts.setdefault(who, Counter()).update(said)


class Scorer:
    """Scores sign-ups. Values are tokenised in memory; neither they nor their tokens are kept or logged."""

    def __init__(self, settings: Settings, tokens: Tokeniser) -> None:
        self._files = IndexFiles(settings.score_dir)
        self._tokens = tokens
        self._thresholds = Thresholds(settings.score_challenge, settings.score_review)
        self._index: ScoreIndex | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="graphsvc-score")
        self._waiting: list[_Call] = []
        self._running: asyncio.Task[None] | None = None
        self.counts = ScoreCounts()

    async def score(self, principal: Principal, signups: Sequence[SignupValues]) -> Scored:
        """Score sign-ups, and count them for the audit log.

        Calls that come while others are scored are scored together: a pass costs much the same for one sign-up as
        for a hundred.

        Raises:
            IndexMissing, IndexDamaged: there is nothing to score against.
        """
        call = _Call(signups, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._score_waiting())
        scored = await call.answer
        self.counts.add(principal, scored.scores)
        return scored

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _score_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            calls = self._take_calls()
            try:
                all_of = [each for call in calls for each in call.signups]
                run, scores = await loop.run_in_executor(self._thread, self._score_batch, all_of)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                for call in calls:
                    if not call.answer.done():
                        call.answer.set_exception(error)
                continue
            first = 0
            for call in calls:
                end = first + len(call.signups)
                # Whoever has gone away waits no longer.
                if not call.answer.done():
                    call.answer.set_result(Scored(run, scores[first:end]))
                first = end

    def _take_calls(self) -> list[_Call]:
        """Take calls that wait, in their order, up to `MOST` sign-ups and at least one call."""
        total, taken = 0, 0
        for call in self._waiting:
            total += len(call.signups)
            if taken and total > MOST:
                break
            taken += 1
        calls, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return calls

    def _score_batch(self, signups: Sequence[SignupValues]) -> Scored:
        index = self._refresh_index()
        # A column that no sign-up has would cost its share of the time.
        named = [name for name in COLUMNS if any(each.columns.get(name) for each in signups)]
        frame = pl.DataFrame(
            {
                "account_id": [None] * len(signups),
                **{n: [each.columns.get(n) for each in signups] for n in named},
            },
            schema=dict.fromkeys(["account_id", *named], pl.String),
        )
        identifiers = pl.DataFrame(
            [(place, *pair) for place, each in enumerate(signups) for pair in each.identifiers],
            schema={"account": pl.Int32, "kind": pl.String, "value": pl.String},
            orient="row",
        )
        read = read_signups(frame, self._tokens, identifiers=identifiers, kinds=index.families)
        return Scored(index.run, score_signups(index, read, self._thresholds))

    def _refresh_index(self) -> ScoreIndex:
        """Return the current index; map a new one when a run has switched to it."""
        run = self._files.find_current()
        if run is None:
            self._index = None
        if self._index is None or self._index.run != run:
            self._index = self._files.load()
        return self._index


def write_counts(
    store: Store, signer: Signer, counts: Mapping[tuple[str, str], Counter[str]]
) -> dict[tuple[str, str], Counter[str]]:
    """Write counts of scores to the audit log, an entry a principal; return those that could not be written."""
    left = dict(counts)
    try:
        for (name, role), said in counts.items():
            subject = f"{said['signups']} sign-ups"
            Auditor(signer, name, role).write(store, ACTION, subject, details=dict(sorted(said.items())))
            del left[name, role]
    except GraphsvcError as error:
        log.warning("counts of scores are not in the audit log yet: %s", error.code)
    return left


def describe_answer(label: str | None, scored: Scored, place: int, role: Role) -> dict[str, Any]:
    """Return an answer as plain values, without what the role may not see.

    Clusters are named to analysts alone. Others learn what a sign-up is worth, and not with whom it belongs: with the
    id of a cluster they could find out by trying whose card or address a value is.
    """
    said = describe_score(label, scored.run, scored.scores[place])
    if not role.includes(Role.ANALYST):
        for match in said["matches"]:
            match.update(cluster=None, size=None, stopped=None)
    return said
