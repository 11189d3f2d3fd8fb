// Detection runs: what is under way, what was published, and what changed from one to another.
import { useEffect, useState } from "preact/hooks";
import { ask, follow, type Running } from "../api";
import { Cancel, Detect, Diff, Run, Runs } from "../generated/documents";
import type { Me } from "../main";
import { ClusterLink, count, moment, Status, Table, useAsk, useTitle, Wait, Words } from "../parts";
import { go, to } from "../route";

const RunLink = ({ id }: { id: string }) => <a class="id" href={to(["run", id])}>{id}</a>;

export function RunsPage({ me, after }: { me: Me; after: string | null }) {
  useTitle("Runs");
  const asked = useAsk(Runs, { first: 20, after });
  const [said, say] = useState<string | null>(null);
  const [seed, setSeed] = useState(1);
  const start = async (event: Event) => {
    event.preventDefault();
    try {
      const { startDetection } = await ask(Detect, { seed });
      go(["run", startDetection.id]);
    } catch (error) {
      say((error as Error).message);
    }
  };
  return (
    <>
      <h1 tabIndex={-1}>Runs</h1>
      {me.decides && (
        <form class="filters" onSubmit={start}>
          <label>Seed<input type="number" value={seed} onInput={(event) => setSeed(Number((event.target as HTMLInputElement).value))} /></label>
          <button>Start a detection</button>
          <p role="alert">{said}</p>
        </form>
      )}
      <Wait of={asked}>
        {({ runs, publishedRun }) => (
          <>
            {publishedRun && <p>Served now: <RunLink id={publishedRun.id} />, {count(publishedRun.clusters)} clusters, {count(publishedRun.members)} members.</p>}
            <Table says="Runs" heads={["Run", "Status", "Method", "Started", "Finished", "Clusters", "Members", "Compare"]}>
              {runs.edges.map(({ node }, index) => {
                const earlier = runs.edges.slice(index + 1).find((each) => each.node.clusters !== null)?.node;
                return (
                  <tr key={node.id}>
                    <th scope="row"><RunLink id={node.id} /></th>
                    <td><Status of={node.status} /></td>
                    <td>{node.algorithm}</td>
                    <td>{moment(node.startedAt)}</td>
                    <td>{moment(node.finishedAt)}</td>
                    <td class="number">{count(node.clusters)}</td>
                    <td class="number">{count(node.members)}</td>
                    <td>{earlier && node.clusters !== null && <a href={to(["diff", earlier.id, node.id])} aria-label={`Compare with the one before: ${node.id}`}>Compare with the one before</a>}</td>
                  </tr>
                );
              })}
            </Table>
            {runs.pageInfo.hasNextPage && <a class="next" href={to(["runs"], { after: runs.pageInfo.endCursor ?? undefined })}>Earlier runs</a>}
          </>
        )}
      </Wait>
    </>
  );
}

function Live({ id, ended, me }: { id: string; ended: () => void; me: Me }) {
  const [run, tell] = useState<Running | null>(null);
  const [said, say] = useState<string | null>(null);
  useEffect(() => follow(id, tell, ended), [id]);
  const progress = run?.progress;
  const stop = () => ask(Cancel, { id }).then(() => say("It is asked to stop; what is published stays."), (error: Error) => say(error.message));
  return (
    <div class="live answer">
      <label>
        {progress ? `${progress.stage}: ${count(progress.done)} of ${count(progress.total)}` : "Waiting for the first word of the run"}
        <progress value={progress?.done} max={progress?.total || 1} />
      </label>
      {me.decides && <button onClick={stop}>Stop it</button>}
      <p role="status">{said}</p>
    </div>
  );
}

const Tree = ({ of }: { of: unknown }) => <pre tabIndex={0}>{JSON.stringify(of, null, 2)}</pre>;

export function RunPage({ id, me }: { id: string; me: Me }) {
  useTitle(`Run ${id}`);
  const asked = useAsk(Run, { id });
  return (
    <>
      <h1 tabIndex={-1}>Run <code>{id}</code></h1>
      <Wait of={asked}>
        {({ run }) =>
          run === null ? (
            <p>No run of this id is on record.</p>
          ) : (
            <>
              {run.status === "RUNNING" && <Live id={id} ended={asked.again} me={me} />}
              {run.error && <p class="refusal" role="alert">{run.error}</p>}
              <dl class="facts">
                <div><dt>Status</dt><dd><Status of={run.status} /></dd></div>
                <div><dt>Method</dt><dd>{run.algorithm}, {run.engine}, seed {run.seed}</dd></div>
                <div><dt>Asked for by</dt><dd>{run.requestedBy ?? "the command line"}</dd></div>
                <div><dt>Started</dt><dd>{moment(run.startedAt)}</dd></div>
                <div><dt>Finished</dt><dd>{moment(run.finishedAt)}</dd></div>
                <div><dt>Accounts</dt><dd>{count(run.accounts)}</dd></div>
                <div><dt>Signals</dt><dd>{count(run.signals)}</dd></div>
                <div><dt>Links</dt><dd>{count(run.links)}</dd></div>
                <div><dt>Clusters</dt><dd>{count(run.clusters)}</dd></div>
                <div><dt>Members</dt><dd>{count(run.members)}</dd></div>
              </dl>
              <section aria-labelledby="certificate">
                <h2 id="certificate">Certificate</h2>
                <p>What went in, what came out, and who signed it. <code>graphsvc verify</code> runs it again and compares.</p>
                <dl class="facts wide">
                  <div><dt>Hash of the input</dt><dd class="id">{run.inputHash ?? "–"}</dd></div>
                  <div><dt>Hash of the result</dt><dd class="id">{run.resultHash ?? "–"}</dd></div>
                  <div><dt>Signer</dt><dd class="id">{run.signer ?? "–"}</dd></div>
                  <div><dt>Signature</dt><dd class="id">{run.signature ?? "–"}</dd></div>
                </dl>
                <details><summary>Parameters</summary><Tree of={run.parameters} /></details>
                <details><summary>Thresholds</summary><Tree of={run.thresholds} /></details>
                <details><summary>Versions</summary><Tree of={run.versions} /></details>
                <details><summary>Seconds each stage took</summary><Tree of={run.timings} /></details>
                {run.certificate && <details><summary>The certificate as signed</summary><pre tabIndex={0}>{run.certificate}</pre></details>}
              </section>
            </>
          )
        }
      </Wait>
    </>
  );
}

export function DiffPage({ before, now, after }: { before: string; now: string; after: string | null }) {
  useTitle("Two runs");
  const asked = useAsk(Diff, { from: before, to: now, after });
  return (
    <>
      <h1 tabIndex={-1}>From one run to another</h1>
      <p><RunLink id={before} /> → <RunLink id={now} /></p>
      <Wait of={asked}>
        {({ runDiff }) => (
          <>
            <dl class="facts">
              {runDiff.counts.map((each) => <div key={each.kind}><dt>{each.kind.toLowerCase()}</dt><dd>{count(each.clusters)}</dd></div>)}
              <div><dt>Accounts that moved</dt><dd>{count(runDiff.moved)}</dd></div>
            </dl>
            {runDiff.clusters.edges.length === 0 ? <p>No cluster changed.</p> : <Table says="Clusters" heads={["Cluster", "What became of it", "Before", "Now", "Came", "Went", "In words"]}>
              {runDiff.clusters.edges.map(({ node }) => (
                <tr key={`${node.clusterId} ${node.kind}`}>
                  <th scope="row"><ClusterLink id={node.clusterId} /></th>
                  <td>{node.kind.toLowerCase()}</td>
                  <td class="number">{count(node.accountsBefore)}</td>
                  <td class="number">{count(node.accountsAfter)}</td>
                  <td class="number">{count(node.accountsJoined)}</td>
                  <td class="number">{count(node.accountsLeft)}</td>
                  <td class="words"><Words of={node.description} /></td>
                </tr>
              ))}
            </Table>}
            {runDiff.clusters.pageInfo.hasNextPage && <a class="next" href={to(["diff", before, now], { after: runDiff.clusters.pageInfo.endCursor ?? undefined })}>Next</a>}
          </>
        )}
      </Wait>
    </>
  );
}
