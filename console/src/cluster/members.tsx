// The members, surest first, with what makes each one.
import type { Found } from "./found";
import { AccountLink, count, day, Evidence, share, signed, Status, Table } from "../parts";
import { changed, to } from "../route";

export function Members({ of, query, id }: { of: Found; query: URLSearchParams; id: string }) {
  const { edges, pageInfo } = of.members;
  return (
    <section aria-labelledby="members">
      <h2 id="members">Members</h2>
      <p class="small">Surest first. What each family of evidence says for a member, or against, in bits; in words on the account's page.</p>
      <Table says="Members" heads={["Account", "Sure", "Bits", "Status", "Signed up", "Plan", "Country", "Evidence"]}>
        {edges.map(({ node }) => (
          <tr key={node.account.id}>
            <th scope="row"><AccountLink id={node.account.id} /></th>
            <td class="number">{share(node.membership)}</td>
            <td class="number">{signed(node.bits)}</td>
            <td><Status of={node.account.status} /></td>
            <td class="day">{day(node.account.createdAt)}</td>
            <td>{node.account.plan}</td>
            <td>{node.account.country}</td>
            <td class="words"><Evidence of={node.explanation} /></td>
          </tr>
        ))}
      </Table>
      {query.get("after") && <a class="next" href={to(["cluster", id], changed(query, { after: undefined, at: "members" }))}>The first members</a>}{" "}
      {pageInfo.hasNextPage && (
        <a class="next" href={to(["cluster", id], changed(query, { after: pageInfo.endCursor ?? undefined, at: "members" }))}>
          Next members of {count(of.size)}
        </a>
      )}
    </section>
  );
}
