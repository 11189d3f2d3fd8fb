"""Damage files: keys, snapshots, the cache of jars, bundles."""

import os
import shutil
from pathlib import Path

from bench.faults import world
from bench.faults.check import Change
from bench.faults.damage import FORMS
from bench.faults.kinds.kills import ACCOUNTS, must_end_well
from bench.faults.plan import Fault
from bench.faults.result import Report, build_report
from bench.faults.site import Site
from graphsvc import server
from graphsvc.errors import GraphsvcError
from graphsvc.keyfile import format_key
from graphsvc.settings import Settings

USES: dict[str, list[list[str]]] = {
    "api-keys.json": [["keys", "list"], ["keys", "create", "--role", "viewer"]],
    "api-keys.pepper": [["keys", "create", "--role", "viewer"]],
    "audit-head.json": [["audit", "verify"], ["decide", "--account", ACCOUNTS[0], "monitoring"]],
    "signing.key": [["decide", "--account", ACCOUNTS[0], "monitoring"], ["audit", "verify"]],
    "token.key": [["load", "LATER"]],
    "neo4j-password": [["export", "members", "--out", "OUT"]],
    "sign-in.key": [["serve", "--port", "0"]],
}
"""Commands that use a file of the keys."""
SIGN_IN = {"GRAPHSVC_OIDC_ISSUER": "http://127.0.0.1:9", "GRAPHSVC_OIDC_AUDIENCE": "graph",
           "GRAPHSVC_OIDC_CLIENT_ID": "console", "GRAPHSVC_OIDC_ROLES": "staff=viewer"}  # fmt: skip
"""Settings with which the service offers the redirect to an identity provider."""


def damage(path: Path, fault: Fault) -> bool:
    """Damage a file as a fault says; False if it says what it said, but for a line end or the case of hex digits."""
    before = path.read_bytes()
    after = FORMS[fault.variant](before, fault.amount, fault.key)
    if after is None:
        path.unlink()
    else:
        path.write_bytes(after)
    return after is None or after.strip().lower() != before.strip().lower()


def damage_keys(site: Site, fault: Fault) -> Report:
    """Damage a file of keys in a copy of the installation, and use it: it is refused by name, or does no harm."""
    loads = fault.target == "token.key"
    site.require(fresh=loads)
    data = site.work / "keys-apart"
    data.mkdir(exist_ok=True)
    folder = site.copy_keys(data)
    if fault.target == "sign-in.key" and not (folder / fault.target).exists():
        (folder / fault.target).write_text(format_key(bytes([0x5C] * 32)))
        (folder / fault.target).chmod(0o600)
    if not damage(folder / fault.target, fault):
        return Report("unnoticed", note="the damage changed nothing")
    settings = site.by_address(data)
    if fault.target == "neo4j-password":
        settings["GRAPHSVC_NEO4J_PASSWORD"] = ""
        settings["GRAPHSVC_NEO4J_PASSWORD_FILE"] = str(folder / fault.target)
    if fault.target == "sign-in.key":
        settings |= SIGN_IN
    faults, notes, refused = [], [], False
    for words in USES[fault.target]:
        argv = [{"LATER": str(site.later), "OUT": str(data / "out.csv")}.get(word, word) for word in words]
        if words[0] == "serve":
            done = site.commands.run_apart(argv, {**site.variables, **settings}, ends="GraphiQL: ")
        else:
            done = site.run(*argv, **settings)
        faults += done.list_faults()
        serves = words[0] == "serve" and "GraphiQL: " in done.err  # then it is stopped by us
        refused |= done.status != 0 and not serves
        notes += [done.said] * bool(done.said)
        if words[0] == "decide":
            change = Change("account", ACCOUNTS[0], "disposition", "monitoring", "")
            (site.ledger.lost if done.status else site.ledger.answered).append(change)
        # A key that can be read and is another one makes what is foreign to all that was made before.
        if (done.status == 0 or serves) and fault.target in (
            "signing.key",
            "token.key",
            "sign-in.key",
            "api-keys.pepper",
        ):
            faults.append(f"`{' '.join(words[:2])}` used the damaged {fault.target} in silence")
    # What a foreign signing key wrote is no fault of the log.
    return build_report(refused, faults + site.find_faults(("base", "later") if loads else ()), "; ".join(notes),
                        again=False)  # fmt: skip


def damage_snapshots(site: Site, fault: Fault) -> Report:
    """Damage the graph that the last run kept, and detect: the graph is read from the database where need be."""
    site.require()
    kept = sorted(site.settings.runs_dir.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    if not kept:
        site.reset()
        kept = sorted(site.settings.runs_dir.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    damage(kept[-1] / fault.target, fault)
    before = site.published
    wanted, argv = site.get_detect()
    done = site.run(*argv)
    faults = done.list_faults()
    if site.find_published() not in (before, wanted):
        faults.append("what is published is neither the result before nor the new one")
    if done.status:
        shutil.rmtree(kept[-1], ignore_errors=True)
        faults += must_end_well(site.run(*argv))
    return build_report(done.status != 0, faults + site.find_faults(results=(wanted,)), done.said)


def damage_cache(site: Site, fault: Fault) -> Report:
    """Damage a jar, or the JVM's start cache, in a copy of the cache, and start a database with no network."""
    site.require()
    cache, other = site.work / "cache", site.work / "other"
    shutil.rmtree(cache, ignore_errors=True)
    shutil.copytree(site.settings.cache_dir, cache, copy_function=_link)
    pattern = "*.jar" if fault.target == "a jar" else "*.aot"
    found = sorted(cache.rglob(pattern))
    if not found:
        return Report("skipped", note="there is no start cache yet")
    victims = found if pattern == "*.aot" else [found[fault.key % len(found)]]
    for victim in victims:
        content = victim.read_bytes()[: 64 << 20]
        victim.unlink()  # the link, not the file
        victim.write_bytes(content)
        damage(victim, fault)
    settings = {**site.variables, "GRAPHSVC_CACHE_DIR": str(cache), "GRAPHSVC_DATA_DIR": str(other),
                "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}  # fmt: skip
    done = site.commands.run(["neo4j", "start"], settings)
    faults = done.list_faults()
    if fault.target == "a jar" and not done.status:
        faults.append(f"the server started with the damaged {victims[0].name}")
    if not done.status:
        try:
            server.stop_server(Settings(data_dir=other, cache_dir=cache, neo4j_uri=None))
        except GraphsvcError as error:
            faults.append(str(error))
    shutil.rmtree(cache, ignore_errors=True)
    return build_report(done.status != 0, faults + site.find_faults(), done.said, again=False)


def damage_bundles(site: Site, fault: Fault) -> Report:
    """Damage a file of a bundle, and load it: all of it, what can be read with the rest counted, or nothing."""
    site.require(fresh=True)
    name, _, form = fault.target.partition(".")
    bundle = site.work / "damaged"
    shutil.rmtree(bundle, ignore_errors=True)
    world.write_bundle(bundle, world.make_world(), form)
    damage(bundle / fault.target, fault)
    done = site.run("load", bundle)
    faults = done.list_faults()
    if not site.find_published():
        faults.append("what was published changed while a damaged bundle was loaded")
    if done.status:
        # Nothing was written, so the graph is the one before.
        return build_report(True, faults + site.find_faults(), done.said, again=False)
    named = f"{fault.target}: empty" in done.out
    if form == "csv.gz" and fault.variant in ("truncated", "zeros", "empty") and not named:
        faults.append(f"a damaged {fault.target} was loaded in silence")
    state = site.read_state()
    faults += [*state.faults, *site.ledger.find_faults(state.decisions)]
    site.graph = ""  # another bundle than before, in part
    read = next((line for line in done.out.splitlines() if line.startswith(name)), "")
    return build_report(False, faults, " ".join(read.split()))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
