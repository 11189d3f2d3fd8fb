"""`make faults`: seeded faults against the real service, one after the other, and a table of what came of them.

    python -m bench.faults [--seed N] [--only KIND …] [--number N …] [--list] [--page] [--fresh] [--work DIR]

A campaign that was interrupted continues with what is missing. `--number N` injects one fault again, whatever is kept.
"""

import argparse
import signal
import sys
import time
import traceback
from pathlib import Path

from bench.faults.plan import KINDS, Fault, choose_faults, order_faults, plan_faults
from bench.faults.report import write_page
from bench.faults.result import SKIPPED, Report, Result, append_result, read_results
from bench.trials import say

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "operations" / "faults.md"
# Within the checkout: what another version ended with says nothing of this one.
WORK = ROOT / "build" / "faults"


def main() -> None:
    """Inject what is asked for and is not there yet; write the page when a campaign is complete."""
    asked = _parse_arguments()
    for each in (signal.SIGTERM, signal.SIGINT):  # it stops what it started, and keeps what it has
        signal.signal(each, lambda *_: sys.exit(130))
    planned = plan_faults(asked.seed)
    chosen = choose_faults(planned, asked.only, asked.number)
    if asked.list:
        print("\n".join(map(str, chosen)))
        return
    asked.work.mkdir(parents=True, exist_ok=True)
    kept = asked.work / "results.ndjson"
    if asked.fresh:
        kept.unlink(missing_ok=True)
    # What was skipped for want of a tool is tried again: the tool may be there now.
    before = [result for result in read_results(kept, asked.seed) if result.end != SKIPPED]
    done = {result.number for result in before} if not asked.number else set()
    missing = [fault for fault in chosen if fault.number not in done]
    if missing:
        say(f"{len(missing)} of {len(chosen)} faults are to be injected; results: {kept}")
        inject_all(asked.work, kept, asked.seed, order_faults(missing))
    results = read_results(kept, asked.seed)
    lost = [result for result in results if not result.holds]
    for result in lost:
        print(
            f"NOT AS PROMISED: {result.number} {result.kind} ({result.variant}, {result.target}): {result.faults}"
        )
    print(f"{len(results)} of {len(planned)} faults injected, {len(lost)} not as promised")
    if len(results) == len(planned) or asked.page:
        write_page(results, asked.seed, asked.out)
        print(f"written: {asked.out}")
    sys.exit(1 if any(result.number in {fault.number for fault in chosen} for result in lost) else 0)


def inject_all(work: Path, kept: Path, seed: int, faults: list[Fault]) -> None:
    """Inject faults into one installation, and keep what comes of each at once."""
    from bench.faults.kinds import INJECT
    from bench.faults.site import Site

    site = Site(work, say)
    try:
        for fault in faults:
            began = time.monotonic()
            try:
                report = INJECT[fault.kind](site, fault)
            except Exception:  # noqa: BLE001  # the campaign continues; what the fault did is not as promised
                site.graph = ""
                report = Report("broken", (traceback.format_exc()[-1_500:],))
            result = Result.of(seed, fault, report, time.monotonic() - began)
            append_result(kept, result)
            say(
                f"{fault}: {result.end}, {result.seconds:.1f} s {result.note} {'; '.join(result.faults)}".rstrip()
            )
    finally:
        site.close()


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description="Seeded faults, one by one.")
    parser.add_argument("--seed", type=int, default=1, help="of the campaign (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=[kind.name for kind in KINDS], metavar="KIND",
                        help="faults of one kind; may be given again")  # fmt: skip
    parser.add_argument(
        "--number", action="append", type=int, metavar="N", help="one fault; may be given again"
    )
    parser.add_argument("--list", action="store_true", help="say which faults there are, and inject none")
    parser.add_argument("--page", action="store_true", help="write the page of an incomplete campaign, too")
    parser.add_argument("--fresh", action="store_true", help="forget what an interrupted campaign left")
    parser.add_argument("--work", type=Path, default=WORK, metavar="DIR")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="the page to write")
    return parser.parse_args()


if __name__ == "__main__":
    main()
