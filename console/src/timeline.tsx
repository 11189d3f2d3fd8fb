// Days as bars: who signed up, who was banned, who replaced them; below it what they asked for.
import { count, day } from "./parts";
import type { EvidenceQuery, TrafficQuery } from "./generated/operations";

type Day = NonNullable<EvidenceQuery["cluster"]>["timeline"][number];
type Busy = NonNullable<TrafficQuery["cluster"]>["traffic"][number];

const DAY = 86_400_000;
const [WIDTH, TALL, LOW] = [960, 120, 60];

export function Timeline({ of, traffic }: { of: Day[]; traffic: Busy[] }) {
  const all = [...of, ...traffic].map((each) => Date.parse(each.beginsAt));
  if (all.length === 0) return <p>No sign-up of a member is dated.</p>;
  const begin = Math.min(...all);
  const days = Math.round((Math.max(...all) - begin) / DAY) + 1;
  const x = (at: string) => ((Date.parse(at) - begin) / DAY / days) * WIDTH;
  const wide = Math.max(WIDTH / days - 1, 1);
  const most = Math.max(1, ...of.map((each) => Math.max(each.signUps, each.bans, each.replacements)));
  const asked = Math.max(1, ...traffic.map((each) => each.requests));
  const bars = (name: "signUps" | "bans" | "replacements", part: number) =>
    of.filter((each) => each[name] > 0).map((each) => {
      const height = Math.max((each[name] / most) * TALL, 2);
      return <rect key={each.beginsAt} class={name} x={x(each.beginsAt) + (part * wide) / 3} width={Math.max(wide / 3, 1)} y={TALL - height} height={height}><title>{`${day(each.beginsAt)}: ${count(each[name])} ${WORDS[name]}`}</title></rect>;
    });
  const sum = (name: "signUps" | "bans" | "replacements") => of.reduce((total, each) => total + each[name], 0);
  const requests = traffic.reduce((total, each) => total + each.requests, 0);
  const says = `${day(new Date(begin).toISOString())} to ${day(new Date(begin + (days - 1) * DAY).toISOString())}: ${count(sum("signUps"))} sign-ups, ${count(sum("bans"))} bans, ${count(sum("replacements"))} replacements, ${count(requests)} requests. Most on one day: ${count(most)}.`;
  return (
    <figure class="timeline">
      <svg viewBox={`0 0 ${WIDTH} ${TALL + LOW + 30}`} role="img" aria-label={says}>
        {bars("signUps", 0)}
        {bars("bans", 1)}
        {bars("replacements", 2)}
        <line x1="0" x2={WIDTH} y1={TALL} y2={TALL} />
        {traffic.filter((each) => each.requests > 0).map((each) => {
          const height = Math.max((each.requests / asked) * LOW, 1);
          return <rect key={each.beginsAt} class="requests" x={x(each.beginsAt)} width={wide} y={TALL + 8} height={height}><title>{`${day(each.beginsAt)}: ${count(each.requests)} requests`}</title></rect>;
        })}
        {[0, 0.25, 0.5, 0.75].map((part) => (
          <text key={part} x={part * WIDTH} y={TALL + LOW + 26}>{day(new Date(begin + Math.floor(part * days) * DAY).toISOString())}</text>
        ))}
      </svg>
      <figcaption>
        <ul class="legend" aria-hidden="true">
          <li><i class="dot signUps" /> sign-ups</li>
          <li><i class="dot bans" /> bans</li>
          <li><i class="dot replacements" /> replacements</li>
          <li><i class="dot requests" /> requests (below)</li>
        </ul>
        {says}
      </figcaption>
    </figure>
  );
}

const WORDS = { signUps: "sign-ups", bans: "bans", replacements: "replacements" } as const;
