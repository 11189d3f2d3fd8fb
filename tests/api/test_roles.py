"""Promise: a role below what a field needs gets nothing of it and changes nothing, whatever comes into the schema.

The questions and changes are taken from the schema itself (`tests/walk.py`).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from api import Api, write
from fastapi.testclient import TestClient
from graphql import GraphQLObjectType, get_named_type
from walk import SCHEMA, Asked, Known, document, role_of, roots

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.workers.worker import Worker
from graphsvc.errors import Busy
from graphsvc.settings import Settings
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.store import Store

RANK = list(keys.Role)
ASKED = [each for each in roots() if each.operation != "subscription"]


@pytest.fixture(scope="module")
def apis(open_database: Store, installation: Settings) -> Iterator[dict[keys.Role, Api]]:
    """A client a role, over one published graph."""
    open_database.run_autocommit("bench/wipe")
    write(open_database, "published")
    hasty = installation.model_copy(
        update={"rate_limit": "100000000/minute", "client_rate_limit": "1000000/second"}
    )
    with TestClient(create_app(hasty, open_database.address)) as client:
        yield {role: Api(client, keys.create_key(installation.keys_dir, role)) for role in RANK}


def written(store: Store, settings: Settings) -> tuple[list[str], bytes]:
    """All there is: in the database, and of keys."""
    values = sorted(str(values) for (values,) in store.stream("tests/all_values"))
    return values, (settings.keys_dir / keys.KEYS_FILE).read_bytes()


def codes(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


def below(asked: Asked) -> list[keys.Role]:
    """The roles that may not ask. What names no role is for viewers, and not for scorers."""
    return RANK[: RANK.index(asked.needs or keys.Role.VIEWER)]


@pytest.mark.parametrize("asked", [each for each in ASKED if below(each)], ids=lambda asked: asked.name)
def test_a_role_below_gets_nothing_and_changes_nothing(
    apis: dict[keys.Role, Api], open_database: Store, installation: Settings, asked: Asked
) -> None:
    known = Known(handle=load_or_create_veil(installation).hide("ip:203.0.113.7"))
    before = written(open_database, installation)
    for role in below(asked):
        answer = apis[role].post(document(asked, known)).json()
        assert codes(answer) == {"forbidden"}, (role, answer)
        assert not (answer.get("data") or {}).get(asked.name), role
    assert written(open_database, installation) == before


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_the_role_and_those_above_it_are_let_in(
    apis: dict[keys.Role, Api], installation: Settings, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    if asked.operation == "mutation":  # that they get as far as the work is enough; nothing is to happen

        async def busy(self: Worker, *args: object, **kwargs: object) -> None:
            raise Busy("Not now.")

        monkeypatch.setattr(Worker, "run", busy)
    known = Known(handle=load_or_create_veil(installation).hide("ip:203.0.113.7"))
    for role in RANK[len(below(asked)) :]:
        answer = apis[role].post(document(asked, known)).json()
        assert not codes(answer) & {"forbidden", "access_denied", "bad_document", "internal"}, (role, answer)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_nobody_unknown_gets_anything(apis: dict[keys.Role, Api], asked: Asked) -> None:
    stranger = Api(apis[keys.Role.ADMIN].client, "0123456789ab.not-a-secret")
    answer = stranger.post(document(asked, Known()))
    assert (answer.status_code, codes(answer.json())) == (401, {"access_denied"})
    assert "data" not in answer.json()


def test_every_change_needs_an_analyst_at_least() -> None:
    lax = [each.name for each in roots() if each.operation == "mutation" and each.needs not in RANK[3:]]
    assert not lax


def test_the_walk_sees_the_roles() -> None:
    """What admins alone may see or do is known to the tests above; so is what everybody may."""
    needs = {each.name: each.needs for each in roots()}
    assert {"auditLog", "apiKeys", "createApiKey", "rotateApiKey", "revokeApiKey"} <= {
        name for name, role in needs.items() if role is keys.Role.ADMIN
    }
    assert needs["reveal"] is keys.Role.ANALYST
    assert [name for name, role in needs.items() if role is keys.Role.SCORER] == ["scoreAccount"]
    assert needs["clusters"] is None
    # Roles stand on questions and changes; if one comes to stand elsewhere, these tests have to go there.
    deeper = [
        f"{kind.name}.{name}"
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        and kind not in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type)
        for name, field in kind.fields.items()
        if role_of(field)
    ]
    assert not deeper
    # Their resolvers check it; see `test_api_events.py`.
    needing = [each.name for each in roots() if each.operation == "subscription" and each.needs]
    assert needing == ["events"]


def test_secrets_and_digests_are_in_no_type() -> None:
    names = {
        f"{kind.name}.{name}"
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name in kind.fields
    }
    assert {name for name in names if "digest" in name.lower() or "pepper" in name.lower()} == set()
    assert {name for name in names if "secret" in name.lower()} == {
        "NewApiKey.secret",
        "NewWebhook.secret",
    }
    makers = {
        each.name for each in roots() if get_named_type(each.field.type).name in ("NewApiKey", "NewWebhook")
    }
    assert makers == {"createApiKey", "rotateApiKey", "addWebhook", "rotateWebhook"}
