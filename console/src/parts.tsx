// What the pages share: numbers and times as people read them, links, tables, what is being asked for.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, Refusal } from "./api";
import type { Doc } from "./generated/documents";
import { to } from "./route";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const count = (value: number | null | undefined): string => (value == null ? "–" : whole.format(value));
export const bits = (value: number | null | undefined): string => (value == null ? "–" : tenths.format(value));
export const share = (value: number | null | undefined): string =>
  value == null ? "–" : value > 0.9995 && value < 1 ? "> 99.9 %" : `${tenths.format(value * 100)} %`;
export const day = (value: string | null | undefined): string => (value ? value.slice(0, 10) : "–");
export const moment = (value: string | null | undefined): string =>
  value ? `${value.slice(0, 10)} ${value.slice(11, 16)} UTC` : "–";

export interface Asked<Data> {
  data: Data | null;
  error: string | null;
  again: () => void;
}

/** Asks when what is asked for changes; an answer that came too late is let go of. */
export function useAsk<Data, Variables>(document: Doc<Data, Variables>, variables: Variables | null): Asked<Data> {
  const [state, set] = useState<{ data: Data | null; error: string | null }>({ data: null, error: null });
  const [turn, setTurn] = useState(0);
  const wanted = JSON.stringify(variables);
  useEffect(() => {
    if (variables === null) return;
    const control = new AbortController();
    set((before) => ({ data: before.data, error: null }));
    ask(document, variables, control.signal).then(
      (data) => set({ data, error: null }),
      (error: Error) => {
        if (error instanceof Refusal) set({ data: null, error: error.message });
      },
    );
    return () => control.abort();
  }, [document.id, wanted, turn]);
  return { ...state, again: () => setTurn((each) => each + 1) };
}

/** What was asked for, or that it is not there yet, or why not. */
export function Wait<Data>({ of, children, failed }: { of: Asked<Data>; children: (data: Data) => ComponentChildren; failed?: () => void }) {
  useEffect(() => {
    if (of.error !== null) failed?.();
  }, [of.error]);
  if (of.error !== null)
    return (
      <p class="refusal" role="alert">
        {of.error} <button onClick={of.again}>Ask again</button>
      </p>
    );
  if (of.data === null)
    return (
      <p class="waiting" role="status">
        Reading …
      </p>
    );
  return <>{children(of.data)}</>;
}

export const Status = ({ of }: { of: string }) => <span class={`status ${of.toLowerCase()}`}>{of.toLowerCase()}</span>;

export const Families = ({ of }: { of: readonly string[] }) => (
  <span class="families">
    {of.map((each) => (
      <span class={`family ${each}`} key={each}>
        {each.replaceAll("_", " ")}
      </span>
    ))}
  </span>
);

export const ClusterLink = ({ id }: { id: string }) => (
  <a class="id" href={to(["cluster", id])}>
    {id}
  </a>
);
export const AccountLink = ({ id }: { id: string }) => (
  <a class="id" href={to(["account", id])}>
    {id}
  </a>
);
export const SignalLink = ({ of }: { of: string }) => (
  <a class="id" href={to(["signal", of])} title={of}>
    {of.length > 34 ? `${of.slice(0, 32)}…` : of}
  </a>
);

/** A table that scrolls by itself on narrow screens. */
export function Table({ says, heads, children }: { says: string; heads: string[]; children: ComponentChildren }) {
  return (
    <div class="scroll" role="region" aria-label={says} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((each) => (
              <th scope="col" key={each}>
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export const Says = ({ of }: { of: readonly string[] }) => (
  <ul class="says">
    {of.map((each) => (
      <li key={each}>{each}</li>
    ))}
  </ul>
);

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · graphsvc`;
    document.querySelector<HTMLElement>("h1")?.focus();
  }, [title]);
}
