"""What each similarity score costs on the plain path: peak memory and time of one pass forward and back.

    python bench/scores.py [--batch 16 --heads 8 --length 512 --width 64] [--rounds 3]

Every measurement has a process of its own, the scores take turns, and medians are printed with their ratio to
scaled-dot. Memory is what a pass adds to the process; inputs and weights are there before it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import torch

from trasluz.attention.attend import attend
from trasluz.attention.score import SCORES, make_score


def measure(name: str, *, batch: int, heads: int, length: int, width: int) -> dict[str, float]:
    """One pass of `attend` with somebody listening, so that no kernel is fused: MiB added, and seconds."""
    torch.manual_seed(1)
    score = make_score(name, query_width=width, key_width=width, heads=heads, kv_heads=heads)
    query, key, value = (torch.randn(batch, heads, length, width, requires_grad=True) for _ in range(3))

    def once(size: int) -> None:
        part = [x[:, :, :size] for x in (query, key, value)]
        prepared = (score.prepare_query(part[0]), score.prepare_key(part[1]))
        looked = attend(score, *prepared, part[2], listener=lambda weights: None)
        torch.autograd.backward(looked.sum())

    once(2)  # what torch sets up at the first call is not the score's
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    once(length)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"mib": (peak - before) / 1024, "seconds": seconds}


def main() -> None:
    """Measure all scores in turns and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, size in (("batch", 16), ("heads", 8), ("length", 512), ("width", 64), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--score", choices=SCORES, help="measure one score here, and print JSON")
    given = parser.parse_args()
    sizes = {"batch": given.batch, "heads": given.heads, "length": given.length, "width": given.width}
    if given.score:
        print(json.dumps(measure(given.score, **sizes)))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SCORES}
    for _ in range(given.rounds):
        for name in SCORES:
            flags = [word for key, value in sizes.items() for word in (f"--{key}", str(value))]
            command = [sys.executable, __file__, "--score", name, *flags]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[name].append(json.loads(done.stdout))
    medians = {
        name: {key: statistics.median([one[key] for one in several]) for key in ("mib", "seconds")}
        for name, several in found.items()
    }
    usual = medians["scaled-dot"]
    print(
        f"B={given.batch} H={given.heads} T=S={given.length} K={given.width}, float32, "
        f"{torch.get_num_threads()} threads, medians of {given.rounds}"
    )
    print(f"{'score':12} {'peak MiB':>9} {'ratio':>6} {'seconds':>8} {'ratio':>6}")
    for name, one in medians.items():
        print(
            f"{name:12} {one['mib']:9.0f} {one['mib'] / usual['mib']:6.2f} "
            f"{one['seconds']:8.2f} {one['seconds'] / usual['seconds']:6.1f}"
        )


if __name__ == "__main__":
    main()
