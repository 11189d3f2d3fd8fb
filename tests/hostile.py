"""Requests made to hurt a GraphQL service, by name; each must be refused, soon."""
# ruff: noqa: E501

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis_graphql import nodes

JSON = "application/json"
SCALARS = {
    "DateTime": st.datetimes().map(lambda moment: nodes.String(moment.isoformat() + "Z"))
    | st.text().map(nodes.String),
    "BigInt": st.integers(-(2**70), 2**70).map(nodes.Int),
}
"""Made-up literals of the scalars that GraphQL does not bring along."""


def _fragments(count: int, body: str, last: str) -> str:
    """A chain of fragments, each of which says `body` of the next; `{n}` is the next one's name."""
    chain = " ".join(f"fragment F{i} on Query {{ {body.format(n=f'F{i + 1}')} }}" for i in range(count))
    return f"{chain} fragment F{count} on Query {{ {last} }}"


def _lists(depth: int, type_: str = "") -> str:
    return "[" * depth + type_ + "]" * depth


OVERLAP = "clusters { edges { node { id members { edges { node { membership } } } } } }"
DOCUMENTS = {
    # Fragments
    "fragments that spread the next three times": "query B { ...F0 } " + _fragments(60, "...{n} ...{n} ...{n}", "viewer { keyId }"),
    "fragments that spread the next in inline fragments": "query B { ...F0 } "
    + _fragments(40, "... on Query {{ ...{n} }} ... {{ ...{n} }}", "viewer { keyId }"),
    "fragments that alias": "query B { ...F0 } " + _fragments(8, "...{n} ...{n} ...{n} ...{n}", "a: viewer { keyId }"),
    "fragments with directives": "query B { ...F0 } " + _fragments(10, "...{n} @skip(if: false) ...{n}", "viewer { keyId }"),
    "a fragment that spreads itself": "{ ...A } fragment A on Query { ...A }",
    "fragments in a circle": "query B { ...A } fragment A on Query { ...B } fragment B on Query { ...C } "
    "fragment C on Query { ...A }",
    "a circle through fields": "{ clusters { edges { node { ...A } } } } "
    "fragment A on Cluster { members { edges { node { account { membership { cluster { ...A } } } } } } }",
    "a circle that nothing spreads": "{ viewer { keyId } } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a hundred fragments nobody spreads": "{ viewer { keyId } } "
    + " ".join(f"fragment F{i} on Query {{ viewer {{ keyId }} }}" for i in range(100)),
    "fragments of one name": "{ ...A } " + "fragment A on Query { viewer { keyId } } " * 60,
    "fragments on types that are not": "{ " + "... on Nothing { a } " * 120 + "}",
    "inline fragments that spread many fields": "{ " + "... on Query { viewer { keyId role } } " * 110 + "}",
    # Fields
    "aliases": "{ " + " ".join(f"a{i}: stats {{ accounts }}" for i in range(100)) + " }",
    "aliases of one costly field": "{ "
    + " ".join(f"a{i}: clusters(first: 200) {{ edges {{ cursor }} }}" for i in range(60)) + " }",
    "aliases just below the cap, each at the cap of rows": "query { "
    + " ".join(f"a{i}: clusters(first: 201) {{ edges {{ cursor }} }}" for i in range(30)) + " }",
    "one field many times": "{ " + "viewer { keyId } " * 240 + "}",
    "one field thousands of times": "{ " + "viewer " * 3_000 + "}",
    "__typename thousands of times": "{ " + "__typename " * 3_000 + "}",
    "__typename hundreds of times": "{ " + "__typename " * 500 + "}",
    "__typename by aliases": "{ " + " ".join(f"a{i}: __typename" for i in range(200)) + " }",
    "fields that are not": "{ " + " ".join(f"no{i}" for i in range(390)) + " }",
    "arguments that are not": "{ viewer(" + " ".join(f"a{i}: 1" for i in range(300)) + ") { keyId } }",
    "one argument many times": "{ clusters(" + "first: 1 " * 300 + ") { edges { cursor } } }",
    "depth": "{ a " * 80 + "}" * 80,
    "depth without end": "{ a" * 480,
    "depth through types that hold each other": "{ clusters { edges { node { "
    + "members { edges { node { account { membership { cluster { " * 6 + "id" + " } } } } } } " * 6 + " } } } }",
    "overlapping fields that differ": "{ " + " ".join(f"x: cluster(id: \"{i}\") {{ id }}" for i in range(28)) + " }",
    "overlapping fields in fragments within fragments": "{ ...F0 ...G0 } "
    + " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...G{i + 1} }}" for i in range(30))
    + " fragment F30 on Query { viewer { keyId } } "
    + " ".join(f"fragment G{i} on Query {{ ...G{i + 1} ...F{i + 1} }}" for i in range(30))
    + " fragment G30 on Query { viewer { role } }",
    # Directives
    "directives on a field": "{ viewer { keyId " + "@skip(if: false) " * 100 + "} }",
    "directives that are not": "{ viewer { keyId " + "@a " * 400 + "} }",
    "directives on the operation": "query " + "@include(if: true) " * 100 + "{ viewer { keyId } }",
    "directives on a fragment": "{ ...A } fragment A on Query " + "@a " * 200 + "{ viewer { keyId } }",
    "defer and stream": "{ ... @defer { viewer { keyId } } clusters { edges @stream(initialCount: 0) { cursor } } }",
    # Values
    "a list in a list in a list": "{ clusters(filter: {families: " + _lists(400) + "}) { edges { cursor } } }",
    "objects within objects": "{ clusters(filter: " + "{filter: " * 190 + "1" + "}" * 190 + ") { edges { cursor } } }",
    "a long list": "{ clusters(filter: {families: [" + "1 " * 900 + "]}) { edges { cursor } } }",
    "a list of lists of enums": "{ clusters(orderBy: [" + "{field: SCORE} " * 150 + "]) { edges { cursor } } }",
    "a huge integer": "{ clusters(first: " + "9" * 5_000 + ") { edges { cursor } } }",
    "a negative page": "{ clusters(first: -2147483648) { edges { cursor } } }",
    "a page beyond 32 bits": "{ clusters(first: 2147483648) { edges { cursor } } }",
    "a page beyond the cap": "{ clusters(first: 2000000000) { edges { cursor } } }",
    "a long string for a number": '{ clusters(first: "' + "x" * 60_000 + '") { edges { cursor } } }',
    "a long cursor": '{ clusters(after: "' + "QUJD" * 15_000 + '") { edges { cursor } } }',
    "a cursor that is none": '{ runs(after: "' + "\\u0000" * 200 + '") { edges { cursor } } }',
    "a block string of many lines for an enum": '{ clusters(orderBy: {field: """' + "\n a" * 15_000 + '"""}) { edges { cursor } } }',
    "a string without end": '{ cluster(id: "' + "x" * 60_000,
    "a block string without end": '{ cluster(id: """' + "\n" * 30_000,
    # Variables
    "many variables": "query Q(" + " ".join(f"$v{i}: Int" for i in range(150)) + ") { viewer { keyId } }",
    "a variable of many lists": "query Q($v: " + _lists(400, "Int") + ") { viewer { keyId } }",
    "a default of many lists": "query Q($v: [String!] = " + _lists(400) + ") { clusters(filter: {families: $v}) { edges { cursor } } }",
    "a variable used everywhere": "query Q($v: Int) { " + "clusters(first: $v) { edges { cursor } } " * 90 + "}",
    "variables of one name": "query Q(" + "$v: Int " * 240 + ") { viewer { keyId } }",
    # Introspection
    "introspection within introspection": "{ __schema { types { fields { type { fields { type { fields { type { fields "
    "{ type { fields { name } } } } } } } } } } } }",
    "introspection of what a type can be": "{ __schema { types { possibleTypes { interfaces { possibleTypes { interfaces "
    "{ possibleTypes { name } } } } } } } }",
    "introspection of inputs": "{ __schema { types { inputFields { type { inputFields { type { inputFields { type { "
    "inputFields { name } } } } } } } } } }",
    "introspection by fragments": "{ __schema { types { ...T } } } fragment T on __Type { fields { type { ...U } } } "
    "fragment U on __Type { fields { type { ...V } } } fragment V on __Type { fields { type { ...W } } } "
    "fragment W on __Type { fields { type { name } } }",
    "introspection by aliases": "{ " + " ".join(f"a{i}: __schema {{ types {{ name }} }}" for i in range(40)) + " }",
    # Operations and text
    "many operations": " ".join(f"query Q{i} {{ viewer {{ keyId }} }}" for i in range(140)),
    "operations of one name": "query Q { viewer { keyId } } " * 140,
    "no operation": "fragment A on Query { viewer { keyId } }",
    "definitions of a schema": "type A { b: String } " * 100 + "{ viewer { keyId } }",
    "an extension of the schema": "extend type Query { a: String } { viewer { keyId } }",
    "brackets": "{" * 990,
    "brackets closed": "}" * 60_000,
    "a comment of all the body": "#" + "x" * 60_000,
    "comments by the line": "#\n" * 20_000,
    "commas": "," * 60_000,
    "a byte-order mark and no document": "\ufeff" * 20_000,
    "letters that look like others": "{ \u0432iewer { keyId } }",
    "direction marks": "{ \u202eviewer\u202c { keyId } }",
    "a null character": "{ viewer\u0000 { keyId } }",
    "escapes of half a character": '{ cluster(id: "\\ud800") { id } }',
    "an escape beyond all characters": '{ cluster(id: "\\u{110000}") { id } }',
    "a long name": "{ " + "a" * 60_000 + " }",
    "long names": "{ " + " ".join("a" * 150 + str(i) for i in range(390)) + " }",
    "a subscription by POST": "subscription { __typename }",
    "mutations by aliases": "mutation { " + " ".join(f'a{i}: cancelRun(id: "x") {{ id }}' for i in range(40)) + " }",
}  # fmt: skip

HARMLESS = {
    # Made to hurt, and served: they ask for little.
    "inline fragments within each other": "{ " + "... { " * 150 + "viewer { keyId }" + " }" * 150 + " }",
    "overlapping fields": "{ " + OVERLAP * 40 + " }",
    "overlapping fields in fragments": "{ " + " ".join(f"...F{i}" for i in range(60)) + " } "
    + " ".join(f"fragment F{i} on Query {{ viewer {{ keyId role }} }}" for i in range(60)),
    "a huge float": "{ clusters(filter: {minScore: 1e" + "9" * 400 + "}) { edges { cursor } } }",
}  # fmt: skip


def _body(**members: Any) -> bytes:
    return json.dumps(members).encode()


VIEWER = "{ viewer { keyId } }"
VARIABLE = "query Q($v: [String!]) { clusters(filter: {families: $v}) { edges { cursor } } }"
BODIES: dict[str, tuple[str, bytes]] = {
    "a batch": (JSON, json.dumps([{"query": VIEWER}] * 1_000).encode()),
    "an empty batch": (JSON, b"[]"),
    "a batch of nothing": (JSON, b"[" + b"null," * 9_000 + b"null]"),
    "nested lists for a body": (JSON, b"[" * 60_000),
    "nested objects for a body": (JSON, b'{"a":' * 10_000),
    "a body that is a number": (JSON, b"1" * 60_000),
    "a body that is a string": (JSON, json.dumps(VIEWER).encode()),
    "nested variables": (JSON, b'{"query": "{ viewer { keyId } }", "variables": {"v": ' + b"[" * 30_000),
    "variables nested and closed": (
        JSON,
        b'{"query": "' + VARIABLE.encode() + b'", "variables": {"v": ' + b"[" * 900 + b"]" * 900 + b"}}",
    ),
    "variables that are a list": (JSON, _body(query=VIEWER, variables=[1, 2])),
    "many variables of the wrong type": (JSON, _body(query=VARIABLE, variables={"v": [1] * 20_000})),
    "a huge integer for a variable": (
        JSON,
        b'{"query": "query Q($v: Int!) { clusters(first: $v) { edges { cursor } } }", "variables": {"v": '
        + b"9" * 5_000 + b"}}",
    ),
    "a variable beyond a float": (
        JSON,
        b'{"query": "query Q($v: Float) { clusters(filter: {minScore: $v}) { edges { cursor } } }", '
        b'"variables": {"v": 1e999}}',
    ),
    "not a number": (
        JSON,
        b'{"query": "query Q($v: Float) { clusters(filter: {minScore: $v}) { edges { cursor } } }", '
        b'"variables": {"v": NaN}}',
    ),
    "half a character in a variable": (
        JSON,
        b'{"query": "query Q($v: String!) { cluster(id: $v) { id } }", "variables": {"v": "\\ud800"}}',
    ),
    "a query that is a list": (JSON, _body(query=[VIEWER])),
    "a query that is null": (JSON, _body(query=None)),
    "an operation that is not there": (JSON, _body(query=VIEWER, operationName="x" * 50_000)),
    "an operation name that is an object": (JSON, _body(query=VIEWER, operationName={"a": 1})),
    "a document id that is none": (JSON, _body(documentId="sha256:" + "0" * 64)),
    "a document id that is an object": (JSON, _body(documentId={"a": ["b"]})),
    "a document id beside a document": (JSON, _body(documentId="md5:1", query=VIEWER)),
    "Apollo's way of persisting": (
        JSON,
        _body(extensions={"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}),
    ),
    "extensions that are a list": (JSON, _body(query=VIEWER, extensions=[])),
    "no UTF-8": (JSON, b'{"query": "\xff\xfe"}'),
    "UTF-16 without a mark": (JSON, VIEWER.encode("utf-16-le")),
    "UTF-7": ("application/json; charset=utf-7", b"+AHs-"),
    "text/plain, as a form of another site sends it": ("text/plain", _body(query=VIEWER)),
    "a form of another site": ("application/x-www-form-urlencoded", b"query=%7Bviewer%7BkeyId%7D%7D"),
    "an upload": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query": "{ viewer { keyId } }"}\r\n--x--',
    ),
    "application/graphql": ("application/graphql", VIEWER.encode()),
    "no content type": ("", _body(query=VIEWER)),
    "more than the cap": (JSON, b" " * (64 * 1024 + 1)),
}  # fmt: skip
