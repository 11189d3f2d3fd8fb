// A signal: what it is, how rare, whether it says anything, and who uses it.
import { useState } from "preact/hooks";
import { ask } from "../api";
import { Reveal, Signal } from "../generated/documents";
import type { Me } from "../main";
import { AccountLink, bits, ClusterLink, count, Cut, day, Families, share, Status, Table, useAsk, useTitle, Wait } from "../parts";
import { to } from "../route";

export function SignalPage({ of: signalKey, after, me }: { of: string; after: string | null; me: Me }) {
  useTitle("Signal");
  const asked = useAsk(Signal, { key: signalKey, first: 50, after });
  return (
    <>
      <h1 tabIndex={-1}>
        Signal <code>{signalKey}</code>
      </h1>
      <Wait of={asked}>
        {({ signal }) =>
          signal === null ? (
            <p>No signal of this key is loaded.</p>
          ) : (
            <>
              <p class="lead">
                {signal.rarity.isHub
                  ? "A hub: so many accounts use it that it links no two by itself. It adds to what rarer signals say, and counts for a cluster that most of its users are in."
                  : signal.rarity.isCrowded
                    ? "Crowded: it supports what other signals say and links no two accounts alone."
                    : `Rare: two accounts that share it have ${bits(signal.rarity.bits)} bits of evidence in common.`}
              </p>
              <dl class="facts">
                <div><dt>Kind</dt><dd>{signal.label} <Families of={[signal.family]} /></dd></div>
                <div><dt>Value</dt><dd class="id">{signal.value}</dd></div>
                <div><dt>Accounts</dt><dd>{count(signal.degree)}</dd></div>
                <div><dt>Of all accounts</dt><dd>{share(signal.rarity.share)}</dd></div>
                <div><dt>Bits</dt><dd>{bits(signal.rarity.bits)}</dd></div>
                {signal.networkClass && <div><dt>Network</dt><dd>{signal.networkClass}</dd></div>}
                {signal.range && <div><dt>Range</dt><dd>{signal.range.cidr}{signal.range.system && `, AS${signal.range.system.asn} ${signal.range.system.name ?? ""}`}</dd></div>}
              </dl>
              {me.decides && signalKey.startsWith("ip:") && <RevealAddress of={signalKey} />}
              <section aria-labelledby="clusters">
                <h2 id="clusters">Clusters it is in</h2>
                {signal.clusters.length === 0 ? (
                  <p>None.</p>
                ) : (
                  <Table says="Clusters" heads={["Cluster", "Accounts with it", "Accounts", "Hostility", "Status"]}>
                    {signal.clusters.map((each) => (
                      <tr key={each.cluster.id}>
                        <th scope="row"><ClusterLink id={each.cluster.id} /></th>
                        <td class="number">{count(each.accounts)}</td>
                        <td class="number">{count(each.cluster.size)}</td>
                        <td class="number">{share(each.cluster.score)}</td>
                        <td><Status of={each.cluster.status} /></td>
                      </tr>
                    ))}
                  </Table>
                )}
                <Cut of={signal.clusters} most={20} says="with most accounts on it" />
              </section>
              <section aria-labelledby="users">
                <h2 id="users">Who uses it</h2>
                <Table says="Accounts" heads={["Account", "Status", "Signed up", "Cluster", "First seen", "Last seen", "Times"]}>
                  {signal.accounts.edges.map(({ node }) => (
                    <tr key={node.account.id}>
                      <th scope="row"><AccountLink id={node.account.id} /></th>
                      <td><Status of={node.account.status} /></td>
                      <td>{day(node.account.createdAt)}</td>
                      <td>{node.account.membership && <ClusterLink id={node.account.membership.cluster.id} />}</td>
                      <td>{day(node.firstSeen)}</td>
                      <td>{day(node.lastSeen)}</td>
                      <td class="number">{count(node.count)}</td>
                    </tr>
                  ))}
                </Table>
                {signal.accounts.pageInfo.hasNextPage && (
                  <a class="next" href={to(["signal", signalKey], { after: signal.accounts.pageInfo.endCursor ?? undefined })}>Next of {count(signal.degree)}</a>
                )}
              </section>
            </>
          )
        }
      </Wait>
    </>
  );
}

function RevealAddress({ of: signalKey }: { of: string }) {
  const [reason, setReason] = useState("");
  const [said, say] = useState<string | null>(null);
  const reveal = async (event: Event) => {
    event.preventDefault();
    try {
      const found = await ask(Reveal, { keys: [signalKey], reason: reason.trim() });
      say(found.reveal.map((each) => each.value).join(", ") || "No such address.");
    } catch (error) {
      say((error as Error).message);
    }
  };
  return (
    <form class="filters" onSubmit={reveal}>
      <label>Reason to see the address (goes on record)<input required value={reason} onInput={(event) => setReason((event.target as HTMLInputElement).value)} /></label>
      <button>Reveal</button>
      <p role="status">{said}</p>
    </form>
  );
}
