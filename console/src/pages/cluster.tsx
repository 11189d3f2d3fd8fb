// One cluster: what it is, why, how it came to be, what holds it, and what people say of it.
import { useEffect, useState } from "preact/hooks";
import { ask } from "../api";
import { Around } from "../cluster/around";
import { Impact } from "../cluster/impact";
import { Drawing } from "../cluster/drawing";
import { Export } from "../cluster/export";
import type { Found } from "../cluster/found";
import { Members } from "../cluster/members";
import { Why } from "../cluster/why";
import { Decisions, DISPOSITIONS } from "../decisions";
import { Assign, Cluster, Dispose, Evidence, Note, Traffic, Unwatch, Watch } from "../generated/documents";
import type { Bucket } from "../generated/operations";
import type { Me } from "../main";
import { Words, count, day, Families, Places, share, show, Status, useAsk, useTitle, Wait, words } from "../parts";
import { to } from "../route";
import { Timeline } from "../timeline";

const PLACES = [
  ["graph", "Who hangs together"], ["time", "When"], ["why", "Why"], ["decisions", "Decisions"], ["lineage", "How it came to be"],
  ["links", "Links and neighbours"], ["blast", "If somebody acted"], ["members", "Members"], ["export", "Export"],
] as const;

const DAY = 86_400_000;
/** Days beyond which a timeline is of weeks; the service tells of 200 buckets at a time. */
const LONG = 200;

export function ClusterPage({ id, query, me }: { id: string; query: URLSearchParams; me: Me }) {
  useTitle(`Cluster ${id}`);
  const asked = useAsk(Cluster, { id, first: 20, after: query.get("after") });
  // The drawing comes first; what else is on the page is asked for when it stands.
  const [drawn, setDrawn] = useState(false);
  const cluster = asked.data?.cluster;
  const by: Bucket = cluster && spanned(cluster) > LONG ? "WEEK" : "DAY";
  const evidence = useAsk(Evidence, drawn ? { id, by } : null);
  const traffic = useAsk(Traffic, drawn ? { id, by } : null);
  const at = query.get("at");
  const all = evidence.data !== null;
  useEffect(() => show(at), [at, all]);
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
              <Places of={PLACES} path={["cluster", id]} query={query} />
              <Drawing key={query.get("level") ?? ""} id={id} query={query} done={() => setDrawn(true)} />
              <section aria-labelledby="time">
                <h2 id="time">When</h2>
                <Wait of={evidence}>
                  {(found) => <Timeline of={found.cluster?.timeline ?? []} traffic={traffic.data?.cluster?.traffic ?? []} by={by} size={cluster.size} />}
                </Wait>
                {evidence.data?.cluster?.turnover && <p><Words of={evidence.data.cluster.turnover.description} /></p>}
              </section>
              <Why of={cluster} id={id} query={query} />
              <Decide of={cluster} again={asked.again} me={me} />
              <Wait of={evidence}>{(found) => <Around of={found} />}</Wait>
              <Impact id={id} query={query} />
              <Members of={cluster} query={query} id={id} />
              <Export id={id} me={me} business={cluster.assessment === "LIKELY_BUSINESS"} />
            </>
          )
        }
      </Wait>
    </>
  );
}

/** Days from the first sign-up to the last. */
function spanned(cluster: Found): number {
  return cluster.firstSeen && cluster.lastSeen ? (Date.parse(cluster.lastSeen) - Date.parse(cluster.firstSeen)) / DAY : 0;
}

function Head({ of }: { of: Found }) {
  return (
    <section class="head" aria-label="At a glance">
      <p class="lead">{of.summary}</p>
      <dl class="facts">
        <div><dt>Assessment</dt><dd>{words(of.assessment)}</dd></div>
        <div><dt>Hostility</dt><dd>{share(of.hostility)}</dd></div>
        <div><dt>Coordination</dt><dd>{share(of.coordination)}</dd></div>
        <div><dt>Accounts</dt><dd>{count(of.size)}</dd></div>
        <div><dt>Status</dt><dd><Status of={of.status} /></dd></div>
        <div><dt>Looked after by</dt><dd>{of.assignee ?? "nobody"}</dd></div>
        <div><dt>Sign-ups</dt><dd>{day(of.firstSeen)} to {day(of.lastSeen)}</dd></div>
        <div><dt>Found by run</dt><dd>{of.run && <a class="id" href={to(["run", of.run.id])}>{of.run.id}</a>}</dd></div>
      </dl>
      <p class="small">
        Coordination: how likely one operator runs it. Hostility: how likely it is a campaign, one operator against the rules.
        {of.assessment === "LIKELY_BUSINESS" && " It is coordinated and most likely a business: its accounts count as innocents, and it is in no list of campaigns."}
      </p>
      <p class="row">
        <span class="small">Evidence:</span> <Families of={of.families} />
      </p>
    </section>
  );
}

function Decide({ of, again, me }: { of: Found; again: () => void; me: Me }) {
  const [name, setName] = useState(of.assignee ?? me.name);
  const { id, version } = of;
  const watches = of.watchers.includes(me.name);
  const choices = [
    ...DISPOSITIONS.filter((each) => each !== of.status).map((each) => ({
      name: words(each),
      act: (note: string) => ask(Dispose, { id, disposition: each, version, note }),
      done: `It is ${words(each)} now.`,
    })),
    { name: "Only note it", noted: true, act: (note: string) => ask(Note, { id, note, version }), done: "Noted." },
  ];
  return (
    <section aria-labelledby="decisions">
      <h2 id="decisions">What people decided</h2>
      <Decisions of={of} choices={choices} may={me.decides} again={again}>
        {(change) => (
          <p class="row">
            <label for="assignee">Looked after by</label>
            <input id="assignee" value={name} onInput={(event) => setName((event.target as HTMLInputElement).value)} spellcheck={false} />
            <button type="button" disabled={!name.trim() || name.trim() === of.assignee} onClick={() => change(() => ask(Assign, { id, assignee: name.trim(), version }), `${name.trim()} looks after it now.`)}>
              Assign
            </button>
            {of.assignee !== null && (
              <button type="button" onClick={() => change(() => ask(Assign, { id, assignee: null, version }), "Nobody looks after it now.")}>Nobody</button>
            )}
            <button type="button" aria-pressed={watches} onClick={() => change(() => watches ? ask(Unwatch, { id }) : ask(Watch, { id }), watches ? "You do not watch it any more." : "You watch it now.")}>
              Watch
            </button>
            {of.watchers.length > 0 && <span class="small">Watched by {of.watchers.join(", ")}.</span>}
          </p>
        )}
      </Decisions>
    </section>
  );
}
