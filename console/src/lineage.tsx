// How a cluster came to be, as a line of runs with what joined it and left it, and in words.
import type { EvidenceQuery } from "./generated/operations";
import { ClusterLink, count, moment } from "./parts";

type Event = NonNullable<EvidenceQuery["cluster"]>["lineage"][number];

const [STEP, MIDDLE] = [150, 70];

export function Lineage({ of }: { of: Event[] }) {
  if (of.length === 0) return <p>Nothing is known of it before this run.</p>;
  const events = [...of].sort((one, other) => one.at.localeCompare(other.at));
  const most = Math.max(1, ...events.map((each) => Math.max(each.accountsAfter, each.accountsBefore)));
  const radius = (accounts: number) => 6 + 22 * Math.sqrt(accounts / most);
  const wide = STEP * events.length + 40;
  return (
    <>
      <div class="scroll" role="region" aria-label="Picture of the lineage" tabIndex={0}>
        <svg class="lineage" width={wide} height={MIDDLE * 2} viewBox={`0 0 ${wide} ${MIDDLE * 2}`} role="img" aria-label={events.map((each) => each.description).join(" ")}>
          <line x1="40" x2={40 + STEP * (events.length - 1)} y1={MIDDLE} y2={MIDDLE} />
          {events.map((each, index) => {
            const x = 40 + STEP * index;
            const joins = each.kind === "MERGED" || each.kind === "SPLIT";
            return (
              <g key={index} class={each.kind.toLowerCase()}>
                {joins && <path d={`M ${x - STEP / 2} 12 Q ${x - 10} 12 ${x} ${MIDDLE}`} />}
                {joins && each.previousId && <text x={x - STEP / 2} y="10">{each.previousId.slice(0, 14)}</text>}
                <circle cx={x} cy={MIDDLE} r={radius(each.accountsAfter)} />
                <text x={x} y={MIDDLE + 46} text-anchor="middle">{each.kind.toLowerCase()}</text>
                <text x={x} y={MIDDLE + 62} text-anchor="middle">{each.accountsBefore > 0 ? `${count(each.accountsBefore)} → ` : ""}{count(each.accountsAfter)}</text>
              </g>
            );
          })}
        </svg>
      </div>
      <ol class="events">
        {events.map((each, index) => (
          <li key={index}>
            <time dateTime={each.at}>{moment(each.at)}</time> {each.description} {each.previousId && <ClusterLink id={each.previousId} />}
          </li>
        ))}
      </ol>
    </>
  );
}
