"""Score sign-ups for requests: those that wait at once, a slice at a time, against the index that is current."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from graphsvc.api.auth.keys import Principal, Role
from graphsvc.api.workers.worker import Worker
from graphsvc.errors import GraphsvcError, IndexMissing
from graphsvc.events.build import build_score_event
from graphsvc.model.clusters import Assessment
from graphsvc.model.events import NewEvent
from graphsvc.scoring.answers import Recommendation, Score, Thresholds, add_group, score_signups
from graphsvc.scoring.files import IndexFiles
from graphsvc.scoring.index import ScoreIndex
from graphsvc.scoring.recent import ProvisionalGroup, RecentAccounts
from graphsvc.scoring.scalars import read_signup
from graphsvc.scoring.signups import Signups, join_signups
from graphsvc.scoring.tables import describe_score
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store
from graphsvc.store.recent import read_ends, read_recent
from graphsvc.succession.candidates import REACH
from graphsvc.succession.fitting import FOUND
from graphsvc.succession.predecessors import Predecessors

log = logging.getLogger("graphsvc.api")

MOST = 1_000
"""Sign-ups of a call."""
SLICE = 32
"""Sign-ups that are scored at once, about: some five milliseconds, for which everything else of the process waits."""
RECENT_SECONDS = 2.0
"""Between two readings of the accounts since the run: what other processes record is known so much later."""
ADDED_AT_ONCE = 500
"""Accounts that are added between two slices, in some ten milliseconds; if there are more, all are read again aside."""
AUDITED_SECONDS = 60.0
"""Between two entries of the audit log about one principal's scores."""
ACTION = "score"
"""What the audit log calls scores."""


class Scored(NamedTuple):
    """Answers to a call, and the run that they were weighed against."""

    run: str
    scores: list[Score]


@dataclass(frozen=True, slots=True)
class SignupValues:
    """A sign-up as a request brought it: values by column, (kind, value) of further identifiers, and its account's id.

    An account that was recorded is no other than itself; nothing else is done with the id.
    """

    columns: Mapping[str, str | None]
    identifiers: Sequence[tuple[str, str]] = ()
    account: str | None = None


@dataclass(slots=True)
class _Call:
    signups: Sequence[SignupValues]
    answer: asyncio.Future[Scored]
    index: ScoreIndex | None = None
    scores: list[Score] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Sign-ups that are not scored yet."""
        return len(self.signups) - len(self.scores)


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

    def move(self, principal: Principal, before: Score, after: Score) -> None:
        """Count a sign-up under another recommendation than it was counted."""
        said = self.counts.setdefault((principal.name, principal.role.value), Counter())
        said[before.recommendation.value] -= 1
        said[after.recommendation.value] += 1

    def add_recorded(self, principal: Principal, number: int) -> None:
        """Count sign-ups that were recorded."""
        if number:
            self.counts.setdefault((principal.name, principal.role.value), Counter())["recorded"] += number

    def take(self) -> dict[tuple[str, str], Counter[str]]:
        """Return the counts, and begin again."""
        taken, self.counts = self.counts, {}
        return taken

    def give_back(self, counts: Mapping[tuple[str, str], Counter[str]]) -> None:
        """Add counts that could not be written."""
        for who, said in counts.items():
            self.counts.setdefault(who, Counter()).update(said)


class Scorer:
    """Scores sign-ups. Values are tokenised in memory; neither they nor their tokens are kept or logged.

    It works in the event loop, a slice at a time: handing a millisecond's work to a thread, and waiting for the
    interpreter's lock, takes longer than the work.
    """

    def __init__(self, settings: Settings, tokens: Tokeniser) -> None:
        self._files = IndexFiles(settings.score_dir)
        self._tokens = tokens
        self._thresholds = Thresholds(settings.score_challenge, settings.score_review)
        self._index: ScoreIndex | None = None
        self._name: str | None = None
        """Name of that index: one that was written anew is of the same run."""
        self._waiting: list[_Call] = []
        self._running: asyncio.Task[None] | None = None
        self._recent: RecentAccounts | None = None
        self._stopped: tuple[str, dict[str, int], Predecessors] | None = None
        """Run, what happened to accounts since it, and whom sign-ups may follow by that."""
        self._asked = asyncio.Event()
        self._reading = asyncio.Lock()
        self.counts = ScoreCounts()

    async def score(self, principal: Principal, signups: Sequence[SignupValues]) -> Scored:
        """Score sign-ups, and count them for the audit log.

        Calls that come while others are scored are scored together: to weigh one account costs much the same as ten.

        Raises:
            IndexMissing, IndexDamaged: there is nothing to score against.
        """
        call = _Call(signups, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._asked.set()
        # One task for all calls, which ends when none waits: a service without scores has none.
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._score_waiting())
        scored = await call.answer
        self.counts.add(principal, scored.scores)
        return scored

    async def _score_waiting(self) -> None:
        while self._waiting:
            calls = self._waiting
            try:
                index = await self._refresh_index()
                calls = self._choose_calls()
                self._score_slice(calls, index)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                for call in calls:
                    # Whoever has gone away waits no longer.
                    if not call.answer.done():
                        call.answer.set_exception(error)
            self._waiting = [call for call in self._waiting if not call.answer.done()]
            # Others of this process have their turn between two slices.
            await asyncio.sleep(0)

    def _choose_calls(self) -> list[_Call]:
        """Choose the calls of a slice: small ones first, but the oldest is always among them."""
        oldest, *others = self._waiting
        room, chosen = SLICE // 2, [oldest]
        # A single sign-up must not wait for batches of thousands; the oldest is in each slice, so none starves.
        for call in sorted(others, key=lambda call: call.left):
            if room <= 0:
                break
            room -= call.left
            chosen.append(call)
        return chosen

    def _score_slice(self, calls: Sequence[_Call], index: ScoreIndex) -> None:
        """Score some sign-ups of each call, all at once, and answer the calls that are done."""
        share = SLICE if len(calls) == 1 else SLICE // 2
        pieces: dict[int, list[tuple[_Call, list[Signups]]]] = {}
        for call in calls:
            # An answer is of one run, though the next may be published meanwhile.
            call.index = call.index or index
            first = len(call.scores)
            chosen = call.signups[first : first + share]
            try:
                read = [
                    read_signup(each.columns, each.identifiers, self._tokens, call.index.families)
                    for each in chosen
                ]
            except Exception as error:  # noqa: BLE001 - others of the slice have no part in it
                if not call.answer.done():
                    call.answer.set_exception(error)
                continue
            pieces.setdefault(id(call.index), []).append((call, read))
        for group in pieces.values():
            index = group[0][0].index or index
            together = join_signups([each for _, read in group for each in read])
            known = self._stopped if self._stopped is not None and self._stopped[0] == index.run else None
            stopped = known and known[2]
            scores = iter(score_signups(index, together, self._thresholds, stopped))
            # Answers come in the order of the joined sign-ups, so each call takes as many as it gave.
            for call, read in group:
                chosen = call.signups[len(call.scores) :]
                call.scores += [
                    add_group(score, self._find_group(index, values, one))
                    for score, values, one in zip(islice(scores, len(read)), chosen, read, strict=False)
                ]
                if not call.left and not call.answer.done():
                    call.answer.set_result(Scored(index.run, call.scores))

    def _find_group(self, index: ScoreIndex, values: SignupValues, read: Signups) -> ProvisionalGroup | None:
        """Find the accounts since the run that a sign-up hangs together with."""
        if self._recent is None or self._recent.run != index.run:
            return None
        return self._recent.find_group(values.account, [each.key for each in read.keys])

    async def weigh_together(
        self, principal: Principal, scored: Scored, signups: Sequence[SignupValues]
    ) -> Scored:
        """Add the groups of sign-ups that are recorded by now, others of the same call among their members.

        Args:
            principal: who asked.
            scored: the call's scores.
            signups: of the call.
        """
        index, scores = self._index, list(scored.scores)
        # A group belongs to the run that its accounts came after: with another index there is none to tell.
        if index is None or index.run != scored.run:
            return scored
        for place, values in enumerate(signups):
            read = read_signup(values.columns, values.identifiers, self._tokens, index.families)
            with_group = add_group(scores[place], self._find_group(index, values, read))
            # It was counted when it was scored; the audit log tells the answer that was given.
            if with_group.recommendation is not scores[place].recommendation:
                self.counts.move(principal, scores[place], with_group)
            scores[place] = with_group
            if place % SLICE == SLICE - 1:
                # Others of this process have their turn between two slices.
                await asyncio.sleep(0)
        return Scored(scored.run, scores)

    async def follow_recent(self, worker: Worker) -> None:
        """Read who signed up or was banned since the run: at once, and again while sign-ups are scored."""
        while True:
            try:
                await self.read_recent(worker)
            except IndexMissing:
                pass  # no run, and so no accounts since it
            except Exception as error:  # noqa: BLE001 - what could not be read now is read the next time
                code = error.code if isinstance(error, GraphsvcError) else type(error).__name__
                log.warning("accounts since the last run are not read yet: %s", code)
            self._asked.clear()
            await asyncio.sleep(RECENT_SECONDS)
            await self._asked.wait()

    async def read_recent(self, worker: Worker) -> None:
        """Read the accounts that loads brought since they were last read.

        Raises:
            IndexMissing, IndexDamaged: there is no run that they could come after.
            Busy, DatabaseUnavailable, DatabaseRefused: they cannot be read now.
        """
        async with self._reading:
            index = await self._refresh_index()
            await self._read_stopped(worker, index)
            recent = self._recent
            if recent is not None and recent.run == index.run:
                found, after = await worker.run(read_recent, recent.after, recent.since)
                # Many would hold the loop up: they are built apart, while the old ones serve.
                if len(found) <= ADDED_AT_ONCE:
                    recent.add(found, after)
                    return
            since = int(index.moments[-1]) if len(index.moments) else 0
            recent = RecentAccounts(index.run, index.accounts, since)
            found, after = await worker.run(read_recent, 0, since)
            await asyncio.to_thread(recent.add, found, after)
            self._recent = recent

    async def _read_stopped(self, worker: Worker, index: ScoreIndex) -> None:
        """Read which accounts were stopped since the run, or are no longer stopped."""
        if index.stopped is None:
            return
        ends = await worker.run(read_ends, index.stopped.until - REACH)
        # Only when something changed: the tables of a large run take a while to build.
        if self._stopped is None or self._stopped[:2] != (index.run, ends):
            stopped = await asyncio.to_thread(index.stopped.update_ends, ends)
            self._stopped = (index.run, ends, stopped)

    async def _refresh_index(self) -> ScoreIndex:
        """Return the current index; map a new one when a run has switched to it."""
        name = self._files.find_current()
        if name is None:
            self._index = None
        if self._index is None or self._name != name:
            # Every file of it is checked first, which takes a while.
            self._index = await asyncio.to_thread(self._files.load)
            self._name, self._stopped = name, None
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
            # Entry by entry, so that one that was written is never written again.
            del left[name, role]
    except GraphsvcError as error:
        log.warning("counts of scores are not in the audit log yet: %s", error.code)
    return left


def build_event(settings: Settings, signer: Signer, account: str, run: str, score: Score) -> NewEvent | None:
    """Build the event of a sign-up that is recorded; None: it is below the installation's threshold.

    Args:
        settings: of the installation.
        signer: makes the pseudonym that stands for the account.
        account: its id.
        run: that it was weighed against.
        score: its score.
    """
    best = score.matches[0] if score.matches and not score.other_group else None
    if best is None or best.assessment is not Assessment.CAMPAIGN:
        return None
    least = settings.score_event
    if score.recommendation is not Recommendation.REVIEW if least is None else best.membership < least:
        return None
    # The full stop separates what Standard Webhooks signs.
    signup = signer.derive_pseudonym(f"{run}/{account}").partition(".")[2]
    facts = {
        "recommendation": score.recommendation.value,
        "assessment": best.assessment.value,
        "score": best.hostility,
        "coordination": best.coordination,
    }
    return build_score_event(signup, run, best.cluster, best.membership, facts)


def describe_answer(label: str | None, scored: Scored, place: int, role: Role) -> dict[str, Any]:
    """Return an answer as plain values, without what the role may not see.

    Clusters are named to analysts alone. Others learn what a sign-up is worth, and not with whom it belongs: with the
    id of a cluster they could find out by trying whose card or address a value is. So it is with banned accounts, of
    which others learn only that a sign-up more likely than not follows one.
    """
    said = describe_score(label, scored.run, scored.scores[place])
    if not role.includes(Role.ANALYST):
        # An account that hardly follows a banned one would tell of its values alone.
        said["predecessors"] = [
            {**each, "account": None, "cluster": None, "delay_hours": None, "description": None}
            for each in said["predecessors"]
            if each["probability"] >= FOUND
        ]
        for match in said["matches"]:
            match.update(cluster=None, size=None, stopped=None)
        if said["provisional"]:
            said["provisional"].update(id=None, size=None)
    return said
