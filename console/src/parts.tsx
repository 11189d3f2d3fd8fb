// What the pages share: numbers and times as people read them, links, tables, what is being asked for.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, Refusal } from "./api";
import type { Doc } from "./generated/documents";
import { changed, to } from "./route";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const count = (value: number | null | undefined): string => (value == null ? "–" : whole.format(value));
export const bits = (value: number | null | undefined): string => (value == null ? "–" : tenths.format(value));
/** Evidence with its sign: what speaks for and what against. */
export const signed = (value: number | null | undefined): string =>
  value == null ? "–" : Math.abs(value) < 0.05 ? "0" : `${value > 0 ? "+" : "−"}${tenths.format(Math.abs(value))}`;
export const words = (name: string): string => name.toLowerCase().replaceAll("_", " ");
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
        {words(each)}
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

/** A signal's key as people can read it: tokens and handles by their end, what is readable as it is. */
export function short(key: string): string {
  const value = key.slice(key.indexOf(":") + 1);
  if (/^([0-9a-f]{8}\.|~)[\w-]{20,}$/.test(value)) return `…${value.slice(-6)}`;
  return value.length > 40 ? `${value.slice(0, 38)}…` : value;
}

export const kindOf = (key: string): string => words(key.slice(0, key.indexOf(":")));

/** A signal by its kind and what is short of its key; the whole key is in the title and on its page. */
export const SignalLink = ({ of, bare }: { of: string; bare?: boolean }) => (
  <a class={bare ? "id bare" : "id"} href={to(["signal", of])} title={of}>
    {bare ? short(of) : `${kindOf(of)} ${short(of)}`}
  </a>
);

const KEY = /([a-z][a-z0-9_]*:[~\w][\w.~:/-]*[\w/-])/;
/** What addresses and cards lie in: named as evidence, without a page of its own. */
const WIDER = new Set(["prefix", "system", "bin"]);

/** A sentence of the service, with the keys in it as links. */
export const Words = ({ of }: { of: string }) => (
  <>
    {of.split(KEY).map((part, index) => {
      if (index % 2 === 0) return part;
      if (WIDER.has(kindOf(part))) return <span key={index} class="id">{short(part)}</span>;
      return <SignalLink key={index} of={part} bare />;
    })}
  </>
);

const BAR = 90;

/** Bits as a bar from a common zero, beside the number: to the right what speaks for, to the left what against. */
export function Bits({ of, all }: { of: number | null | undefined; all: readonly (number | null | undefined)[] }) {
  const known = all.map((each) => each ?? 0);
  const [least, most] = [Math.min(0, ...known), Math.max(0, ...known)];
  const scale = BAR / Math.max(most - least, 1e-9);
  const value = of ?? 0;
  return (
    <td class="bits">
      <svg width={BAR} height="10" viewBox={`0 0 ${BAR} 10`} aria-hidden="true">
        <rect class={value < 0 ? "against" : "for"} x={(Math.min(value, 0) - least) * scale} width={Math.abs(value) * scale} height="10" />
        {least < 0 && <line x1={-least * scale} x2={-least * scale} y1="0" y2="10" />}
      </svg>
      <span>{signed(of)}</span>
    </td>
  );
}

/** What each family of evidence adds to one account, strongest first; in words on the account's own page. */
export const Evidence = ({ of }: { of: readonly { family: string; bits: number; description: string }[] }) => (
  <span class="families">
    {of.filter((each) => Math.abs(each.bits) >= 0.05).map((each) => (
      <span class={`family ${each.family}`} key={each.family} title={each.description}>
        {words(each.family)} {signed(each.bits)}
      </span>
    ))}
  </span>
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

/** Said below a list that may not be all there is. */
export const Cut = ({ of, most, says }: { of: readonly unknown[]; most: number; says: string }) =>
  of.length < most ? null : <p class="small">{`The ${most} ${says}; there may be more.`}</p>;

export const Says = ({ of }: { of: readonly string[] }) => (
  <ul class="says">
    {of.map((each) => (
      <li key={each}>
        <Words of={each} />
      </li>
    ))}
  </ul>
);

/** Where one can go on a long page; each place is in the address. */
export function Places({ of, path, query }: { of: readonly (readonly [id: string, name: string])[]; path: string[]; query: URLSearchParams }) {
  return (
    <nav class="places" aria-label="On this page">
      {of.map(([id, name]) => (
        <a key={id} href={to(path, changed(query, { at: id }))} aria-current={query.get("at") === id ? "location" : undefined} onClick={() => show(id)}>
          {name}
        </a>
      ))}
    </nav>
  );
}

/** Scrolls to a section and lets the keyboard go on from there. */
export function show(id: string | null): void {
  const heading = id === null ? null : document.getElementById(id);
  if (heading === null) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  heading.scrollIntoView({ block: "start" });
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · graphsvc`;
    document.querySelector<HTMLElement>("h1")?.focus();
  }, [title]);
}
