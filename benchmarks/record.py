"""A dated record of paired ratios, compared with the last one of the same kind of machine.

    python benchmarks/record.py [--sizes ml-1m ml-20m msd] [--page]

Runs step.py in every precision that the processor gains by, writes benchmarks/records/DATE.json and
the table in docs/performance.md, and ends with status 1 if a ratio's median (of at least 5 pairs)
fell by more than 15 % against the last record of the same processor and number of threads. A loaded
machine is said, before and in the record. --page writes the table alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from measure import SIZES

from vaebench.machine.precision import of_cpu
from vaebench.machine.provenance import commit, processor

HERE = Path(__file__).parent
RECORDS = HERE / "records"
PAGE = HERE.parent / "docs/performance.md"
BEGIN, END = "<!-- records: by benchmarks/record.py -->\n", "<!-- end of records -->\n"

PAIRS = 5
"""The fewest that a median is taken of."""

FALL = 0.15
"""By which share a ratio may fall."""

BUSY = 0.5
"""Load average above which a machine is not quiet."""

Record = Mapping[str, Any]


def fallen(now: Record, before: Record) -> list[str]:
    """A sentence for each ratio that fell by more than :data:`FALL`; of 5 pairs and more each."""
    old = {line["name"]: line for line in before["ratios"]}
    return [
        f"{line['name']}: {line['ratio']:.2f}, and {old[line['name']]['ratio']:.2f} on "
        f"{before['date']}"
        for line in now["ratios"]
        if line["name"] in old
        and min(line["pairs"], old[line["name"]]["pairs"]) >= PAIRS
        and line["ratio"] < (1 - FALL) * old[line["name"]]["ratio"]
    ]


def same_kind(record: Record, records: Iterable[Record]) -> list[Record]:
    """Those of the same processor and threads, oldest first."""
    kind = record["processor"], record["threads"]
    alike = [each for each in records if (each["processor"], each["threads"]) == kind]
    return sorted(alike, key=lambda each: each["date"])


def table(records: Sequence[Record]) -> str:
    """The last record of every kind of machine, as Markdown."""
    kinds = {(each["processor"], each["threads"]): each for each in sorted(records, key=_date)}
    lines = []
    for record in kinds.values():
        load = f"load {record['load']:.1f}" + (", **not quiet**" if record["load"] > BUSY else "")
        lines += [
            (
                f"{record['date']}, commit {record['commit']}, {record['processor']}, "
                f"{record['threads']} threads, torch {record['torch']}, {load}:\n"
            ),
            "| | times as fast | least … most | pairs |",
            "|---|---:|---:|---:|",
            *(
                f"| {line['name']} | {line['ratio']:.2f} | {line['least']:.2f} … "
                f"{line['most']:.2f} | {line['pairs']} |"
                for line in record["ratios"]
            ),
            "",
        ]
    return "\n".join(lines)


def paged(text: str, records: Sequence[Record]) -> str:
    """The page with the table between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(records)}\n{END}{after}"


def read() -> list[Record]:
    """All records."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDS.glob("*.json"))]


def _date(record: Record) -> str:
    return str(record["date"])


def measured(sizes: Sequence[str], threads: int, pairs: int) -> dict[str, Any]:
    """A record of now."""
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"the machine is not quiet: load {load:.1f}", file=sys.stderr)
    precisions = [each for each in ("float32", "bfloat16") if each in of_cpu()]
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "lines")
        for precision in precisions:
            command = [sys.executable, str(HERE / "step.py"), "--precision", precision]
            command += ["--rounds", str(pairs), "--threads", str(threads), "--json", str(file)]
            subprocess.run([*command, "--sizes", *sizes], check=True)  # noqa: S603
        ratios = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    import torch  # noqa: PLC0415 (not before others are timed)

    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "commit": (commit()["commit"] or "none")[:7],
        "processor": processor(),
        "threads": threads,
        "torch": torch.__version__,
        "load": round(load, 2),
        "ratios": ratios,
    }


def main() -> None:
    """Measure, write, compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--page", action="store_true", help="write the table alone")
    given = parser.parse_args()
    lost = []
    if not given.page:
        now = measured(given.sizes, given.threads, given.pairs)
        earlier = same_kind(now, read())
        lost = fallen(now, earlier[-1]) if earlier else []
        RECORDS.mkdir(exist_ok=True)
        path = RECORDS / f"{now['date'].replace(' ', 'T').replace(':', '')}.json"
        path.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(paged(text, read()), encoding="utf-8")
    if lost:
        sys.exit("\n".join(["slower than the last record of this kind of machine:", *lost]))


if __name__ == "__main__":
    main()
