// Why it is a cluster: the parts of its score, what its members share, and what would remain without any of it.
import { useState } from "preact/hooks";
import { Anatomy, Counterfactual } from "../generated/documents";
import type { CounterfactualQuery } from "../generated/operations";
import type { Found } from "./found";
import { Bits, count, Families, Says, share, SignalLink, Table, useAsk, Wait, words } from "../parts";
import { changed, go } from "../route";

type Parts = CounterfactualQuery["counterfactual"]["before"];

/** What remains of a cluster, in a sentence. */
function remains(before: Parts, after: Parts): string {
  const [was = 0, is = 0] = [before.sizes[0], after.sizes[0]];
  const apart = after.isolated - before.isolated;
  if (was === is && apart === 0 && before.sizes.length === after.sizes.length) return `It stays as it is: ${count(was)} accounts hold together without it.`;
  return `Of ${count(was)} accounts that hold together, ${count(is)} still do; ${count(after.sizes.length)} parts instead of ${count(before.sizes.length)}, ${count(apart)} more accounts stand alone.`;
}

export function Why({ of, id, query }: { of: Found; id: string; query: URLSearchParams }) {
  // What is tried is in the address, so that it can be shown to somebody else.
  const [without, family] = [query.get("without"), query.get("family")];
  const what = without !== null ? { signals: [without] } : family !== null ? { families: [family] } : null;
  const tried = useAsk(Counterfactual, what === null ? null : { cluster: id, ...what });
  const [held, setHeld] = useState(false);
  const anatomy = useAsk(Anatomy, held ? { cluster: id } : null);
  const leaveOut = (parts: { without?: string; family?: string }) => go(["cluster", id], changed(query, { at: undefined, without: undefined, family: undefined, ...parts }));
  const shared = [...of.sharedSignals].sort((one, other) => other.bits - one.bits);
  return (
    <section aria-labelledby="why">
      <h2 id="why">Why</h2>
      <p>{of.explanation}</p>
      <Table says="Parts of the score" heads={["Part", "Speaks to", "Bits", "In words"]}>
        {of.scoreParts.map((each) => (
          <tr key={each.name}>
            <th scope="row">{words(each.name)}</th>
            <td>{each.aspect === "COORDINATION" ? "both" : "hostility"}</td>
            <Bits of={each.bits} all={of.scoreParts.map((part) => part.bits)} />
            <td class="words">{each.description}</td>
          </tr>
        ))}
      </Table>
      <h3>The {shared.length} signals that hold it together most, by bits</h3>
      <p class="small">Bits: what sharing it says for one operator, the rarer elsewhere the more. Others: accounts outside of the cluster that use it too.</p>
      <Table says="Shared signals" heads={["Signal", "Evidence", "Value", "Members", "Share", "Others", "Bits", "What if"]}>
        {shared.map((each) => (
          <tr key={each.signal.key}>
            <th scope="row"><SignalLink of={each.signal.key} /></th>
            <td><Families of={[each.signal.family]} /></td>
            <td>{/\.[\w-]{28}$/.test(each.signal.value) ? <span class="small">token</span> : each.signal.value}{each.signal.networkClass && `, ${each.signal.networkClass}`}</td>
            <td class="number">{count(each.accounts)}</td>
            <td class="number">{share(each.share)}</td>
            <td class="number">{count(each.outside)}</td>
            <Bits of={each.bits} all={shared.map((signal) => signal.bits)} />
            <td>
              <button aria-label={`Without ${each.signal.key}`} aria-pressed={without === each.signal.key} onClick={() => leaveOut({ without: each.signal.key })}>
                Without
              </button>
            </td>
          </tr>
        ))}
      </Table>
      <p class="row">
        Without all of a family:{" "}
        {of.families.map((each) => (
          <button key={each} aria-pressed={family === each} onClick={() => leaveOut({ family: each })}>
            {words(each)}
          </button>
        ))}
        <button onClick={() => setHeld(true)}>What holds it together?</button>
      </p>
      <div aria-live="polite">
        {what !== null && (
          <div class="answer" data-test="counterfactual">
            <h3>
              Without {without !== null ? <SignalLink of={without} /> : `all of ${words(family!)}`}
            </h3>
            <Wait of={tried}>
              {({ counterfactual: { before, after, descriptions } }) => (
                <>
                  <p class="lead">{remains(before, after)}</p>
                  <Says of={descriptions} />
                </>
              )}
            </Wait>
            <button onClick={() => leaveOut({})}>Put it back</button>
          </div>
        )}
        {held && (
          <div class="answer">
            <h3>What holds it together</h3>
            <Wait of={anatomy}>{(found) => <Says of={found.anatomy.descriptions} />}</Wait>
          </div>
        )}
      </div>
    </section>
  );
}
