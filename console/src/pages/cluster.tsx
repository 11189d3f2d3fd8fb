// One cluster: what it is, why, how it came to be, what holds it, and what people say of it.
import { useState } from "preact/hooks";
import { ask, download, Refusal } from "../api";
import { Anatomy, Blast, Cluster, Counterfactual, Dispose, Evidence, Graph, Note, Traffic, Undo, Watch } from "../generated/documents";
import type { ClusterQuery, CounterfactualQuery, Disposition, EvidenceQuery } from "../generated/operations";
import { GraphView } from "../graph";
import { Lineage } from "../lineage";
import type { Me } from "../main";
import { AccountLink, bits, ClusterLink, count, day, Families, moment, Says, share, SignalLink, Status, Table, useAsk, useTitle, Wait } from "../parts";
import { go, to } from "../route";
import { Timeline } from "../timeline";

type Found = NonNullable<ClusterQuery["cluster"]>;
const DISPOSITIONS: Disposition[] = ["OPEN", "CONFIRMED", "DISMISSED", "MONITORING", "ACTIONED", "APPEALED"];

export function ClusterPage({ id, query, me }: { id: string; query: URLSearchParams; me: Me }) {
  useTitle(`Cluster ${id}`);
  const asked = useAsk(Cluster, { id, first: 20, after: query.get("after") });
  // The drawing comes first; what else is on the page is asked for when it stands.
  const [drawn, setDrawn] = useState(false);
  const evidence = useAsk(Evidence, drawn ? { id } : null);
  const traffic = useAsk(Traffic, drawn ? { id } : null);
  return (
    <>
      <h1 tabIndex={-1}>
        Cluster <code>{id}</code>
      </h1>
      <Wait of={asked}>
        {({ cluster }) =>
          cluster === null ? (
            <p>No cluster of this id is published. It may have become part of another: search for the id.</p>
          ) : (
            <>
              <Head of={cluster} />
              <Drawing key={query.get("level") ?? ""} id={id} within={query.get("level")?.slice(1) ?? null} query={query} done={() => setDrawn(true)} />
              <section aria-labelledby="time">
                <h2 id="time">When</h2>
                <Wait of={evidence}>
                  {(found) => <Timeline of={found.cluster?.timeline ?? []} traffic={traffic.data?.cluster?.traffic ?? []} />}
                </Wait>
                {evidence.data?.cluster?.turnover && <p>{evidence.data.cluster.turnover.says}</p>}
              </section>
              <Why of={cluster} id={id} />
              <Decide of={cluster} again={asked.again} me={me} />
              <Wait of={evidence}>{(found) => <Around of={found} />}</Wait>
              <BlastRadius id={id} />
              <Members of={cluster} query={query} id={id} />
              <Export id={id} me={me} />
            </>
          )
        }
      </Wait>
    </>
  );
}

function Head({ of }: { of: Found }) {
  return (
    <section class="head" aria-label="At a glance">
      <p class="lead">{of.summary}</p>
      <dl class="facts">
        <div>
          <dt>Score</dt>
          <dd>{share(of.score)}</dd>
        </div>
        <div>
          <dt>Accounts</dt>
          <dd>{count(of.size)}</dd>
        </div>
        <div>
          <dt>Status</dt>
          <dd>
            <Status of={of.status} />
          </dd>
        </div>
        <div>
          <dt>Evidence</dt>
          <dd>
            <Families of={of.families} />
          </dd>
        </div>
        <div>
          <dt>Sign-ups</dt>
          <dd>
            {day(of.firstSeen)} to {day(of.lastSeen)}
          </dd>
        </div>
        <div>
          <dt>Found by run</dt>
          <dd>{of.run && <a class="id" href={to(["run", of.run.id])}>{of.run.id}</a>}</dd>
        </div>
      </dl>
    </section>
  );
}

function Drawing({ id, within, query, done }: { id: string; within: string | null; query: URLSearchParams; done: () => void }) {
  // A level of groups stays legible with some dozens of them; members of one group are drawn as they are.
  const groups = within === null || within.includes(":*");
  const graph = useAsk(Graph, { cluster: id, within, nodes: groups ? 120 : 500 });
  const open = (group: string | undefined) => {
    const next = new URLSearchParams(query);
    next.delete("within");
    next.delete("level");
    if (group !== undefined) next.set("level", `=${group}`);
    go(["cluster", id], next);
  };
  return (
    <section aria-labelledby="graph">
      <h2 id="graph">Who hangs together</h2>
      {within !== null && (
        <p>
          Opened: {within === "" ? "members in no group" : within.includes(":*") ? `smaller groups by ${within.split(":")[0]!.replaceAll("_", " ")}` : <>members by <code>{within}</code></>}.{" "}
          <button onClick={() => open(undefined)}>Back to the whole cluster</button>
        </p>
      )}
      <Wait of={graph} failed={done}>{(found) => <GraphView key={within ?? "*"} of={found.clusterGraph} open={open} done={done} />}</Wait>
    </section>
  );
}

type Parts = CounterfactualQuery["counterfactual"]["before"];

/** What remains of a cluster, in a sentence. */
function remains(before: Parts, after: Parts): string {
  const [was = 0, is = 0] = [before.sizes[0], after.sizes[0]];
  const apart = after.alone - before.alone;
  if (was === is && apart === 0 && before.sizes.length === after.sizes.length) return `It stays as it is: ${count(was)} accounts hold together without it.`;
  return `Of ${count(was)} accounts that hold together, ${count(is)} still do; ${count(after.sizes.length)} parts instead of ${count(before.sizes.length)}, ${count(apart)} more accounts stand alone.`;
}

function Why({ of, id }: { of: Found; id: string }) {
  const [without, setWithout] = useState<string | null>(null);
  const [family, setFamily] = useState<string | null>(null);
  const what = without !== null ? { signals: [without] } : family !== null ? { families: [family] } : null;
  const tried = useAsk(Counterfactual, what === null ? null : { cluster: id, ...what });
  const [held, setHeld] = useState(false);
  const anatomy = useAsk(Anatomy, held ? { cluster: id } : null);
  return (
    <section aria-labelledby="why">
      <h2 id="why">Why</h2>
      <p>{of.explanation}</p>
      <Table says="Parts of the score" heads={["Part", "Bits", "In words"]}>
        {of.scoreParts.map((each) => (
          <tr key={each.name}>
            <th scope="row">{each.name}</th>
            <td class="number">{bits(each.bits)}</td>
            <td class="words">{each.says}</td>
          </tr>
        ))}
      </Table>
      <h3>Shared signals, by bits</h3>
      <Table says="Shared signals" heads={["Signal", "Kind", "Value", "Members", "Share", "Others", "Bits", "What if"]}>
        {of.sharedSignals.map((each) => (
          <tr key={each.signal.key}>
            <th scope="row">
              <SignalLink of={each.signal.key} />
            </th>
            <td>
              {each.signal.kind.replaceAll("_", " ")} <Families of={[each.signal.family]} />
            </td>
            <td>{each.signal.value.length > 30 ? `${each.signal.value.slice(0, 28)}…` : each.signal.value}</td>
            <td class="number">{count(each.accounts)}</td>
            <td class="number">{share(each.share)}</td>
            <td class="number">{count(each.outside)}</td>
            <td class="number">{bits(each.bits)}</td>
            <td>
              <button aria-label={`Without ${each.signal.key}`} onClick={() => (setFamily(null), setWithout(each.signal.key))}>
                Without
              </button>
            </td>
          </tr>
        ))}
      </Table>
      <p class="row">
        Without all of a family:{" "}
        {of.families.map((each) => (
          <button key={each} aria-pressed={family === each} onClick={() => (setWithout(null), setFamily(each))}>
            {each}
          </button>
        ))}
        <button onClick={() => setHeld(true)}>What holds it together?</button>
      </p>
      <div aria-live="polite">
        {what !== null && (
          <div class="answer" data-test="counterfactual">
            <h3>
              Without {without !== null ? <code>{without}</code> : `all of ${family}`}
            </h3>
            <Wait of={tried}>
              {({ counterfactual: { before, after, says } }) => (
                <>
                  <p class="lead">{remains(before, after)}</p>
                  <Says of={says} />
                </>
              )}
            </Wait>
            <button onClick={() => (setWithout(null), setFamily(null))}>Put it back</button>
          </div>
        )}
        {held && (
          <div class="answer">
            <h3>What holds it together</h3>
            <Wait of={anatomy}>{(found) => <Says of={found.anatomy.says} />}</Wait>
          </div>
        )}
      </div>
    </section>
  );
}

function Decide({ of, again, me }: { of: Found; again: () => void; me: Me }) {
  const [note, setNote] = useState("");
  const [said, say] = useState<string | null>(null);
  const change = async (what: () => Promise<unknown>, done: string) => {
    try {
      await what();
      setNote("");
      say(done);
    } catch (error) {
      const stale = error instanceof Refusal && error.code === "conflict";
      say(stale ? "Somebody was faster. What they decided is shown now; say it again if you still think so." : String((error as Error).message));
    }
    again();
  };
  return (
    <section aria-labelledby="decisions">
      <h2 id="decisions">What people decided</h2>
      {me.decides && (
        <form onSubmit={(event) => event.preventDefault()}>
          <label for="note">Why (kept with the decision)</label>
          <textarea id="note" rows={2} value={note} onInput={(event) => setNote((event.target as HTMLTextAreaElement).value)} />
          <p class="row">
            {DISPOSITIONS.filter((each) => each !== of.status).map((each) => (
              <button
                key={each}
                type="button"
                onClick={() => change(() => ask(Dispose, { id: of.id, disposition: each, version: of.version, note }), `It is ${each.toLowerCase()} now.`)}
              >
                {each.toLowerCase()}
              </button>
            ))}
            <button type="button" disabled={!note.trim()} onClick={() => change(() => ask(Note, { id: of.id, note, version: of.version }), "Noted.")}>
              Only note it
            </button>
            <button type="button" onClick={() => change(() => ask(Watch, { id: of.id }), "You watch it now.")}>
              Watch
            </button>
          </p>
        </form>
      )}
      <p role="status">{said}</p>
      {of.decisions.length === 0 ? (
        <p>Nobody has decided anything yet.</p>
      ) : (
        <ol class="decisions">
          {of.decisions.map((each) => (
            <li key={each.id} class={each.inForce ? "" : "past"}>
              <strong>
                {each.topic.toLowerCase()} {each.value.toLowerCase()}
              </strong>{" "}
              by {each.by}, {moment(each.at)}
              {each.inForce ? "" : " (no longer in force)"} {each.note && <q>{each.note}</q>}{" "}
              {me.decides && each.inForce && each.topic !== "WATCH" && (
                <button
                  aria-label={`Undo ${each.topic.toLowerCase()} ${each.value.toLowerCase()}`}
                  onClick={() => change(() => ask(Undo, { id: each.id, version: of.version }), "Undone.")}
                >
                  Undo
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Around({ of }: { of: EvidenceQuery }) {
  const cluster = of.cluster;
  if (cluster === null) return null;
  return (
    <>
      <section aria-labelledby="lineage">
        <h2 id="lineage">How it came to be</h2>
        <Lineage of={cluster.lineage} />
      </section>
      <section aria-labelledby="links">
        <h2 id="links">Strongest links</h2>
        <Table says="Strongest links" heads={["Two accounts", "Bits", "Evidence"]}>
          {cluster.links.map((each) => (
            <tr key={`${each.source.id} ${each.target.id}`}>
              <th scope="row">
                <a class="id" href={to(["between", each.source.id, each.target.id])}>
                  {each.source.id} – {each.target.id}
                </a>
              </th>
              <td class="number">{bits(each.bits)}</td>
              <td>
                <Families of={each.families} />
              </td>
            </tr>
          ))}
        </Table>
        <p class="small">A link opens with what it rests on, in words.</p>
        {cluster.neighbours.length > 0 && (
          <>
            <h3>Neighbouring clusters</h3>
            <Table says="Neighbouring clusters" heads={["Cluster", "Accounts", "Status", "Signals in common", "Bits"]}>
              {cluster.neighbours.map((each) => (
                <tr key={each.cluster.id}>
                  <th scope="row">
                    <ClusterLink id={each.cluster.id} />
                  </th>
                  <td class="number">{count(each.cluster.size)}</td>
                  <td>
                    <Status of={each.cluster.status} />
                  </td>
                  <td class="number">{count(each.shared)}</td>
                  <td class="number">{bits(each.bits)}</td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </section>
    </>
  );
}

function BlastRadius({ id }: { id: string }) {
  const [least, setLeast] = useState<number | null>(null);
  const blast = useAsk(Blast, least === null ? null : { cluster: id, leastMembership: least });
  return (
    <section aria-labelledby="blast">
      <h2 id="blast">If somebody acted on it</h2>
      <p class="row">
        Act on members who are at least this sure:{" "}
        {[0, 0.9, 0.99].map((each) => (
          <button key={each} aria-pressed={least === each} onClick={() => setLeast(each)}>
            {each === 0 ? "all" : share(each)}
          </button>
        ))}
      </p>
      <div aria-live="polite">
        {least !== null && (
          <Wait of={blast}>
            {({ blastRadius }) => (
              <>
                <Says of={blastRadius.says} />
                <Table says="Plan in stages" heads={["Stage", "Accounts", "Least sure", "Innocents to expect", "Members left"]}>
                  {blastRadius.plan.stages.map((each, index) => (
                    <tr key={index}>
                      <th scope="row">{index + 1}</th>
                      <td class="number">{count(each.accounts)}</td>
                      <td class="number">{share(each.membership)}</td>
                      <td class="number">{bits(each.innocents)}</td>
                      <td class="number">{count(each.left)}</td>
                    </tr>
                  ))}
                </Table>
              </>
            )}
          </Wait>
        )}
      </div>
    </section>
  );
}

function Members({ of, query, id }: { of: Found; query: URLSearchParams; id: string }) {
  const { edges, pageInfo } = of.members;
  return (
    <section aria-labelledby="members">
      <h2 id="members">Members</h2>
      <Table says="Members" heads={["Account", "Sure", "Bits", "Status", "Signed up", "Plan", "Country", "In words"]}>
        {edges.map(({ node }) => (
          <tr key={node.account.id}>
            <th scope="row">
              <AccountLink id={node.account.id} />
            </th>
            <td class="number">{share(node.membership)}</td>
            <td class="number">{bits(node.bits)}</td>
            <td>
              <Status of={node.account.status} />
            </td>
            <td>{day(node.account.createdAt)}</td>
            <td>{node.account.plan}</td>
            <td>{node.account.country}</td>
            <td class="words">{node.summary}</td>
          </tr>
        ))}
      </Table>
      {pageInfo.hasNextPage && (
        <a class="next" href={to(["cluster", id], { level: query.get("level") ?? undefined, after: pageInfo.endCursor ?? undefined })}>
          Next members of {count(of.size)}
        </a>
      )}
    </section>
  );
}

function Export({ id, me }: { id: string; me: Me }) {
  const [said, say] = useState<string | null>(null);
  const [tlp, setTlp] = useState("amber");
  const [reason, setReason] = useState("");
  const save = async (format: string) => {
    say("Writing the file …");
    try {
      say(`${await download(id, format, tlp, reason.trim())} is in your downloads.`);
    } catch (error) {
      say((error as Error).message);
    }
  };
  return (
    <section aria-labelledby="export">
      <h2 id="export">Export</h2>
      <p class="row">
        <label>
          Traffic light{" "}
          <select value={tlp} onChange={(event) => setTlp((event.target as HTMLSelectElement).value)}>
            {["clear", "green", "amber", "amber+strict", "red"].map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        {me.decides && (
          <label>
            Reason to have addresses in it (on record; empty: none){" "}
            <input value={reason} onInput={(event) => setReason((event.target as HTMLInputElement).value)} />
          </label>
        )}
        {["stix", "csv", "parquet"].map((each) => (
          <button key={each} onClick={() => save(each)}>
            {each === "stix" ? "STIX 2.1" : each === "csv" ? "CSV" : "Parquet"}
          </button>
        ))}
      </p>
      <p role="status">{said}</p>
    </section>
  );
}
