// Two accounts: what they have in common, and the strongest way of evidence from one to the other.
import { useState } from "preact/hooks";
import { ask } from "../api";
import { Decisions } from "../decisions";
import { Between, Pin } from "../generated/documents";
import type { Me } from "../main";
import { AccountLink, Bits, count, signed, SignalLink, Status, Table, useAsk, useTitle, Wait, Words, words } from "../parts";
import { go } from "../route";

const PINS = [["SAME", "One operator"], ["DIFFERENT", "Two operators"]] as const;

export function BetweenPage({ a, b, me }: { a: string; b: string; me: Me }) {
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
              <p class="lead"><Words of={between.description} /></p>
              <p>
                <AccountLink id={between.source.id} /> <Status of={between.source.status} /> · <AccountLink id={between.target.id} /> <Status of={between.target.status} />
                {pair.operator && ` · People say: ${pair.operator === "SAME" ? "one operator" : "two operators"}.`}
              </p>
              <section aria-labelledby="path">
                <h2 id="path">The strongest path</h2>
                {between.path === null ? (
                  <p>No path of published links or rare signals joins them.</p>
                ) : (
                  <>
                    <p><Words of={between.path.description} /></p>
                    <ol class="path">
                      {between.path.steps.map((each, index) => (
                        <li key={index}>
                          <AccountLink id={each.source.id} /> – <AccountLink id={each.target.id} /> {each.bits !== null && <strong>{signed(each.bits)} bits</strong>} <Words of={each.description} />
                          {each.explanation.length > 0 && (
                            <ul>
                              {each.explanation.map((part, at) => (
                                <li key={at}>{words(part.family)}: {signed(part.bits)} bits. <Words of={part.description} /></li>
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
                {between.common.length === 0 ? (
                  <p>None.</p>
                ) : (
                  <>
                    <p>{count(between.commonTotal)} in all{between.common.length < between.commonTotal && `; the ${count(between.common.length)} rarest of them`}.</p>
                    <Table says="Signals both have" heads={["Signal", "Kind", "Accounts", "Bits"]}>
                      {between.common.map((each) => (
                        <tr key={each.signal.key}>
                          <th scope="row"><SignalLink of={each.signal.key} /></th>
                          <td>{each.signal.label}</td>
                          <td class="number">{count(each.signal.degree)}{each.isHub && " (hub: no link by itself)"}</td>
                          <Bits of={each.signal.rarity.bits} all={between.common.map((common) => common.signal.rarity.bits)} />
                        </tr>
                      ))}
                    </Table>
                  </>
                )}
              </section>
              <section aria-labelledby="decisions">
                <h2 id="decisions">Whether one operator runs both</h2>
                {me.decides && <p>The next detection honours what is said here: two accounts of one operator are in one cluster if either is in any, two of different operators never are.</p>}
                <Decisions
                  of={pair}
                  may={me.decides}
                  again={found.again}
                  choices={PINS.filter(([operator]) => operator !== pair.operator).map(([operator, name]) => ({
                    name,
                    act: (note) => ask(Pin, { a, b, operator, version: pair.version, note }),
                    done: `It is on record: ${name.toLowerCase()}.`,
                  }))}
                />
              </section>
            </>
          )}
        </Wait>
      )}
    </>
  );
}
