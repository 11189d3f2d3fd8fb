"""Promise: a file of rules says which events go to which target. Applied, exactly its difference is made, all of it or
none, and no address is ever in it."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Done, run_command
from hypothesis import given
from hypothesis import strategies as st
from published import SIGNER, person
from receiver import Receiver, receive

from graphsvc.delivery import sender
from graphsvc.delivery.notify import Notifier
from graphsvc.delivery.post import Poster
from graphsvc.delivery.sender import Sender
from graphsvc.errors import AlertsError, Conflict
from graphsvc.events.alert_changes import describe_changes, find_changes
from graphsvc.events.alerts import format_alerts, parse_alerts
from graphsvc.events.filters import find_common, is_wanted, select_rules
from graphsvc.events.secrets import Sealer
from graphsvc.model.events import Event, EventType, NewEvent
from graphsvc.model.webhooks import AlertRule, EventFilter, Webhook, WebhookFormat
from graphsvc.settings import Settings
from graphsvc.store import Store, webhooks
from graphsvc.store.audit import HEAD_FILE
from graphsvc.store.audit_log import stream_entries, verify_log
from graphsvc.store.events import build_append_step
from graphsvc.store.webhooks import (
    NewEndpoint,
    RuleChange,
    add_webhook,
    apply_rules,
    list_webhooks,
    read_webhook,
    remove_webhook,
)

ADA = person("ada")
SEALER = Sealer(b"a key for tests, 32 bytes long..")
NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
FILE = """
[targets.pager]
address_env = "PAGER_URL"

[[rules]]
name = "large"
targets = ["pager", "cases"]
events = ["cluster.grown", "cluster.born"]
min_size = 50

[[rules]]
name = "watched"
targets = ["pager"]
followed = true
min_score = 1
quiet = "22:00-06:00 Europe/Berlin"
"""
SECRET = "https://hooks.example/T0PSECRET"


def webhook(name: str, rules: list[AlertRule] | None = None, number: int = 1) -> Webhook:
    return Webhook(
        f"w{number}", name, "cases.example", WebhookFormat.STANDARD, EventFilter(), rules, NOW, "ada",
        0, 0, 0, 0, "", "",
    )  # fmt: skip


def rule(name: str, **wanted: object) -> str:
    lines = [f"name = {json.dumps(name)}", 'targets = ["cases"]']
    return "\n".join(["[[rules]]", *lines, *(f"{key} = {value}" for key, value in wanted.items()), ""])


def test_a_file_has_rules_of_targets_by_name() -> None:
    found = parse_alerts(FILE, "alerts.toml")
    assert list(found.targets) == ["pager", "cases"]
    large = AlertRule("large", EventFilter([EventType.CLUSTER_BORN, EventType.CLUSTER_GROWN], 50))
    assert found.rules["cases"] == [large]
    watched = EventFilter([], 0, 0, 1.0, True, "22:00-06:00 Europe/Berlin")
    assert found.rules["pager"] == [large, AlertRule("watched", watched)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules = [", "alerts.toml is no TOML"),
        ("a" * 10_000 + " = " + "[" * 100_000, "alerts.toml is no TOML"),
        (rule("x", min_sice=5), r"rule 1 \('x'\), min_sice: there is no such field; there are name, targets"),
        (rule("y") + rule("x", min_size="'5'"), r"rule 2 \('x'\), min_size: Input should be a valid integer"),
        (rule("x", min_size="true"), r"rule 1 \('x'\), min_size"),
        (rule("x", min_size=-1), r"rule 1 \('x'\), min_size: .*greater than or equal to 0"),
        (rule("x", min_size=2**31), r"rule 1 \('x'\), min_size: .*less than or equal to 2147483647"),
        (rule("x", min_score=1.5), r"rule 1 \('x'\), min_score: .*less than or equal to 1"),
        (rule("x", min_score="nan"), r"rule 1 \('x'\), min_score"),
        (rule("x", events='["cluster.bron"]'), r"rule 1 \('x'\), events, 1: Input should be 'cluster.born'"),
        (rule("x", events='"cluster.born"'), r"rule 1 \('x'\), events: Input should be a valid list"),
        (rule("x", events='["webhook.test"]'), "webhook.test is sent by"),
        (rule("x", quiet="'22-6'"), r"rule 1 \('x'\), quiet: '22-6' are no hours"),
        (rule("x", quiet="'22:00-06:00 Atlantis/City'"), "no hours"),
        (rule("x", quiet="'22:00-06:00 ../../etc/passwd'"), "no hours"),
        (rule("x", quiet="'22:00-06:00 Europe'"), "no hours"),
        (rule("x", quiet=f"'22:00-06:00 {'x' * 5000}'"), "no hours"),
        (rule("x", quiet='"22:00-06:00 a\\u0000b"'), "no hours"),
        (rule(""), r"rule 1 \(''\), name"),
        (rule(" x"), "a name is one line"),
        (rule("x\ny"), "a name is one line"),
        ('[[rules]]\nname = "x"\ntargets = []', r"rule 1 \('x'\), targets"),
        ('[[rules]]\ntargets = ["cases"]', "rule 1, name: the field is missing"),
        ("[[rules]]\nname = 5", "rule 1, name"),
        ("rules = 5", "alerts.toml, rules: Input should be a valid list"),
        ("rules = [5]", "alerts.toml, rule 1"),
        ("[rule]", "rule: there is no such field; there are targets, rules"),
        ("[targets.x]\naddress_env = 5", "target x, address_env"),
        ("[targets.x]\nformat = 'xml'", "target x, format: Input should be 'standard' or 'cloudevents'"),
        ("[targets.x]\naddress_env = 'A'\naddress_file = 'b'", "keep one of them"),
        (rule("x") + rule("x", min_size=5), "two rules are named 'x'"),
        (rule("x", min_size=5) + rule("y", min_size=5), "'x' and 'y' select the same events for the same target"),
        (
            rule("x", events='["run.failed", "run.late"]') + rule("y", events='["run.late", "run.failed", "run.late"]'),
            "select the same events",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_file_rule_and_field(text: str, said: str) -> None:
    with pytest.raises(AlertsError, match=said) as error:
        parse_alerts(text, "alerts.toml")
    assert "alerts.toml" in str(error.value)
    assert len(str(error.value)) < 6_000
    assert error.value.exit_status == 2


@pytest.mark.parametrize(
    "text",
    [
        f'[targets.x]\naddress = "{SECRET}"',
        f'[targets.x]\nurl = "{SECRET}"',
        f'[targets.x]\nsecret = "{SECRET}"',
        f'[targets.x]\naddress_env = "{SECRET}"',
        f'[targets.x]\naddress_file = "{SECRET}"',
        f'[targets]\nx = "{SECRET}"',
        f'[targets."{SECRET}"]\naddress_env = "X"',
        f'[targets.x]\nid = "{SECRET}"',
        f'[[rules]]\nname = "x"\ntargets = ["{SECRET}"]',
        f'[[rules]]\nname = "{SECRET}"\ntargets = ["x"]\nmin_size = "a"',
        f'[[rules]]\nname = "x"\ntargets = "{SECRET}"',
        f'[[rules]]\nname = "x"\ntargets = ["x"]\nurl = "{SECRET}"',
        f'[[rules]]\nname = "x"\ntargets = ["x"]\nquiet = "{SECRET}"',
        f'url = "{SECRET}"',
        f'[targets.x]\naddress = "{SECRET}',
    ],
)
def test_an_address_in_the_file_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(AlertsError) as error:
        parse_alerts(text, "alerts.toml")
    assert "T0PSECRET" not in str(error.value)
    if "address =" in text and text.endswith('"'):
        assert "address_env" in str(error.value)


def test_changes_are_those_of_each_target_and_no_others() -> None:
    file = parse_alerts(FILE, "alerts.toml")
    own, other = webhook("cases", number=1), webhook("other", [], number=2)
    changes = find_changes(file, [own, other, webhook("mine", number=3)])
    assert [(each.name, each.is_needed, each.webhook) for each in changes] == [
        ("pager", True, None), ("cases", True, own),
    ]  # fmt: skip
    pruned = find_changes(file, [own, other, webhook("mine", number=3)], prune=True)
    assert [(each.name, each.rules) for each in pruned[2:]] == [("other", None)]
    same = [webhook("cases", file.rules["cases"], 1), webhook("pager", file.rules["pager"], 2)]
    assert not any(each.is_needed for each in find_changes(file, same, prune=True))


def test_a_target_that_is_not_there_or_not_one_is_an_error() -> None:
    file = parse_alerts(rule("x"), "alerts.toml")
    with pytest.raises(AlertsError, match=r"'cases' does not exist.*\[targets\.\"cases\"\] with address_env"):
        find_changes(file, [])
    with pytest.raises(AlertsError, match=r"2 webhooks are named 'cases': w1, w2"):
        find_changes(file, [webhook("cases", number=1), webhook("cases", number=2)])
    chosen = parse_alerts(rule("x") + '[targets.cases]\nid = "w2"', "alerts.toml")
    (change,) = find_changes(chosen, [webhook("cases", number=1), webhook("cases", number=2)])
    assert change.webhook
    assert change.webhook.id == "w2"
    with pytest.raises(AlertsError, match="no webhook w2"):
        find_changes(chosen, [webhook("cases", number=1)])
    both = parse_alerts(rule("x") + '[targets.cases]\nid = "w1"\n[targets.b]\nid = "w1"', "alerts.toml")
    with pytest.raises(AlertsError, match="cases and b are one webhook"):
        find_changes(both, [webhook("cases", number=1)])
    form = parse_alerts(rule("x") + '[targets.cases]\nformat = "cloudevents"', "alerts.toml")
    with pytest.raises(AlertsError, match="format standard"):
        find_changes(form, [webhook("cases", number=1)])


TYPES = [each for each in EventType if each is not EventType.WEBHOOK_TEST]


def test_the_file_of_the_documentation_changes_what_it_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations" / "events.md").read_text(encoding="utf-8")
    text, said = (
        page.split(fence, 1)[1].split("```", 1)[0] for fence in ("```toml\n# alerts.toml\n", "```\n+ ")
    )
    made = webhook("cases", number=1)
    known = replace(made, id="w0123456789abcde", filter=EventFilter(min_size=20))
    lines = describe_changes(find_changes(parse_alerts(text, "alerts.toml"), [known]), [known])
    assert lines == f"+ {said}".splitlines()[:-1]


FILTERS = st.builds(
    EventFilter,
    st.lists(st.sampled_from(TYPES), unique=True),
    st.integers(0, 60),
    st.integers(0, 20),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from(["", "22:00-06:00", "12:00-13:00 Europe/Berlin"]),
)  # fmt: skip
NAMES = st.text(min_size=1, max_size=20) | st.sampled_from(["a", "b", 'quo"te', "back\\slash", "\x7f", "ä b"])
RULES = st.lists(st.builds(AlertRule, NAMES, FILTERS), max_size=3, unique_by=lambda each: each.name)
WEBHOOKS = st.lists(st.tuples(NAMES, FILTERS, st.none() | RULES), max_size=4)


@given(WEBHOOKS)
def test_what_is_exported_is_a_file_that_selects_the_same(
    drawn: list[tuple[str, EventFilter, list[AlertRule] | None]],
) -> None:
    found = []
    for number, (name, wanted, rules) in enumerate(drawn):
        kinds = [each for each in EventType if each in wanted.types]
        plain = EventFilter(kinds, *list(asdict(wanted).values())[1:])
        distinct = {repr(each.filter): each for each in rules or ()}
        made = webhook(name, None if rules is None else list(distinct.values()), number)
        found.append(Webhook(**{each: getattr(made, each) for each in made.__slots__} | {"filter": plain}))
    text = format_alerts(found)
    file = parse_alerts(text, "alerts.toml")
    changes = [each for each in find_changes(file, found) if each.webhook]
    assert [each.webhook for each in changes] == found
    for change, each in zip(changes, found, strict=True):
        wanted = [each.filter] if each.rules is None else [one.filter for one in each.rules]
        key = lambda one: (*[one.types.count(kind) for kind in EventType], *list(asdict(one).values())[1:])  # noqa: E731
        assert sorted(map(key, (one.filter for one in change.rules or ()))) == sorted(map(key, wanted))


def test_an_export_of_nothing_is_an_example_that_can_be_used() -> None:
    text = format_alerts([])
    assert tomllib.loads(text) == {}
    example = "\n".join(line.removeprefix("# ") for line in text.split("\n\n", 1)[1].splitlines())
    assert list(parse_alerts(example, "alerts.toml").targets) == ["fraud-channel"]


EVENTS = st.builds(
    lambda kind, before, after, score: Event(
        "e", 1, NOW, kind, "c1", "",
        {"clusterId": "c1", "accountsBefore": before, "accountsAfter": after, "score": score},
    ),
    st.sampled_from(list(EventType)), st.integers(0, 60), st.integers(0, 60), st.none() | st.floats(0, 1),
)  # fmt: skip


@given(st.lists(st.builds(AlertRule, NAMES, FILTERS), min_size=1, max_size=4), EVENTS, st.booleans())
def test_what_rules_have_in_common_lets_through_all_that_one_of_them_selects(
    rules: list[AlertRule], event: Event, is_followed: bool
) -> None:
    followed = {"c1"} if is_followed else set()
    if select_rules(event, rules, followed):
        assert is_wanted(event, find_common(rules), followed)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as found:
        yield found


@pytest.fixture
def here(cli_environment: object, database: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHSVC_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "alerts.toml"


def apply(file: Path, *options: str) -> Done:
    return run_command("webhooks", "apply", file, *options)


def actions(store: Store) -> list[tuple[str, str]]:
    return [(each.entry.act.action, each.entry.act.subject) for each in stream_entries(store) if each.entry]


def born(store: Store, *sizes: int) -> None:
    last = max((each.number for each in webhooks_events(store)), default=0)
    store.run_transaction(
        build_append_step(
            [
                NewEvent(
                    f"n{last + place}", EventType.CLUSTER_BORN, f"c{last + place}", "",
                    {"clusterId": f"c{last + place}", "accountsBefore": 0, "accountsAfter": size, "score": 0.9},
                )
                for place, size in enumerate(sizes)
            ]
        )
    )  # fmt: skip


def webhooks_events(store: Store) -> list[Event]:
    from graphsvc.store.events import read_events_after

    return read_events_after(store, 0, 10_000)


def make_sender(store: Store) -> Sender:
    local = frozenset(["127.0.0.1"])
    return Sender(store, SEALER, Poster(local), "urn:test", notifier=Notifier(local))


def test_a_file_is_applied_once_shown_first_and_logged(
    here: Path, database: Store, installation: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests of this process wrote logs into databases that are gone, and what the last was is kept with the keys.
    (installation.keys_dir / HEAD_FILE).unlink(missing_ok=True)
    added = run_command("webhooks", "add", f"{receiver.url}/cases", "--name", "cases", "--min-size", "5")
    assert added.returncode == 0
    run_command("webhooks", "add", f"{receiver.url}/mine", "--name", "mine", "--min-size", "7")
    before = list_webhooks(database)
    here.write_text(FILE)
    # Shown without the address, which only applying needs.
    shown = apply(here, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [
        "+ pager: new, its address is from $PAGER_URL",
        "    + large: cluster.born, cluster.grown; size 50+",
        "    + watched: all events; score 1+; watched or assigned; quiet 22:00-06:00 Europe/Berlin",
        f"~ cases ({before[0].id}): rules of the file, instead of its own filter: all events; size 5+",
        "    + large: cluster.born, cluster.grown; size 50+",
        "2 webhooks would change; without --dry-run they do.",
    ]
    assert list_webhooks(database) == before
    # Nothing at all is done if one address is missing.
    failed = apply(here)
    assert (failed.returncode, "PAGER_URL is not set" in failed.stderr) == (2, True)
    assert list_webhooks(database) == before
    monkeypatch.setenv("PAGER_URL", f"{receiver.url}/T0PSECRET")
    done = apply(here, "--by", "ada")
    assert done.returncode == 0, done.stderr
    found = {each.name: each for each in list_webhooks(database)}
    assert [each.name for each in found["pager"].rules or ()] == ["large", "watched"]
    assert found["pager"].filter == EventFilter()
    assert found["cases"].filter == EventFilter([EventType.CLUSTER_BORN, EventType.CLUSTER_GROWN], 50)
    assert (found["mine"].rules, found["mine"].filter.min_size) == (None, 7)
    listed = run_command("webhooks", "list").stdout
    assert "rules of a file:\n" in listed
    assert "  watched: all events; score 1+; watched or assigned; quiet 22:00-06:00 Europe/Berlin\n" in listed
    assert "T0PSECRET" not in listed + run_command("webhooks", "list", "--json").stdout
    # Applied again, it changes and logs nothing, and needs no address.
    monkeypatch.delenv("PAGER_URL")
    entries = actions(database)
    again = apply(here)
    assert again.stdout.splitlines() == [
        f"= pager ({found['pager'].id}): 2 rules, as they were",
        f"= cases ({found['cases'].id}): 1 rule, as it was",
        "Nothing to change.",
    ]
    assert actions(database) == entries
    assert sorted(entries[2:]) == sorted(
        [("addWebhook", found["pager"].id), ("changeWebhookRules", found["cases"].id)]
    )
    assert run_command("audit", "verify").returncode == 0
    # A rule that is gone from the file is gone from its target, and one that changed is shown.
    here.write_text(FILE.replace("min_size = 50", "min_size = 60").split('[[rules]]\nname = "watched"')[0])
    assert apply(here).stdout.splitlines() == [
        f"~ pager ({found['pager'].id}): rules of the file",
        "    ~ large: cluster.born, cluster.grown; size 50+ → cluster.born, cluster.grown; size 60+",
        "    - watched: all events; score 1+; watched or assigned; quiet 22:00-06:00 Europe/Berlin",
        f"~ cases ({found['cases'].id}): rules of the file",
        "    ~ large: cluster.born, cluster.grown; size 50+ → cluster.born, cluster.grown; size 60+",
        "2 webhooks are changed.",
    ]
    # A target that is gone from the file stays, until it is pruned; what has no rules of a file always does.
    here.write_text(rule("large", min_size=60))
    kept = apply(here).stdout
    assert f"! pager ({found['pager'].id}) keeps 1 rule of a file" in kept
    pruned = apply(here, "--prune").stdout
    assert f"- pager ({found['pager'].id}): removed, with 0 events that wait" in pruned
    assert {each.name for each in list_webhooks(database)} == {"cases", "mine"}
    assert run_command("audit", "verify").returncode == 0
    everything = "".join(f"{each}" for each in (shown, failed, done, again, kept, pruned))
    assert "T0PSECRET" not in everything + str([values for (values,) in database.stream("tests/all_values")])


def test_what_is_exported_and_applied_changes_nothing_more(
    here: Path, database: Store, receiver: Receiver
) -> None:
    assert "[[rules]]" in run_command("webhooks", "export").stdout
    run_command("webhooks", "add", f"{receiver.url}/T0PSECRET", "--name", "cases", "--type", "run.failed")
    here.write_text(FILE.replace('"pager", ', ""))
    (here.parent / "address").write_text(f"{receiver.url}/T0PSECRET\n")
    here.write_text(here.read_text().replace('address_env = "PAGER_URL"', 'address_file = "address"'))
    assert apply(here).returncode == 0
    text = run_command("webhooks", "export").stdout
    assert "T0PSECRET" not in text
    assert receiver.url not in text
    here.write_text(text)
    again = apply(here)
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("Nothing to change.\n")


def test_an_address_that_is_refused_is_not_shown(
    here: Path, database: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.write_text(FILE.replace(', "cases"', ""))
    for address in (
        "https://127.0.0.2/T0PSECRET",
        "ftp://x/T0PSECRET",
        "T0PSECRET",
        "slack://T0PSECRET",
        "mailtos://me:T0PSECRET@mail.example?verify=no",
        "mmost://10.0.0.1/T0PSECRET",
    ):
        monkeypatch.setenv("PAGER_URL", address)
        refused = apply(here)
        assert (refused.returncode, refused.stdout.count("T0PSECRET")) == (2, 0)
        assert "alerts.toml, target pager: " in refused.stderr
        assert "T0PSECRET" not in refused.stderr
        assert "Traceback" not in refused.stderr
    for name, content in (("none", None), ("empty", b" \n"), ("binary", b"\xff\xfe"), ("folder", None)):
        here.write_text(FILE.replace(', "cases"', "").replace('_env = "PAGER_URL"', f'_file = "{name}"'))
        if content is not None:
            (here.parent / name).write_bytes(content)
        (here.parent / "folder").mkdir(exist_ok=True)
        refused = apply(here)
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
        assert name in refused.stderr
    assert apply(here.parent / "nowhere.toml").returncode == 2
    (here.parent / "latin.toml").write_bytes(b"# \xe4")
    assert "not UTF-8" in apply(here.parent / "latin.toml").stderr
    assert list_webhooks(database) == []


def make_rules(*rules: tuple[str, EventFilter]) -> list[AlertRule]:
    return [AlertRule(*each) for each in rules]


def add_ruled(store: Store, receiver: Receiver, rules: list[AlertRule], path: str = "/ok") -> Webhook:
    endpoint = NewEndpoint(path, receiver.url + path, "127.0.0.1", WebhookFormat.STANDARD)
    apply_rules(store, ADA, SEALER, [RuleChange(endpoint, rules)])
    return list_webhooks(store)[-1]


def test_an_event_that_two_rules_select_is_sent_once_and_one_that_none_does_is_not(
    database: Store, receiver: Receiver
) -> None:
    born_rule = EventFilter([EventType.CLUSTER_BORN], 20)
    add_ruled(database, receiver, make_rules(("born", born_rule), ("large", EventFilter(min_size=50))))
    born(database, 60, 30, 10)
    assert make_sender(database).send_once() == {"delivered": 2}
    assert [each.data["accountsAfter"] for each in receiver.got] == [60, 30]


def test_a_target_without_rules_gets_nothing(database: Store, receiver: Receiver) -> None:
    found = add_ruled(database, receiver, [])
    assert found.rules == []
    born(database, 60)
    assert make_sender(database).send_once() == {}


class Clock(datetime):
    """A clock that a test sets."""

    moment = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.moment


def test_an_event_waits_only_while_all_rules_that_select_it_are_quiet(
    database: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "datetime", Clock)
    monkeypatch.setattr(sender, "PENDING", 2)
    rules = make_rules(("all", EventFilter(quiet="22:00-06:00")), ("large", EventFilter(min_size=50)))
    found = add_ruled(database, receiver, rules)
    born(database, 5, 6, 7, 8, 60)
    assert make_sender(database).send_once() == {"delivered": 1}
    assert [each.data["accountsAfter"] for each in receiver.got] == [60]
    assert read_webhook(database, found.id).pending == 4
    monkeypatch.setattr(Clock, "moment", Clock.moment + timedelta(hours=8))
    assert make_sender(database).send_once() == {"delivered": 4}
    assert [each.data["accountsAfter"] for each in receiver.got[1:]] == [5, 6, 7, 8]


def test_what_waits_in_quiet_hours_keeps_its_place_in_the_order_of_its_cluster(
    database: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "datetime", Clock)
    rules = make_rules(("all", EventFilter(quiet="22:00-06:00")), ("large", EventFilter(min_size=50)))
    found = add_ruled(database, receiver, rules)
    events = [
        NewEvent(f"n{size}", EventType.CLUSTER_BORN, "c1", "", {"accountsBefore": 0, "accountsAfter": size})
        for size in (5, 60)
    ]
    database.run_transaction(build_append_step(events))
    assert make_sender(database).send_once() == {}
    # Hours that a file takes away hold nothing back any more.
    apply_rules(database, ADA, SEALER, [RuleChange(read_webhook(database, found.id), rules[1:])])
    assert make_sender(database).send_once() == {"delivered": 2}
    assert [each.id for each in receiver.got] == ["n5", "n60"]


def test_two_who_apply_at_once_do_not_overwrite_each_other(database: Store, receiver: Receiver) -> None:
    found = add_ruled(database, receiver, make_rules(("a", EventFilter())))
    mine = RuleChange(found, make_rules(("mine", EventFilter())))
    theirs = RuleChange(found, make_rules(("theirs", EventFilter())))
    new = RuleChange(NewEndpoint("new", receiver.url, "127.0.0.1", WebhookFormat.STANDARD), [])
    apply_rules(database, ADA, SEALER, [theirs])
    with pytest.raises(Conflict):
        apply_rules(database, ADA, SEALER, [new, mine])
    assert [each.name for each in list_webhooks(database)] == ["/ok"]
    apply_rules(database, ADA, SEALER, [new])
    with pytest.raises(Conflict):
        apply_rules(database, ADA, SEALER, [new])
    remove_webhook(database, ADA, found.id)
    with pytest.raises(Conflict):
        apply_rules(database, ADA, SEALER, [mine])
    with pytest.raises(Conflict):
        apply_rules(database, ADA, SEALER, [RuleChange(found, None)])
    assert verify_log(database, SIGNER).holds


def test_a_webhook_that_is_removed_makes_room_for_one_that_is_added(
    database: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = add_ruled(database, receiver, [])
    monkeypatch.setattr(webhooks, "MOST", 1)
    new = RuleChange(NewEndpoint("new", receiver.url, "127.0.0.1", WebhookFormat.STANDARD), [])
    with pytest.raises(Conflict):
        apply_rules(database, ADA, SEALER, [new])
    apply_rules(database, ADA, SEALER, [new, RuleChange(found, None)])
    assert [each.name for each in list_webhooks(database)] == ["new"]


def test_a_webhook_of_the_time_before_rules_is_read_and_sent_to(database: Store, receiver: Receiver) -> None:
    made, _ = add_webhook(
        database, ADA, SEALER, url=receiver.url + "/ok", host="x", name="x", form=WebhookFormat.STANDARD,
        wanted=EventFilter(min_size=50),
    )  # fmt: skip
    assert (made.rules, made.rule_texts) == (None, None)
    born(database, 60, 5)
    assert make_sender(database).send_once() == {"delivered": 1}


KILLED = """
import json, os, signal, sys
import neo4j
from published import person
from pydantic import SecretStr
from graphsvc.events.secrets import Sealer
from graphsvc.model.webhooks import AlertRule, EventFilter, WebhookFormat
from graphsvc.store import Address, Store
from graphsvc.store.webhooks import NewEndpoint, RuleChange, apply_rules, list_webhooks

asked = json.load(sys.stdin)
run = neo4j.ManagedTransaction.run

def run_or_die(self, *given, **more):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return run(self, *given, **more)

# Each attempt is a process of its own, with what is imported already.
for left in asked["steps"]:
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
with Store(Address(asked["uri"], asked["user"], SecretStr(asked["password"]))) as store:
    (old,) = list_webhooks(store)
    new = NewEndpoint("new", "https://example.org/x", "example.org", WebhookFormat.STANDARD)
    rules = [AlertRule("mine", EventFilter(min_size=5))]
    neo4j.ManagedTransaction.run = run_or_die
    apply_rules(store, person("ada"), Sealer(b"a key for tests, 32 bytes long.."), [
        RuleChange(new, rules), RuleChange(old, rules)])
"""


def test_a_file_that_is_killed_while_it_is_applied_changed_all_or_nothing(
    database: Store, receiver: Receiver
) -> None:
    before = add_ruled(database, receiver, make_rules(("a", EventFilter())))
    address = database.address
    asked = {"uri": address.uri, "user": address.user, "password": address.password.get_secret_value()}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def attempt(*steps: int) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", KILLED], input=json.dumps({**asked, "steps": steps}), text=True,
            capture_output=True, env=environment, check=True,
        )  # fmt: skip
        return done.stdout.split()

    # The head of the log, two numbers, two guards of the new one, one of the other, and two entries.
    assert attempt(*range(1, 9)) == [str(-signal.SIGKILL)] * 8
    assert list_webhooks(database) == [before]
    assert [action for action, _ in actions(database)] == ["addWebhook"]
    assert attempt(9) == ["0"]
    assert {each.name: [one.name for one in each.rules or ()] for each in list_webhooks(database)} == {
        "/ok": ["mine"],
        "new": ["mine"],
    }
    assert [action for action, _ in actions(database)][1:] == ["addWebhook", "changeWebhookRules"]
    assert verify_log(database, SIGNER).holds
