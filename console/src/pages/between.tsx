// Two accounts: what they have in common, and the strongest way of evidence from one to the other.
import { useState } from "preact/hooks";
import { Between } from "../generated/documents";
import { AccountLink, bits, count, moment, SignalLink, Status, Table, useAsk, useTitle, Wait } from "../parts";
import { go } from "../route";

export function BetweenPage({ a, b }: { a: string; b: string }) {
  useTitle(a && b ? `${a} and ${b}` : "Two accounts");
  const [one, setOne] = useState(a);
  const [other, setOther] = useState(b);
  const found = useAsk(Between, a && b ? { a, b } : null);
  const typed = (set: (value: string) => void) => (event: Event) => set((event.target as HTMLInputElement).value);
  return (
    <>
      <h1 tabIndex={-1}>Two accounts</h1>
      <form class="filters" onSubmit={(event) => (event.preventDefault(), one.trim() && other.trim() && go(["between", one.trim(), other.trim()]))}>
        <label>One account<input required value={one} onInput={typed(setOne)} spellcheck={false} /></label>
        <label>The other<input required value={other} onInput={typed(setOther)} spellcheck={false} /></label>
        <button class="main">Show the link</button>
      </form>
      {a && b && (
        <Wait of={found}>
          {({ between, pair }) => (
            <>
              <p class="lead">{between.says}</p>
              <p>
                <AccountLink id={between.source.id} /> <Status of={between.source.status} /> · <AccountLink id={between.target.id} /> <Status of={between.target.status} />
                {pair.operator && ` · People say: ${pair.operator === "SAME" ? "one operator" : "two operators"}.`}
              </p>
              {pair.decisions.length > 0 && (
                <ol class="decisions">
                  {pair.decisions.map((each) => (
                    <li key={each.id} class={each.inForce ? "" : "past"}><strong>{each.value.toLowerCase()}</strong> by {each.by}, {moment(each.at)} {each.note && <q>{each.note}</q>}</li>
                  ))}
                </ol>
              )}
              <section aria-labelledby="path">
                <h2 id="path">The strongest path</h2>
                {between.path === null ? (
                  <p>No path of published links or rare signals joins them.</p>
                ) : (
                  <>
                    <p>{between.path.says}</p>
                    <ol class="path">
                      {between.path.steps.map((each, index) => (
                        <li key={index}>
                          <AccountLink id={each.source.id} /> – <AccountLink id={each.target.id} /> {each.bits !== null && <strong>{bits(each.bits)} bits</strong>} {each.says}{" "}
                          {each.signal && <SignalLink of={each.signal.key} />}
                          {each.explanation.length > 0 && (
                            <ul>
                              {each.explanation.map((part, at) => (
                                <li key={at}>{part.family}: {bits(part.bits)} bits. {part.says} {part.signalKey && <SignalLink of={part.signalKey} />}</li>
                              ))}
                            </ul>
                          )}
                        </li>
                      ))}
                    </ol>
                  </>
                )}
              </section>
              <section aria-labelledby="common">
                <h2 id="common">Signals both have</h2>
                <p>{count(between.commonInAll)} in all.</p>
                <Table says="Signals both have" heads={["Signal", "Kind", "Value", "Accounts", "Bits"]}>
                  {between.common.map((each) => (
                    <tr key={each.signal.key}>
                      <th scope="row"><SignalLink of={each.signal.key} /></th>
                      <td>{each.signal.label}</td>
                      <td>{each.signal.value.slice(0, 32)}</td>
                      <td class="number">{count(each.signal.degree)}{each.hub && " (hub: says nothing)"}</td>
                      <td class="number">{bits(each.signal.rarity.bits)}</td>
                    </tr>
                  ))}
                </Table>
              </section>
            </>
          )}
        </Wait>
      )}
    </>
  );
}
