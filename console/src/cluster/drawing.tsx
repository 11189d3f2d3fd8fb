// Who hangs together: the cluster as a drawing, level by level. Which level is in the address.
import { Graph } from "../generated/documents";
import { GraphView, group } from "../graph";
import { useAsk, Wait } from "../parts";
import { changed, go } from "../route";

/** A level of groups stays legible with some dozens of them; members of one group are drawn as they are. */
const [GROUPS, NODES] = [120, 500];

export function Drawing({ id, query, done }: { id: string; query: URLSearchParams; done: () => void }) {
  const level = query.get("level");
  const within = level === null ? null : level.slice(1); // `=` before it tells "in no group" from "no level"
  const graph = useAsk(Graph, { cluster: id, within, nodes: within === null || within.includes(":*") ? GROUPS : NODES });
  const open = (wanted: string | undefined) => go(["cluster", id], changed(query, { at: undefined, level: wanted === undefined ? undefined : `=${wanted}` }));
  return (
    <section aria-labelledby="graph">
      <h2 id="graph">Who hangs together</h2>
      {within !== null && (
        <p>
          Opened: {within.includes(":*") ? "" : "members "}{group(within).replace(/^in s/, "s")}. <button onClick={() => open(undefined)}>Back to the whole cluster</button>
        </p>
      )}
      <Wait of={graph} failed={done}>{(found) => <GraphView of={found.clusterGraph} open={open} done={done} />}</Wait>
    </section>
  );
}
