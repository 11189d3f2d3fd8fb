// One account: what it shows, why it is in its cluster, and who else it touches.
import { ask } from "../api";
import { Decisions, DISPOSITIONS } from "../decisions";
import { Account, ConnectedAccounts, DisposeAccount, Ego, NoteAccount } from "../generated/documents";
import type { AccountQuery } from "../generated/operations";
import { GraphView } from "../graph";
import type { Me } from "../main";
import { AccountLink, Bits, bits, ClusterLink, count, Cut, day, moment, share, signed, SignalLink, Status, Table, useAsk, useTitle, Wait, Words, words } from "../parts";
import { to } from "../route";

type Found = NonNullable<AccountQuery["account"]>;

export function AccountPage({ id, after, me }: { id: string; after: string | null; me: Me }) {
  useTitle(`Account ${id}`);
  const asked = useAsk(Account, { id, first: 50, after });
  const connected = useAsk(ConnectedAccounts, { id });
  const ego = useAsk(Ego, { account: id, nodes: 300 });
  return (
    <>
      <h1 tabIndex={-1}>
        Account <code>{id}</code>
      </h1>
      <Wait of={asked}>
        {({ account }) =>
          account === null ? (
            <p>No account of this id is loaded.</p>
          ) : (
            <>
              <dl class="facts">
                <div><dt>Status</dt><dd><Status of={account.status} /></dd></div>
                <div><dt>Signed up</dt><dd>{moment(account.createdAt)}</dd></div>
                <div><dt>Plan</dt><dd>{account.plan ?? "–"}</dd></div>
                <div><dt>Country</dt><dd>{account.country ?? "–"}</dd></div>
                <div><dt>Disposition</dt><dd><Status of={account.disposition} /></dd></div>
              </dl>
              <section aria-labelledby="why">
                <h2 id="why">Why it is in its cluster</h2>
                {account.membership === null ? (
                  <p>It is in no published cluster.</p>
                ) : (
                  <>
                    <p class="lead">
                      <ClusterLink id={account.membership.cluster.id} /> {account.membership.cluster.summary}
                    </p>
                    <p>
                      <Words of={account.membership.summary} /> It belongs there by {share(account.membership.membership)}, {signed(account.membership.bits)} bits.
                    </p>
                    <Table says="Evidence" heads={["Evidence", "Bits", "In words"]}>
                      {account.membership.explanation.map((each, index) => (
                        <tr key={index}>
                          <th scope="row">{words(each.family)}</th>
                          <Bits of={each.bits} all={account.membership!.explanation.map((part) => part.bits)} />
                          <td class="words"><Words of={each.description} /></td>
                        </tr>
                      ))}
                    </Table>
                  </>
                )}
              </section>
              <section aria-labelledby="touches">
                <h2 id="touches">What else it touches</h2>
                <Wait of={connected}>
                  {(found) => (
                    <>
                      {[...(found.account?.predecessors ?? [])].map((each) => (
                        <p key={each.predecessor.id}>Probably replaces <AccountLink id={each.predecessor.id} /> ({share(each.probability)}). <Words of={each.description} /></p>
                      ))}
                      {[...(found.account?.successors ?? [])].map((each) => (
                        <p key={each.successor.id}>Probably replaced by <AccountLink id={each.successor.id} /> ({share(each.probability)}). <Words of={each.description} /></p>
                      ))}
                      {found.account?.connectedAccounts.length === 0 ? <p>No account outside of its cluster uses any of its rare signals.</p> : <Table says="Accounts it touches" heads={["Account", "Status", "Cluster", "Bits", "Signals in common", "Link"]}>
                        {(found.account?.connectedAccounts ?? []).map((each) => (
                          <tr key={each.account.id}>
                            <th scope="row"><AccountLink id={each.account.id} /></th>
                            <td><Status of={each.account.status} /></td>
                            <td>{each.cluster && <ClusterLink id={each.cluster.id} />}</td>
                            <td class="number">{bits(each.bits)}</td>
                            <td><span class="families">{each.signals.map((signal) => <SignalLink key={signal.key} of={signal.key} />)}</span></td>
                            <td><a href={to(["between", id, each.account.id])} aria-label={`Link with ${each.account.id}`}>Link</a></td>
                          </tr>
                        ))}
                      </Table>}
                      <Cut of={found.account?.connectedAccounts ?? []} most={10} says="on its rarest signals" />
                    </>
                  )}
                </Wait>
              </section>
              <section aria-labelledby="decisions">
                <h2 id="decisions">What people decided</h2>
                <Decide of={account} again={asked.again} me={me} />
              </section>
              <section aria-labelledby="graph">
                <h2 id="graph">Around it</h2>
                <Wait of={ego}>{(found) => <GraphView of={found.egoGraph} centre={id} />}</Wait>
              </section>
              <section aria-labelledby="signals">
                <h2 id="signals">Its signals</h2>
                <Table says="Signals" heads={["Signal", "Kind", "Accounts", "Bits", "First seen", "Last seen", "Times"]}>
                  {account.signals.edges.map(({ node }) => (
                    <tr key={node.signal.key}>
                      <th scope="row"><SignalLink of={node.signal.key} /></th>
                      <td>{node.signal.label}{node.signal.networkClass && `, ${node.signal.networkClass}`}</td>
                      <td class="number">{count(node.signal.degree)}{node.signal.rarity.isHub && " (hub)"}</td>
                      <td class="number">{bits(node.signal.rarity.bits)}</td>
                      <td>{day(node.firstSeen)}</td>
                      <td>{day(node.lastSeen)}</td>
                      <td class="number">{count(node.count)}</td>
                    </tr>
                  ))}
                </Table>
                {account.signals.pageInfo.hasNextPage && (
                  <a class="next" href={to(["account", id], { after: account.signals.pageInfo.endCursor ?? undefined })}>More signals</a>
                )}
              </section>
            </>
          )
        }
      </Wait>
    </>
  );
}

function Decide({ of, again, me }: { of: Found; again: () => void; me: Me }) {
  const { id, version } = of;
  const choices = [
    ...DISPOSITIONS.filter((each) => each !== of.disposition).map((each) => ({
      name: words(each),
      act: (note: string) => ask(DisposeAccount, { id, disposition: each, version, note }),
      done: `It is ${words(each)} now.`,
    })),
    { name: "Only note it", noted: true, act: (note: string) => ask(NoteAccount, { id, note, version }), done: "Noted." },
  ];
  return <Decisions of={of} choices={choices} may={me.decides} again={again} />;
}
