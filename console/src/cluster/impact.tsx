// If somebody acted on a cluster: whom it would hit, and in which stages to begin. How sure is in the address.
import { Impact as ImpactDocument } from "../generated/documents";
import { count, Says, share, Table, useAsk, Wait } from "../parts";
import { changed, go } from "../route";

const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export function Impact({ id, query }: { id: string; query: URLSearchParams }) {
  const least = query.get("least") === null ? null : Number(query.get("least"));
  const impact = useAsk(ImpactDocument, least === null ? null : { cluster: id, minMembership: least });
  return (
    <section aria-labelledby="blast">
      <h2 id="blast">If somebody acted on it</h2>
      <p>Nothing here acts on accounts. This says beforehand whom an action would hit.</p>
      <p class="row">
        Act on members who are at least this sure:{" "}
        {[0, 0.9, 0.99].map((each) => (
          <button key={each} aria-pressed={least === each} onClick={() => go(["cluster", id], changed(query, { at: undefined, least: String(each) }))}>
            {each === 0 ? "all" : share(each)}
          </button>
        ))}
      </p>
      <div aria-live="polite">
        {least !== null && (
          <Wait of={impact}>
            {({ impact: found }) => (
              <>
                <Says of={found.descriptions} />
                <Table says="Plan in stages" heads={["Stage", "Accounts", "Least sure", "Innocents to expect", "Members left"]}>
                  {found.plan.stages.map((each, index) => (
                    <tr key={index}>
                      <th scope="row">{index + 1}</th>
                      <td class="number">{count(each.accounts)}</td>
                      <td class="number">{share(each.minMembership)}</td>
                      <td class="number">{tenths.format(each.expectedFalsePositives)}</td>
                      <td class="number">{count(each.remaining)}</td>
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
