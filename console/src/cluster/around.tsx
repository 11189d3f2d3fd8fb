// How a cluster came to be, its strongest links, and its neighbours.
import type { EvidenceQuery } from "../generated/operations";
import { Lineage } from "../lineage";
import { Bits, ClusterLink, count, Cut, Families, Status, Table } from "../parts";
import { to } from "../route";

export function Around({ of }: { of: EvidenceQuery }) {
  const cluster = of.cluster;
  if (cluster === null) return null;
  return (
    <>
      <section aria-labelledby="lineage">
        <h2 id="lineage">How it came to be</h2>
        <Lineage of={cluster.lineage} />
        <Cut of={cluster.lineage} most={10} says="latest events" />
      </section>
      <section aria-labelledby="links">
        <h2 id="links">Links and neighbours</h2>
        <h3>Its {cluster.links.length} strongest links</h3>
        <Table says="Strongest links" heads={["Two accounts", "Bits", "Evidence"]}>
          {cluster.links.map((each) => (
            <tr key={`${each.source.id} ${each.target.id}`}>
              <th scope="row">
                <a class="id" href={to(["between", each.source.id, each.target.id])}>
                  {each.source.id} – {each.target.id}
                </a>
              </th>
              <Bits of={each.bits} all={cluster.links.map((link) => link.bits)} />
              <td><Families of={each.families} /></td>
            </tr>
          ))}
        </Table>
        <p class="small">A link opens with what it rests on, in words.</p>
        {cluster.neighbours.length > 0 && (
          <>
            <h3>Clusters that use the same signals</h3>
            <Table says="Neighbouring clusters" heads={["Cluster", "Accounts", "Status", "Signals in common", "Bits"]}>
              {cluster.neighbours.map((each) => (
                <tr key={each.cluster.id}>
                  <th scope="row"><ClusterLink id={each.cluster.id} /></th>
                  <td class="number">{count(each.cluster.size)}</td>
                  <td><Status of={each.cluster.status} /></td>
                  <td class="number">{count(each.shared)}</td>
                  <Bits of={each.bits} all={cluster.neighbours.map((neighbour) => neighbour.bits)} />
                </tr>
              ))}
            </Table>
            <Cut of={cluster.neighbours} most={10} says="with the strongest signal in common" />
          </>
        )}
      </section>
    </>
  );
}
