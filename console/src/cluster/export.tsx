// A cluster as a file; with addresses only for a reason, which goes on record. A likely business is not shared as a threat.
import { useState } from "preact/hooks";
import { download } from "../api";
import type { Me } from "../main";

const FORMATS = [["stix", "STIX 2.1"], ["csv", "CSV"], ["parquet", "Parquet"]] as const;
const LIGHTS = ["clear", "green", "amber", "amber+strict", "red"];

export function Export({ id, me, business }: { id: string; me: Me; business: boolean }) {
  const [said, say] = useState<string | null>(null);
  const [tlp, setTlp] = useState("amber");
  const [reason, setReason] = useState("");
  const save = async (format: string) => {
    say("Writing the file …");
    try {
      say(`${await download(id, format, tlp, reason.trim())} is in your downloads.`);
    } catch (error) {
      say((error as Error).message);
    }
  };
  return (
    <section aria-labelledby="export">
      <h2 id="export">Export</h2>
      <p class="row">
        <label>
          Traffic light{" "}
          <select value={tlp} onChange={(event) => setTlp((event.target as HTMLSelectElement).value)}>
            {LIGHTS.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        {me.decides && (
          <label>
            Reason to have addresses in it (on record; empty: none){" "}
            <input value={reason} onInput={(event) => setReason((event.target as HTMLInputElement).value)} />
          </label>
        )}
        {FORMATS.filter(([format]) => !business || format !== "stix").map(([format, name]) => (
          <button key={format} onClick={() => save(format)}>
            {name}
          </button>
        ))}
      </p>
      <p role="status">{said}</p>
    </section>
  );
}
