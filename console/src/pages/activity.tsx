// What happened to clusters, decisions and runs, newest first, and what of it is new since you last looked.
import { useEffect, useState } from "preact/hooks";
import { ask } from "../api";
import { Activity } from "../generated/documents";
import type { ActivityQuery, EventType } from "../generated/operations";
import { ClusterLink, count, moment, Table, useAsk, useTitle, Wait, Words } from "../parts";
import { changed, to } from "../route";

type Event = ActivityQuery["events"]["edges"][number]["node"];

const SEEN = "graphsvc.seen";
/** How often the mark beside the tab is renewed. */
const LOOK_MS = 60_000;
const GROUPS: [name: string, label: string, types: EventType[] | null][] = [
  ["", "All", null],
  ["clusters", "Clusters", ["CLUSTER_BORN", "CLUSTER_GROWN", "CLUSTER_MERGED", "CLUSTER_SPLIT", "CLUSTER_REVIVED", "CLUSTER_ENDED"]],
  ["decisions", "Decisions", ["DECISION_MADE", "DECISION_UNDONE"]],
  ["signups", "Sign-ups", ["ACCOUNT_SCORED"]],
  ["runs", "Runs", ["RUN_PUBLISHED", "RUN_FAILED", "RUN_LATE"]],
];
const NAMES: Record<EventType, string> = {
  CLUSTER_BORN: "New cluster",
  CLUSTER_GROWN: "Cluster grew",
  CLUSTER_MERGED: "Clusters merged",
  CLUSTER_SPLIT: "Cluster split",
  CLUSTER_REVIVED: "Cluster found again",
  CLUSTER_ENDED: "Cluster not found",
  ACCOUNT_SCORED: "Sign-up scored",
  DECISION_MADE: "Decision",
  DECISION_UNDONE: "Decision undone",
  RUN_PUBLISHED: "Run published",
  RUN_FAILED: "Run failed",
  RUN_LATE: "Run late",
  WEBHOOK_TEST: "Test",
};

/** The last event that was marked as read in this browser. */
const readSeen = () => Number(localStorage.getItem(SEEN) ?? 0);

function markRead(number: number): void {
  localStorage.setItem(SEEN, String(Math.max(number, readSeen())));
  dispatchEvent(new CustomEvent(SEEN));
}

/** The number of the last event that was marked as read, also when it is marked elsewhere on the page. */
function useSeen(): number {
  const [seen, set] = useState(readSeen);
  useEffect(() => {
    const changedSeen = () => set(readSeen());
    for (const each of [SEEN, "storage"]) addEventListener(each, changedSeen);
    return () => [SEEN, "storage"].forEach((each) => removeEventListener(each, changedSeen));
  }, []);
  return seen;
}

/** Whether something happened that was not marked as read; asked now and then. */
export function useUnread(allowed: boolean): boolean {
  const [newest, set] = useState(0);
  const seen = useSeen();
  useEffect(() => {
    if (!allowed) return;
    // A mark that cannot be renewed stays as it is; the page itself says why.
    const look = () => ask(Activity, { first: 1 }).then(({ events }) => set(Number(events.edges[0]?.node.number ?? 0)), () => {});
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [allowed]);
  return newest > seen;
}

/** What an event says beyond its type, in words. */
function describe({ type, data }: Event): string {
  const facts = data as Record<string, string | number | undefined>;
  if (type === "RUN_PUBLISHED") return `${count(Number(facts.clusters))} clusters, ${count(Number(facts.members))} members`;
  if (type === "RUN_LATE") return `Due at ${moment(String(facts.dueAt))}`;
  if (type === "RUN_FAILED") return String(facts.error ?? "");
  if (type.startsWith("DECISION")) return [facts.topic, facts.value, facts.clusterId ? "" : `on ${facts.subjectKind}`].filter(Boolean).join(" ");
  return [facts.description, facts.assessment === "likely_business" ? "A likely business." : ""].filter(Boolean).join(" ");
}

export function ActivityPage({ query }: { query: URLSearchParams }) {
  useTitle("Activity");
  const [group, , types] = GROUPS.find(([name]) => name === (query.get("of") ?? "")) ?? GROUPS[0]!;
  const after = query.get("after");
  const asked = useAsk(Activity, { first: 50, after, types });
  const seen = useSeen();
  return (
    <>
      <h1 tabIndex={-1}>Activity</h1>
      <nav class="places" aria-label="What happened to">
        {GROUPS.map(([name, label]) => (
          <a key={name} href={to(["activity"], { of: name })} aria-current={group === name ? "page" : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <Wait of={asked}>
        {({ events }) => {
          const fresh = events.edges.filter(({ node }) => Number(node.number) > seen).length;
          const newest = Number(events.edges[0]?.node.number ?? 0);
          return events.edges.length === 0 ? (
            <p>Nothing has happened yet.</p>
          ) : (
            <>
              <p class="row">
                <span role="status">{fresh === 0 ? "Nothing new since you last looked." : `${count(fresh)} new on this page since you last looked.`}</span>
                {fresh > 0 && !after && <button onClick={() => markRead(newest)}>Mark as read</button>}
              </p>
              <Table says="Activity" heads={["When", "What", "Cluster or run", "In words"]}>
                {events.edges.map(({ node }) => (
                  <tr key={node.id}>
                    <td>{moment(node.at)}</td>
                    <th scope="row">
                      {NAMES[node.type]} {Number(node.number) > seen && <span class="status unread">new</span>}
                    </th>
                    <td>{!node.subject ? "–" : node.type.startsWith("RUN") ? <a class="id" href={to(["run", node.subject])}>{node.subject}</a> : <ClusterLink id={node.subject} />}</td>
                    <td class="words"><Words of={describe(node)} /></td>
                  </tr>
                ))}
              </Table>
              {events.pageInfo.hasNextPage && <a class="next" href={to(["activity"], changed(query, { after: events.pageInfo.endCursor ?? undefined }))}>Earlier</a>}
            </>
          );
        }}
      </Wait>
    </>
  );
}
