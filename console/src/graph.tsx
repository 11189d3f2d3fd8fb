// A drawing of accounts, groups and signals by WebGL, and the same as a table for who cannot or need not see it.
import { MultiUndirectedGraph } from "graphology";
import forceAtlas2 from "graphology-layout-forceatlas2";
import { useEffect, useRef, useState } from "preact/hooks";
import type Sigma from "sigma";
import type { GraphQuery } from "./generated/operations";
import { count, kindOf, share, short, Table, words } from "./parts";
import { to } from "./route";

export interface Drawn {
  nodes: { id: string; kind: "ACCOUNT" | "GROUP" | "SIGNAL"; family?: string | null; size: number; isHub: boolean; status: string | null; membership?: number | null }[];
  edges: { source: string; target: string; links?: number }[];
  leftOut: GraphQuery["clusterGraph"]["leftOut"];
}

/** Milliseconds of layout between two frames: far below what a person feels. */
const BATCH = 8;
/** Milliseconds of layout in all. */
const LAYOUT = 1200;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function named(node: Drawn["nodes"][number]): string {
  if (node.kind === "GROUP") return `${count(node.size)} ${group(node.id)}`;
  if (node.kind === "ACCOUNT") return node.id;
  return `${kindOf(node.id)} ${short(node.id)}${node.isHub ? ` (hub of ${count(node.size)})` : ""}`;
}

/** What stands for a group, in words; `kind:*n` stands for the smaller groups of a kind. */
export function group(id: string): string {
  if (id === "") return "in no group";
  if (id.includes(":*")) return `in smaller groups by ${kindOf(id)}`;
  return `by ${kindOf(id)} ${short(id)}`;
}

function tinted(node: Drawn["nodes"][number]): string {
  if (node.kind === "SIGNAL" || node.kind === "GROUP") return colour(`family-${node.family}`) || colour("family-identifier");
  return colour(node.status === "banned" || node.status === "suspended" ? "banned" : "account");
}

/** The graph with starting places on a spiral, in the order of the answer: the same answer is drawn the same. */
export function placed(of: Drawn, centre?: string): MultiUndirectedGraph {
  const graph = new MultiUndirectedGraph();
  of.nodes.forEach((node, index) => {
    if (graph.hasNode(node.id)) return;
    const turn = index * 2.39996; // the golden angle
    const radius = Math.sqrt(index + 0.5);
    const size = node.kind === "GROUP" || node.isHub ? 3 + Math.sqrt(node.size) / 4 : node.id === centre ? 9 : node.kind === "SIGNAL" ? 5 : 3;
    graph.addNode(node.id, {
      x: radius * Math.cos(turn), y: radius * Math.sin(turn), size, color: tinted(node), label: named(node),
      forceLabel: node.id.includes(":*") || node.id === centre, kind: node.kind,
    });
  });
  for (const edge of of.edges) {
    if (edge.source === edge.target || !graph.hasNode(edge.source) || !graph.hasNode(edge.target)) continue;
    graph.addEdge(edge.source, edge.target, { size: Math.min(1 + Math.log10(edge.links ?? 1), 5), color: colour("edge") });
  }
  return graph;
}

/** `centre`: the account that it is drawn around; `open` opens a group; `done` is called once it stands, or cannot. */
export function GraphView({ of, centre, open, done }: { of: Drawn; centre?: string; open?: (group: string) => void; done?: () => void }) {
  const holder = useRef<HTMLDivElement>(null);
  const drawing = useRef<Sigma | null>(null);
  const [state, set] = useState<"drawing" | "drawn" | "failed">("drawing");
  useEffect(() => {
    let renderer: Sigma | null = null;
    let frame = 0;
    let gone = false;
    const draw = async () => {
      const { default: Renderer } = await import("sigma");
      if (gone || holder.current === null) return;
      const graph = placed(of, centre);
      let near: Set<string> | null = null; // the node pointed at and what hangs on it
      drawing.current = renderer = new Renderer(graph, holder.current, {
        nodeReducer: (node, shown) => (near === null || near.has(node) ? shown : { ...shown, color: colour("edge"), label: null }),
        edgeReducer: (edge, shown) => (near === null || graph.extremities(edge).every((each) => near!.has(each)) ? shown : { ...shown, hidden: true }),
        labelColor: { color: colour("text") }, labelFont: "system-ui, sans-serif", labelSize: 12, minCameraRatio: 0.02, maxCameraRatio: 8,
        labelRenderedSizeThreshold: 9, zIndex: false, allowInvalidContainer: true,
      });
      renderer.on("clickNode", ({ node }) => {
        const kind = graph.getNodeAttribute(node, "kind");
        if (kind === "GROUP") open?.(node);
        else location.hash = to([kind === "ACCOUNT" ? "account" : "signal", node]);
      });
      const point = (node: string | null) => {
        near = node === null ? null : new Set([node, ...graph.neighbors(node)]);
        renderer?.refresh({ skipIndexation: true });
      };
      renderer.on("enterNode", ({ node }) => point(node));
      renderer.on("leaveNode", () => point(null));
      set("drawn");
      performance.mark("graph-drawn");
      const settings = { ...forceAtlas2.inferSettings(graph), barnesHutOptimize: graph.order > 200, scalingRatio: 40, slowDown: 4, adjustSizes: graph.order <= 200 };
      const until = performance.now() + LAYOUT;
      const step = () => {
        const begun = performance.now();
        while (performance.now() - begun < BATCH) forceAtlas2.assign(graph, { iterations: 1, settings });
        if (performance.now() < until) frame = requestAnimationFrame(step);
        else performance.mark("graph-settled");
      };
      if (graph.order > 1) frame = requestAnimationFrame(step);
    };
    // The wheel goes on moving the page; with Ctrl it is the drawing's.
    const wheel = (event: WheelEvent) => event.ctrlKey || event.metaKey || event.stopPropagation();
    holder.current?.addEventListener("wheel", wheel, { capture: true });
    // Without WebGL the table below says the same.
    draw()
      .catch(() => set("failed"))
      .then(done);
    return () => {
      gone = true;
      cancelAnimationFrame(frame);
      renderer?.kill();
      drawing.current = null;
    };
  }, [of]);
  const groups = of.nodes.filter((node) => node.kind === "GROUP").sort((one, other) => other.size - one.size);
  const rest = of.nodes.filter((node) => node.kind !== "GROUP");
  return (
    <>
      <p data-test="left-out">{of.leftOut.description.replace("; `within` opens one.", "; each opens with a click.").replace(" More with `nodes`.", "")}</p>
      {state === "failed" && <p class="small">This browser draws no WebGL. The table holds the same.</p>}
      <div class="graph" ref={holder} data-state={state} hidden={state === "failed"} aria-hidden="true" />
      {state === "drawn" && (
        <p class="row small">
          <button onClick={() => drawing.current?.getCamera().animatedZoom()}>Closer</button>
          <button onClick={() => drawing.current?.getCamera().animatedUnzoom()}>Further</button>
          <button onClick={() => drawing.current?.getCamera().animatedReset()}>Whole picture</button>
          <span>Dragging moves it, Ctrl and the wheel zoom; a click opens.</span>
        </p>
      )}
      <ul class="legend" aria-hidden="true">
        {groups.length === 0 && <li><i class="dot account" /> account</li>}
        {groups.length === 0 && <li><i class="dot banned" /> banned or suspended</li>}
        {[...new Set(of.nodes.filter((node) => node.kind !== "ACCOUNT").flatMap((node) => node.family ?? []))].map((each) => (
          <li key={each}><i class={`dot ${each}`} /> {words(each)}</li>
        ))}
      </ul>
      <details open={groups.length > 0 && groups.length <= 12}>
        <summary>{groups.length > 0 ? `The ${count(groups.length)} groups, to open` : "The same as a table"}</summary>
        <Table says="What is drawn" heads={groups.length > 0 ? ["Group", "Evidence", "Accounts", "Sure", "Open"] : ["Node", "What", "Accounts", "Sure"]}>
          {groups.map((node) => (
            <tr key={node.id}>
              <th scope="row" class="id">{group(node.id)}</th>
              <td>{node.family ? words(node.family) : "–"}</td>
              <td class="number">{count(node.size)}</td>
              <td class="number">{share(node.membership)}</td>
              <td>{open && <button aria-label={`Open the ${count(node.size)} ${group(node.id)}`} onClick={() => open(node.id)}>Open</button>}</td>
            </tr>
          ))}
          {rest.slice(0, groups.length > 0 ? 0 : 500).map((node) => (
            <tr key={node.id}>
              <th scope="row"><a class="id" href={to([node.kind === "ACCOUNT" ? "account" : "signal", node.id])}>{named(node)}</a></th>
              <td>{node.kind === "ACCOUNT" ? `account, ${node.status ?? "–"}` : node.isHub ? "hub, folded" : `signal, ${words(node.family ?? "")}`}</td>
              <td class="number">{node.kind === "SIGNAL" ? count(node.size) : ""}</td>
              <td class="number">{share(node.membership)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
}
