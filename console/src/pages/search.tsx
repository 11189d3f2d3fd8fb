// Search: by id, token, address or range, AS number, domain. What is typed is never put in the address bar: it may be personal.
import { useState } from "preact/hooks";
import { Search } from "../generated/documents";
import type { SearchQuery } from "../generated/operations";
import { AccountLink, ClusterLink, count, day, share, SignalLink, Status, Table, useAsk, useTitle, Wait } from "../parts";
import { to } from "../route";

type Found = SearchQuery["search"]["hits"][number]["found"];

const Thing = ({ of }: { of: Found }) => {
  switch (of.__typename) {
    case "Account": return <>account <AccountLink id={of.id} /></>;
    case "Cluster": return <>cluster <ClusterLink id={of.id} /></>;
    case "Run": return <>run <a class="id" href={to(["run", of.id])}>{of.id}</a></>;
    case "Signal": return <>signal <SignalLink of={of.key} /></>;
    case "AddressRange": return <>range <span class="id">{of.cidr}</span></>;
    case "AutonomousSystem": return <>AS{of.asn} {of.name}</>;
  }
};

const About = ({ of }: { of: Found }) => {
  switch (of.__typename) {
    case "Account": return <><Status of={of.accountStatus} /> since {day(of.createdAt)}</>;
    case "Cluster": return <>{count(of.size)} accounts, {share(of.score)} <Status of={of.status} /></>;
    case "Run": return <>{day(of.startedAt)}</>;
    case "Signal": return <>{of.kind.replaceAll("_", " ")}, {count(of.degree)} accounts</>;
    default: return null;
  }
};

/** One row for ranges that are shown alike: of IPv6 the /48 is shown, and each hit is a /64 in it. */
function rows(hits: SearchQuery["search"]["hits"]): { hit: (typeof hits)[number]; alike: number }[] {
  const found: { hit: (typeof hits)[number]; alike: number }[] = [];
  for (const hit of hits) {
    const last = found[found.length - 1];
    const [one, other] = [last?.hit.found, hit.found];
    if (last && one?.__typename === "AddressRange" && other.__typename === "AddressRange" && one.cidr === other.cidr) last.alike += 1;
    else found.push({ hit, alike: 1 });
  }
  return found;
}

export function SearchPage() {
  useTitle("Search");
  const [typed, type] = useState("");
  const [text, set] = useState("");
  const found = useAsk(Search, text ? { text, kinds: null, first: 50 } : null);
  return (
    <>
      <h1 tabIndex={-1}>Search</h1>
      <form class="filters" role="search" onSubmit={(event) => (event.preventDefault(), set(typed.trim()))}>
        <label for="search">
          Id of an account, cluster or run; address, range or AS number; domain; e-mail or card token
          <input id="search" type="search" required value={typed} onInput={(event) => type((event.target as HTMLInputElement).value)} autocomplete="off" spellcheck={false} />
        </label>
        <button class="main">Search</button>
      </form>
      <p class="small">An e-mail or a card's token becomes a token at the door: it is neither kept nor logged.</p>
      {text && (
        <Wait of={found}>
          {({ search }) => (
            <div aria-live="polite">
              <p>{search.hits.length === 0 ? "Nothing found." : `${count(search.hits.length)} found${search.hasMore ? ", and there are more" : ""}.`}</p>
              {search.hits.length > 0 && (
                <Table says="Found" heads={["Found", "About", "Why"]}>
                  {rows(search.hits).map(({ hit, alike }, index) => (
                    <tr key={index}>
                      <th scope="row"><Thing of={hit.found} /></th>
                      <td><About of={hit.found} />{alike > 1 && `${count(alike)} ranges in it`}</td>
                      <td class="words">{hit.description}</td>
                    </tr>
                  ))}
                </Table>
              )}
            </div>
          )}
        </Wait>
      )}
    </>
  );
}
