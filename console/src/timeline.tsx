// Time as three pictures over one axis: how many there are, who came and went each day, and what they asked for.
import { useState } from "preact/hooks";
import type { Bucket, EvidenceQuery, TrafficQuery } from "./generated/operations";
import { count, day, Table } from "./parts";

type Came = NonNullable<EvidenceQuery["cluster"]>["timeline"][number];
type Busy = NonNullable<TrafficQuery["cluster"]>["traffic"][number];

const DAY = 86_400_000;
/** As many buckets as the service tells of at a time. */
const READ = 200;
const [WIDTH, LEFT] = [960, 58];
/** Tops and heights of the three pictures. */
const [GROWN, GROWN_TALL, CAME, CAME_TALL, ASKED, ASKED_TALL] = [18, 56, 104, 130, 264, 50];
const BOTTOM = ASKED + ASKED_TALL;

interface Bin {
  at: number;
  signUps: number;
  bans: number;
  replacements: number;
  requests: number;
  /** Sign-ups and bans up to and with this one. */
  sofar: number;
  banned: number;
}

/** Every bucket from the first to the last, empty ones too; `before` accounts had signed up before the first. */
export function bins(of: Came[], traffic: Busy[], step: number, before = 0): Bin[] {
  const times = [...of, ...traffic].map((each) => Date.parse(each.beginsAt));
  const came = new Map(of.map((each) => [Date.parse(each.beginsAt), each]));
  const busy = new Map(traffic.map((each) => [Date.parse(each.beginsAt), each.requests]));
  const found: Bin[] = [];
  let [sofar, banned] = [before, 0];
  for (let at = Math.min(...times); at <= Math.max(...times); at += step) {
    const { signUps = 0, bans = 0, replacements = 0 } = came.get(at) ?? {};
    found.push({ at, signUps, bans, replacements, requests: busy.get(at) ?? 0, sofar: (sofar += signUps), banned: (banned += bans) });
  }
  return found;
}

export function Timeline({ of, traffic, by, size }: { of: Came[]; traffic: Busy[]; by: Bucket; size: number }) {
  const [looked, look] = useState<number | null>(null);
  if (of.length + traffic.length === 0) return <p>No sign-up of a member is dated.</p>;
  const cut = of.length >= READ ? Math.max(0, size - of.reduce((total, each) => total + each.signUps, 0)) : 0;
  const all = bins(of, traffic, by === "WEEK" ? 7 * DAY : DAY, cut);
  const [first, last] = [all[0]!, all[all.length - 1]!];
  const name = by === "WEEK" ? "week" : "day";
  const step = (WIDTH - LEFT) / all.length;
  const wide = Math.max(step - (step > 4 ? 1 : 0.35), 0.6);
  const x = (index: number) => LEFT + index * step;
  const [most, gone, asked] = [Math.max(1, ...all.map((each) => each.signUps)), Math.max(0, ...all.map((each) => each.bans)), Math.max(1, ...all.map((each) => each.requests))];
  const unit = CAME_TALL / (most + gone); // sign-ups upwards and bans downwards by one measure
  const zero = CAME + most * unit;
  const grown = (value: number) => GROWN + GROWN_TALL * (1 - value / Math.max(1, last.sofar));
  const area = (value: (each: Bin) => number) => `M ${LEFT} ${grown(0)} ${all.map((each, index) => `L ${x(index + 1)} ${grown(value(each))}`).join(" ")} V ${grown(0)} Z`;
  const sum = (what: (each: Bin) => number) => all.reduce((total, each) => total + what(each), 0);
  const ended = new Date(last.at).toISOString();
  const says = `${day(new Date(first.at).toISOString())} to ${day(ended)}: ${count(sum((each) => each.signUps))} sign-ups, ${count(sum((each) => each.replacements))} of them probably replace a banned account; ${count(last.banned)} bans; ${count(sum((each) => each.requests))} requests.`;
  const one = looked === null ? null : all[looked];
  const pointed = (event: PointerEvent) => {
    const box = (event.currentTarget as SVGSVGElement).getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * WIDTH - LEFT) / step;
    look(at >= 0 && at < all.length ? Math.floor(at) : null);
  };
  return (
    <figure class="timeline">
      <svg viewBox={`0 0 ${WIDTH} ${BOTTOM + 26}`} role="img" aria-label={says} onPointerMove={pointed} onPointerLeave={() => look(null)}>
        {one && <rect class="looked" x={x(looked!) - 1} y="0" width={wide + 2} height={BOTTOM} />}
        <text x={LEFT} y="11">Accounts so far, and of them banned</text>
        <path class="grown" d={area((each) => each.sofar)} />
        <path class="gone" d={area((each) => each.banned)} />
        <text x={LEFT - 6} y={grown(last.sofar) + 9} text-anchor="end">{count(last.sofar)}</text>
        <text x={LEFT - 6} y={grown(0)} text-anchor="end">0</text>
        <text x={LEFT} y={CAME - 10}>Each {name}: sign-ups, of them replacements; below the line bans</text>
        {all.map((each, index) => (
          <g key={each.at}>
            {each.signUps > 0 && <rect class="signUps" x={x(index)} width={wide} y={zero - each.signUps * unit} height={each.signUps * unit} />}
            {each.replacements > 0 && <rect class="replacements" x={x(index)} width={wide} y={zero - each.replacements * unit} height={each.replacements * unit} />}
            {each.bans > 0 && <rect class="bans" x={x(index)} width={wide} y={zero} height={each.bans * unit} />}
            {each.requests > 0 && <rect class="requests" x={x(index)} width={wide} y={BOTTOM - (each.requests / asked) * ASKED_TALL} height={(each.requests / asked) * ASKED_TALL} />}
          </g>
        ))}
        <line x1={LEFT} x2={WIDTH} y1={zero} y2={zero} />
        <text x={LEFT - 6} y={CAME + 9} text-anchor="end">{count(most)}</text>
        <text x={LEFT - 6} y={zero + 4} text-anchor="end">0</text>
        {gone > 0 && <text x={LEFT - 6} y={CAME + CAME_TALL} text-anchor="end">{count(gone)}</text>}
        <text x={LEFT} y={ASKED - 8}>Requests each {name}{traffic.length > 0 && traffic.length < of.length && ", where they are on record"}</text>
        <line x1={LEFT} x2={WIDTH} y1={BOTTOM} y2={BOTTOM} />
        <text x={LEFT - 6} y={ASKED + 9} text-anchor="end">{traffic.length > 0 ? count(asked) : ""}</text>
        {[0, 0.25, 0.5, 0.75].map((part) => (
          <text key={part} x={x(Math.floor(part * all.length))} y={BOTTOM + 18}>{day(new Date(all[Math.floor(part * all.length)]!.at).toISOString())}</text>
        ))}
      </svg>
      <figcaption>
        <ul class="legend" aria-hidden="true">
          <li><i class="dot signUps" /> sign-ups</li>
          <li><i class="dot replacements" /> of them replacements</li>
          <li><i class="dot bans" /> bans</li>
          <li><i class="dot requests" /> requests</li>
        </ul>
        <span class="readout" aria-hidden="true">
          {one && `${day(new Date(one.at).toISOString())}: ${count(one.signUps)} sign-ups, ${count(one.replacements)} of them replacements, ${count(one.bans)} bans, ${count(one.requests)} requests; ${count(one.sofar)} accounts so far.`}
        </span>
        {says}
        {(of.length >= READ || traffic.length >= READ) && ` Only the ${READ} latest ${name}s with any are drawn; earlier ones are told by the API.`}
        <details>
          <summary>The same as a table</summary>
          <Table says="Days" heads={[by === "WEEK" ? "Week from" : "Day", "Sign-ups", "Replacements", "Bans", "Requests", "Accounts so far"]}>
            {all.filter((each) => each.signUps + each.bans + each.requests > 0).map((each) => (
              <tr key={each.at}>
                <th scope="row">{day(new Date(each.at).toISOString())}</th>
                <td class="number">{count(each.signUps)}</td>
                <td class="number">{count(each.replacements)}</td>
                <td class="number">{count(each.bans)}</td>
                <td class="number">{count(each.requests)}</td>
                <td class="number">{count(each.sofar)}</td>
              </tr>
            ))}
          </Table>
        </details>
      </figcaption>
    </figure>
  );
}
