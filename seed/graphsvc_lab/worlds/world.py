"""From a scenario, a size and a seed to the tables of a bundle, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc_lab.worlds import (
    alliances,
    counterparties,
    framing,
    identity,
    networks,
    pools,
    prompts,
    series,
    sessions,
    sizes,
    tables,
    traffic,
)
from graphsvc_lab.worlds.exports import drop_unexported
from graphsvc_lab.worlds.markets import open_shelves
from graphsvc_lab.worlds.members import Members, draw_campaign, draw_population, equip_members
from graphsvc_lab.worlds.networks import AddressSpace
from graphsvc_lab.worlds.phrases import Phrases
from graphsvc_lab.worlds.pools import Pools
from graphsvc_lab.worlds.profiles import Campaign
from graphsvc_lab.worlds.scenario import Scenario
from graphsvc_lab.worlds.streams import Ints, Streams

TABLES = ("networks", "sessions", "payments", "identifiers", "prompts", "activity", "accounts", "truth")
"""In the order in which they are made, in a full world. One without `accounts` or `truth` was interrupted."""


@dataclass(frozen=True, slots=True)
class World:
    """A scenario at a size and with a seed. The same three give the same tables."""

    scenario: Scenario
    streams: Streams
    pools: Pools
    space: AddressSpace
    people: tables.Everyone

    @property
    def campaigns(self) -> dict[str, list[int]]:
        """Return the sizes of the campaigns of each style, largest first."""
        sizes = {
            style: sorted((len(m) for m in self.people.parts if m.profile is profile), reverse=True)
            for style, profile in self.scenario.campaigns.items()
        }
        return {style: found for style, found in sizes.items() if found}

    @property
    def populations(self) -> dict[str, int]:
        """Return the size of each legitimate population, largest first."""
        found = {m.name: len(m) for m in self.people.parts if not m.campaign}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def table_names(self) -> tuple[str, ...]:
        """Return the tables of this world, in the order of their creation."""
        left_out = {
            "full": self._lacking,
            "counterparties": set(TABLES) - {"identifiers", "accounts", "truth"},
            "names": set(TABLES) - {"accounts", "truth"},
        }[self.scenario.bundle]
        return tuple(name for name in TABLES if name not in left_out)

    @property
    def _lacking(self) -> set[str]:
        """Return the tables that the export of a full world lacks."""
        if self.scenario.tables is None:
            return set()
        return set(TABLES) - {*self.scenario.tables, "accounts", "truth"}

    @property
    def events(self) -> pl.DataFrame:
        """Return the planned events of campaigns (see `alliances.build_events`)."""
        return alliances.build_events(self._plan_alliances(), self.people)

    def iter_tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield (name, rows) of each table, in the order of `table_names`."""
        if self.scenario.bundle == "counterparties":
            yield "identifiers", counterparties.build_identifiers(self.people, self.streams, self.scenario)
            yield "accounts", tables.build_births(self.people)
        elif self.scenario.bundle == "names":
            yield "accounts", series.build_accounts(self.people, self.streams, identity.Names(self.pools))
        else:
            # Sessions and payments are made even if the export lacks them: accounts follow from them.
            there = self.table_names
            for name, frame in self._iter_full():
                if name in there:
                    yield name, drop_unexported(self.scenario, name, frame)
            return
        yield "truth", tables.build_truth(self.people)

    def _iter_full(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield all tables. Only what later tables need is kept in memory."""
        everyone, parts = self.people, self.people.parts
        rng = self.streams.rng
        agents = tables.Agents(self.pools.browsers, self.pools.programs)
        yield "networks", self.space.build_table()

        # Sessions come first: countries and framing follow from where people were.
        seen = self._draw_sessions()
        raw = tables.build_sessions(everyone, seen, self.space, agents)
        if not self.scenario.user_agents:
            raw = tables.drop_programs(raw)
        frame = self._plan_framing(raw)
        allies, allied = self._plan_alliances(), self.scenario.alliances
        shown = framing.add_sessions(frame, raw)
        if allied is not None:
            shown = alliances.add_sessions(rng("allied-sessions"), allies, everyone, allied, shown)
        yield "sessions", everyone.finish_table(shown)
        # Only the sign-up session from here on; the rest of this large table can be freed.
        raw = raw.unique("account", keep="first", maintain_order=True)
        countries = [self._draw_countries(m, s) for m, s in zip(parts, seen, strict=True)]

        paid = [sessions.draw_payments(rng("payments", m.name), m) for m in parts]
        instruments = framing.add_payments(
            frame, tables.build_payments(everyone, paid, countries), everyone.compute_salt(42)
        )
        if allied is not None:
            instruments = alliances.add_payments(
                rng("allied-payments"), allies, everyone, allied, instruments
            )
        yield "payments", everyone.finish_table(instruments, "first_seen", "instrument")
        # Accounts without a card are on the free plan.
        payers = np.concatenate(
            [np.bincount(p.owner, minlength=len(m)) for m, p in zip(parts, paid, strict=True)]
        )

        codes = [identity.draw_referrals(rng("referrals", m.name), m) for m in parts]
        values = framing.add_identifiers(
            frame, tables.build_identifiers(everyone, seen, codes, agents), everyone.compute_salt(52)
        )
        yield "identifiers", everyone.finish_table(self._add_kinds(values), "kind", "value")
        # The largest frames of a world; prompts are next, and need the room.
        del seen, paid

        if "prompts" in self.table_names:
            yield "prompts", self._build_prompts()
        if "activity" in self.table_names:
            yield "activity", self._build_activity(countries)
        identities = self._draw_identities(countries)
        yield "accounts", tables.build_accounts(everyone, raw, identities, countries, payers)
        yield "truth", tables.build_truth(everyone, frame.victims)

    def _add_kinds(self, values: pl.DataFrame) -> pl.DataFrame:
        """Return `identifiers` of the declared kinds that the world has, and of its own kinds."""
        declared = self.scenario.declared_kinds
        # A scenario that declares all kinds keeps the table as it is.
        if len(declared) < 2:
            values = values.filter(pl.col("kind").is_in(declared))
        more = [
            counterparties.build_undeclared(self.people, self.streams, name, kind)
            for name, kind in self.scenario.kinds.items()
        ]
        # Kinds without times lack the columns of those with times.
        return pl.concat([values, *more], how="diagonal_relaxed") if more else values

    def _draw_identities(self, countries: list[Ints]) -> list[pl.DataFrame]:
        """Draw the declared identity of each part's members. Some campaigns use a generator."""
        names = identity.Names(self.pools)
        declared = []
        for members, country in zip(self.people.parts, countries, strict=True):
            rng = self.streams.rng("identity", members.name)
            frame = identity.draw_identities(rng, members, names, country)
            profile = members.profile
            if isinstance(profile, Campaign) and profile.generator:
                rng = self.streams.rng("series", members.name)
                made = series.generate_names(
                    rng, members, profile.series, names, frame.select("email", "display_name")
                )
                frame = frame.with_columns(made)
            declared.append(frame)
        return declared

    def _plan_framing(self, sessions: pl.DataFrame) -> framing.Frame:
        """Plan the framing; most worlds have none."""
        if self.scenario.framing is None:
            return framing.create_empty()
        return framing.plan_framing(
            self.streams.rng("framing"), self.people, self.scenario.framing, sessions, self.scenario.end
        )

    def _plan_alliances(self) -> pl.DataFrame:
        """Plan the alliances; most worlds have none."""
        if self.scenario.alliances is None:
            return alliances.create_empty()
        return alliances.plan_alliances(
            self.streams.rng("alliances"), self.people, self.scenario.alliances, self.scenario.end
        )

    def _draw_sessions(self) -> list[sessions.Sessions]:
        """Draw sessions of all populations. Campaigns come last, since they may borrow addresses of households."""
        seen: list[sessions.Sessions] = []
        homes = np.empty(0, dtype=np.int64)
        for members in self.people.parts:
            # Once, at the first campaign: by then all households have their addresses.
            if members.campaign and not len(homes):
                homes = np.concatenate([s.address for s in seen])
                homes = homes[self.space.is_of_class(homes, "residential")]
            # Empty, with the right type.
            taken = homes[:0]
            if members.profile.addresses.private:
                taken = networks.remove_interface(np.concatenate([s.address for s in seen]))
            rng = self.streams.rng("sessions", members.name)
            seen.append(sessions.draw_sessions(rng, members, self.space, homes, taken))
        return seen

    def _draw_countries(self, members: Members, seen: sessions.Sessions) -> Ints:
        """Draw the declared country of each member: for most that of the address of sign-up."""
        rng = self.streams.rng("country", members.name)
        # Rows are sorted by owner, so the first row of each is the sign-up.
        first = seen.address[np.diff(seen.owner, prepend=-1) != 0]
        # People who sign up abroad, or state a country that is not theirs.
        moved = rng.random(len(members)) < 0.06
        return np.where(
            moved, rng.integers(0, len(pools.COUNTRIES), len(members)), self.space.find_countries(first)
        )

    def _build_prompts(self) -> pl.DataFrame:
        phrases = Phrases(self.streams, self.pools)
        public = self._publish_templates(phrases)
        written = [prompts.draw_prompts(self.streams, m, phrases, public) for m in self.people.parts]
        first = np.concatenate([p.first for p in written])
        rng = self.streams.rng("prompt-models")
        model = [
            traffic.choose_models(rng, m.profile.traffic, p.first, self.scenario)
            for m, p in zip(self.people.parts, written, strict=True)
        ]
        frame = pl.DataFrame(
            {
                "account": self.people.gather_rows([p.owner for p in written]),
                "text": pl.concat([p.text for p in written]),
                "fingerprint": pl.concat([p.fingerprint for p in written]),
                "model": pl.Series(self.scenario.models).gather(np.concatenate(model)),
                "first_seen": tables.to_times(first),
                "last_seen": tables.to_times(np.concatenate([p.last for p in written])),
                "requests": rng.geometric(0.2, len(first)),
            }
        )
        return self.people.finish_table(frame, "first_seen")

    def _publish_templates(self, phrases: Phrases) -> prompts.Public:
        """Make the templates that all may copy, with the stocks of the markets that some pool of prompts uses."""
        everyone = [*self.scenario.populations.values(), *self.scenario.campaigns.values()]
        # Stocks of markets that are not used would only cost time: templates are slow to make.
        used = {market for profile in everyone for market in profile.prompts.markets}
        shelves = open_shelves(self.scenario, self.streams.seed)
        stocks = [shelf for name, shelf in shelves.items() if name in used]
        rng = self.streams.rng("popular-prompts")
        return prompts.publish_templates(rng, phrases, self.scenario.popular_prompts, stocks)

    def _build_activity(self, countries: list[Ints]) -> pl.DataFrame:
        rows = [
            traffic.draw_activity(self.streams.rng("activity", m.name), m, c, self.scenario)
            for m, c in zip(self.people.parts, countries, strict=True)
        ]
        frame = pl.DataFrame(
            {
                "account": self.people.gather_rows([r.owner for r in rows]),
                "hour": tables.to_times(np.concatenate([r.hour for r in rows])),
                "requests": np.concatenate([r.requests for r in rows]),
                "model": pl.Series(self.scenario.models).gather(np.concatenate([r.model for r in rows])),
            }
        )
        return self.people.finish_table(frame, "hour")


def create_world(scenario: Scenario, accounts: int, seed: int) -> World:
    """Plan a world: its members and addresses. `World.iter_tables` makes the rest.

    Raises:
        SettingsError: too few accounts for the scenario.
    """
    streams = Streams(seed)
    # Campaigns first: people get what they leave of the number of accounts.
    planned = sizes.plan_campaign_sizes(scenario, accounts, streams)
    in_campaigns = sum(size for _, size in planned.values())
    sizes.check_accounts(accounts, in_campaigns, scenario.smallest_world)
    campaigns = [
        draw_campaign(streams.rng("members", name), name, scenario.campaigns[style], size, scenario)
        for name, (style, size) in planned.items()
    ]
    honest = accounts - sum(len(m) for m in campaigns)
    people = [
        draw_population(streams.rng("members", name), name, scenario.populations[name], size, scenario)
        for name, size in sizes.plan_population_sizes(scenario, honest).items()
        # A population may round to nothing in a small world.
        if size
    ]
    shelves = open_shelves(scenario, seed)
    parts = [equip_members(members, streams, shelves) for members in (*people, *campaigns)]
    drawn = pools.draw_pools(streams)
    space = AddressSpace(scenario.networks, accounts, streams, drawn)
    return World(scenario, streams, drawn, space, tables.build_everyone(parts, seed))
