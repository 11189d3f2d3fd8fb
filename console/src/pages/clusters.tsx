// The clusters that matter; every filter is in the address.
import { useEffect } from "preact/hooks";
import { Clusters } from "../generated/documents";
import type { ClusterAssessment, ClusterFilter, ClusterOrderField, ClustersQueryVariables, ClusterStatus } from "../generated/operations";
import { ClusterLink, count, day, Families, share, Status, Table, useAsk, useTitle, Wait } from "../parts";
import { changed, go, to } from "../route";

const STATUSES = ["OPEN", "CONFIRMED", "DISMISSED", "MONITORING", "ACTIONED", "APPEALED", "CONFLICT"];
/** Tabs: what the clusters of each most likely are. */
const TABS: readonly (readonly [ClusterAssessment, string, string])[] = [
  ["CAMPAIGN", "Campaigns", "One operator runs each of these, against the rules."],
  ["LIKELY_BUSINESS", "Likely business", "One operator runs each of these, and nothing says it is hostile: agencies, resellers of seats, classes, companies."],
];
const ORDERS = ["SCORE", "COORDINATION", "SIZE", "GROWTH", "FIRST_SEEN", "LAST_SEEN"];
const FAMILIES = ["client", "device", "email", "identifier", "name", "network", "organization", "payment", "phone", "prompt"];

/** The tab that an address names. */
function assessed(query: URLSearchParams): ClusterAssessment {
  return query.get("assessment") === "LIKELY_BUSINESS" ? "LIKELY_BUSINESS" : "CAMPAIGN";
}

/** The variables that an address asks for. */
export function asked(query: URLSearchParams): ClustersQueryVariables {
  const number = (name: string) => (query.get(name) ? Number(query.get(name)) : undefined);
  const time = (name: string) => (query.get(name) ? `${query.get(name)}T00:00:00Z` : undefined);
  const filter: ClusterFilter = {
    assessment: [assessed(query)],
    status: query.get("status") ? [query.get("status") as ClusterStatus] : undefined,
    families: query.get("family") ? [query.get("family")!] : undefined,
    minScore: number("minScore"),
    minCoordination: number("minCoordination"),
    minSize: number("minSize"),
    minGrowth: number("minGrowth"),
    signalKey: query.get("signal") ?? undefined,
    firstSeenSince: time("since"),
    lastSeenSince: time("active"),
  };
  const field = (query.get("order") ?? "SCORE") as ClusterOrderField;
  return { filter, orderBy: { field, direction: "DESC" }, first: 50, after: query.get("after") };
}

/** The same address on another tab, from its first page. */
function changedTo(query: URLSearchParams, tab: ClusterAssessment): URLSearchParams {
  return changed(query, { after: undefined, assessment: tab === "CAMPAIGN" ? undefined : tab });
}

export function ClustersPage({ query }: { query: URLSearchParams }) {
  useTitle("Clusters");
  const found = useAsk(Clusters, asked(query));
  const typed = (name: string) => (event: Event) => {
    const next = new URLSearchParams(query);
    next.delete("after");
    next.set(name, (event.target as HTMLInputElement).value);
    go(["clusters"], next);
  };
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
      if (event.key !== "j" && event.key !== "k") return;
      const links = [...document.querySelectorAll<HTMLElement>("tbody th a")];
      const at = links.indexOf(document.activeElement as HTMLElement);
      links[Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), links.length - 1)]?.focus();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  const pick = (name: string, label: string, values: readonly string[], none = "any") => (
    <label>
      {label}
      <select value={query.get(name) ?? ""} onChange={typed(name)}>
        <option value="">{none}</option>
        {values.map((each) => (
          <option value={each} key={each}>
            {each.toLowerCase().replaceAll("_", " ")}
          </option>
        ))}
      </select>
    </label>
  );
  const type = (name: string, label: string, kind: string) => (
    <label>
      {label}
      <input type={kind} min={kind === "number" ? "0" : undefined} step={name === "minScore" || name === "minCoordination" ? "any" : undefined} value={query.get(name) ?? ""} onChange={typed(name)} />
    </label>
  );
  return (
    <>
      <h1 tabIndex={-1}>Clusters</h1>
      <nav class="places" aria-label="What they most likely are">
        {TABS.map(([name, label]) => (
          <a key={name} href={to(["clusters"], changedTo(query, name))} aria-current={assessed(query) === name ? "page" : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <p class="small">{TABS.find(([name]) => name === assessed(query))?.[2]}</p>
      <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
        {pick("status", "Status", STATUSES)}
        {pick("family", "Evidence", FAMILIES)}
        {type("minSize", "Accounts, at least", "number")}
        {type("minScore", "Hostility, at least", "number")}
        {type("minCoordination", "Coordination, at least", "number")}
        {type("minGrowth", "Growth, at least", "number")}
        {type("since", "First sign-up since", "date")}
        {type("active", "Last sign-up since", "date")}
        {pick("order", "Order", ORDERS.slice(1), "hostility")}
        <a href={to(["clusters"], assessed(query) === "CAMPAIGN" ? {} : { assessment: assessed(query) })}>Clear</a>
      </form>
      {query.get("signal") && (
        <p>
          With the signal <code>{query.get("signal")}</code>.
        </p>
      )}
      <Wait of={found}>
        {({ clusters }) =>
          clusters.edges.length === 0 ? (
            <p>No cluster meets all of this.</p>
          ) : (
            <>
              <Table
                says="Clusters"
                heads={["Cluster", "Hostility", "Coordination", "Accounts", "Growth", "Status", "Evidence", "First sign-up", "Last sign-up"]}
              >
                {clusters.edges.map(({ node }) => (
                  <tr key={node.id}>
                    <th scope="row">
                      <ClusterLink id={node.id} />
                      <span class="sentence">{node.summary}</span>
                    </th>
                    <td class="number">{share(node.hostility)}</td>
                    <td class="number">{share(node.coordination)}</td>
                    <td class="number">{count(node.size)}</td>
                    <td class="number">{node.growth > 0 ? `+${count(node.growth)}` : count(node.growth)}</td>
                    <td>
                      <Status of={node.status} />
                    </td>
                    <td>
                      <Families of={node.families} />
                    </td>
                    <td class="day">{day(node.firstSeen)}</td>
                    <td class="day">{day(node.lastSeen)}</td>
                  </tr>
                ))}
              </Table>
              {clusters.pageInfo.hasNextPage && (
                <a
                  class="next"
                  href={to(["clusters"], new URLSearchParams([...[...query].filter(([name]) => name !== "after"), ["after", clusters.pageInfo.endCursor ?? ""]]))}
                >
                  Next page
                </a>
              )}
            </>
          )
        }
      </Wait>
    </>
  );
}
