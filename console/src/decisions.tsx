// What people decided on a cluster, an account or a pair: said, shown and taken back in the same way.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ask, Refusal } from "./api";
import { Undo } from "./generated/documents";
import type { ClusterQuery, Disposition } from "./generated/operations";
import { moment, words } from "./parts";

type Decision = NonNullable<ClusterQuery["cluster"]>["decisions"][number];

export const DISPOSITIONS: Disposition[] = ["OPEN", "CONFIRMED", "DISMISSED", "MONITORING", "ACTIONED", "APPEALED"];

/** As many as are read with a subject. */
const READ = 50;

export interface Choice {
  name: string;
  /** Whether it needs a note. */
  noted?: boolean;
  /** Decides; `note` is what was typed. */
  act: (note: string) => Promise<unknown>;
  /** What is said when it is done. */
  done: string;
}

/** `choices` come with a note; `children` are whatever else can be decided, by the same `change`. */
export function Decisions({ of, choices, may, again, children }: {
  of: { version: number; decisions: readonly Decision[] };
  choices: readonly Choice[];
  may: boolean;
  again: () => void;
  children?: (change: (what: () => Promise<unknown>, done: string) => Promise<void>) => ComponentChildren;
}) {
  const [note, setNote] = useState("");
  const [said, say] = useState<string | null>(null);
  const change = async (what: () => Promise<unknown>, done: string) => {
    try {
      await what();
      setNote("");
      say(done);
    } catch (error) {
      const stale = error instanceof Refusal && error.code === "conflict";
      say(stale ? "Somebody was faster. What they decided is shown now; say it again if you still think so." : (error as Error).message);
    }
    again();
  };
  return (
    <>
      {may && (
        <form class="decide" onSubmit={(event) => event.preventDefault()}>
          <label for="note">Why (kept with the decision)</label>
          <textarea id="note" rows={2} maxLength={4000} value={note} onInput={(event) => setNote((event.target as HTMLTextAreaElement).value)} />
          <p class="row">
            {choices.map((each) => (
              <button key={each.name} type="button" disabled={each.noted === true && !note.trim()} onClick={() => change(() => each.act(note.trim()), each.done)}>
                {each.name}
              </button>
            ))}
          </p>
          {children?.(change)}
        </form>
      )}
      <p role="status">{said}</p>
      {of.decisions.length === 0 ? (
        <p>Nobody has decided anything yet.</p>
      ) : (
        <ol class="decisions">
          {of.decisions.map((each) => (
            <li key={each.id} class={each.isActive ? "" : "past"}>
              <strong>
                {words(each.topic)} {each.value}
              </strong>{" "}
              by {each.by}, {moment(each.at)}
              {each.isActive ? "" : " (no longer in force)"} {each.note && <q>{each.note}</q>}{" "}
              {may && each.isActive && each.topic !== "WATCH" && (
                <button type="button" aria-label={`Undo ${words(each.topic)} ${each.value}`.trim()} onClick={() => change(() => ask(Undo, { id: each.id, version: of.version }), "Undone.")}>
                  Undo
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
      {of.decisions.length >= READ && <p class="small">These are the {READ} latest; earlier ones are listed by <code>graphsvc decisions</code>.</p>}
    </>
  );
}
