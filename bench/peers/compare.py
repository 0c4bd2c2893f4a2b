#!/usr/bin/env python3
"""Runs the PyTorch peers and `hipifast bench roofline` in turns on this machine and prints one Markdown table: rates, ratio, bar, met or not.

    python3 bench/peers/compare.py [--python /usr/bin/python3] [--seconds 2] [--threads 1,2] [--only relabel,sac,torch]
                                   [--torch-device cpu|cuda] [--rltools CHECKOUT] [--json FILE]

Every peer case is run at every thread setting (OMP_NUM_THREADS and OPENBLAS_NUM_THREADS) and in both styles, in fp32; the peer's best counts. For
each case the programs take turns: ours, peer (all its settings), ours; ours is the mean of its two medians, so that a slow minute of a
shared machine hits both. A variant that cannot run here (bf16 without its instructions) leaves its rows out, with one line.
Needs a python3 with torch (Debian: apt-get install python3-torch libopenblas0-pthread).

--only torch compares SAC updates of the torch learner (`hipifast bench learner --learner torch`, which relabels between updates and shows what a step
goes into) with PyTorch eager, at each thread setting by itself; HIPIFAST names another program than ./hipifast, as several words if need be.
"""
import argparse, csv, io, json, os, shlex, statistics, subprocess, sys

# Programs are those of PATH's absolute entries, never what lies in the current directory.
os.environ["PATH"] = os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if os.path.isabs(entry))

import sac_rltools

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# Whole relabel calls: estimator, B = K, H, and the bars: times PyTorch's pairs per second in fp32 and in bf16; None where there is none.
RELABEL = [("critic", 32, 64, None, None), ("critic", 256, 256, 7, 12), ("critic", 1024, 256, 7, 12), ("bellman", 256, 256, 6, None)]

# The paper's setting is a question of latency: our median at most this share of PyTorch's, our 99th percentile at most this many of our medians.
LATENCY = ("critic", 32, 64)
LATENCY_SHARE, TAIL = 0.25, 2

# SAC steps: obs, act, batch, H, bar (times PyTorch's updates per second); and the bar of a whole training loop against RLtools.
RLTOOLS_BAR = 3
SAC = [(3, 1, 100, 64, None), (10, 2, 32, 64, 25), (20, 6, 256, 256, 5)]


# Updates of the torch learner: obs, act, batch, H, bar (times PyTorch's updates per second on as many threads).
TORCH = [(10, 2, 32, 64, 1.5), (20, 6, 256, 256, None)]

HIPIFAST = shlex.split(os.environ.get("HIPIFAST", "")) or [os.path.join(ROOT, "hipifast")]


def peer(o, script, *arguments, settings=None):
    """All rows of a peer at all thread settings."""
    rows = []
    for threads in settings or o.threads.split(","):
        env = dict(os.environ, OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads)
        command = [o.python, os.path.join(HERE, script), "--seconds", str(o.seconds), *arguments]
        text = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
        rows += [dict(row, threads=threads) for row in csv.DictReader(io.StringIO(text))]
    return rows


def program(*arguments):
    """What the program says in JSON."""
    return json.loads(subprocess.run([*HIPIFAST, *arguments, "--json"], check=True, capture_output=True, text=True).stdout)


def ours(*arguments):
    return [row for row in program("bench", "roofline", *arguments) if "median_s" in row]


def auto(precision):
    """The variant that `auto` takes in a precision, or None."""
    info = program("info")
    return info["auto_backend" if precision == "fp32" else "auto_bf16_backend"]


def middle(before, after, field):
    return statistics.mean([before[field], after[field]]) if field in before and field in after else None


def rate(value, unit):
    for limit, prefix in ((1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e6 if prefix == 'M' else 1e3):.3g} {prefix} {unit}"
    return f"{value:.0f} {unit}"


def row(work, variant, mine, other, setting, unit, bar, fraction=None):
    ratio = mine / other
    met = None if bar is None else ratio >= bar
    return {"work": work, "variant": variant, "hipifast": mine, "fraction_of_peak": fraction, "peer": other, "peer_setting": setting, "ratio": ratio,
            "unit": unit, "bar": bar, "met": met}


def relabel(o, variants):
    for estimator, size, hidden, bar, bar_bf16 in RELABEL:
        select = ["--kernel", "relabel", "--estimator", estimator, "--size", str(size), "--hidden", str(hidden), "--seconds", str(o.seconds)]
        run = lambda: {r["precision"]: r for r in ours("--backend", ",".join(variants.values()), *select)}
        before = run()
        cases = peer(o, "relabel_torch.py", "--sizes", f"{size}x{size}", "--hidden", str(hidden), "--estimators", estimator)
        after = run()
        best = max((r for r in cases if r["pairs_per_s"]), key=lambda r: float(r["pairs_per_s"]))
        setting = f"{best['style']}, {best['threads']} threads"
        for precision, variant in variants.items():
            a, b = before[precision], after[precision]
            work = f"relabel `{estimator}`, {size} x {size}, H {hidden}, {precision}"
            yield row(work, variant, middle(a, b, "pairs_per_s"), float(best["pairs_per_s"]), setting, "pairs/s",
                      bar if precision == "fp32" else bar_bf16, middle(a, b, "fraction_of_peak"))
            if (estimator, size, hidden) == LATENCY:
                median, tail = middle(a, b, "median_s"), middle(a, b, "p99_s")
                share = median / (float(best["median_ms"]) * 1e-3)
                yield {"work": f"{work}: median latency", "variant": variant, "hipifast": median, "peer": float(best["median_ms"]) * 1e-3,
                       "peer_setting": setting, "ratio": share, "unit": "s", "bar": LATENCY_SHARE, "met": share <= LATENCY_SHARE}
                if tail is not None:
                    yield {"work": f"{work}: 99th percentile of our median", "variant": variant, "hipifast": tail, "peer": None, "peer_setting": None,
                           "ratio": tail / median, "unit": "s", "bar": TAIL, "met": tail <= TAIL * median}


def sac(o, variant):
    run = lambda: {(r["obs"], r["act"], r["batch"], r["hidden"]): r for r in ours("--backend", variant, "--kernel", "sac-step")}
    for obs, act, batch, hidden, bar in SAC:
        before = run()
        cases = peer(o, "sac_torch.py", "--cases", f"{obs},{act},{batch},{hidden}")
        after = run()
        best = max(cases, key=lambda r: float(r["updates_per_s"]))
        key = (obs, act, batch, hidden)
        yield row(f"SAC step (obs {obs}, act {act}, batch {batch}, H {hidden}), {before[key]['threads']} threads", variant,
                  middle(before[key], after[key], "updates_per_s"), float(best["updates_per_s"]), f"{best['threads']} threads", "updates/s", bar)


def torch_learner(o):
    where = ["--torch-device", o.torch_device] + (["--backend", "cuda"] if o.torch_device == "cuda" else [])
    for obs, act, batch, hidden, bar in TORCH:
        case = f"{obs},{act},{batch},{hidden}"
        for threads in o.threads.split(","):
            run = lambda: program(
                "bench", "learner", "--learner", "torch", *where, "--case", case, "--threads", threads, "--seconds", str(o.seconds))[0]
            before = run()
            other = peer(o, "sac_torch.py", "--cases", case, "--device", o.torch_device, settings=[threads])[0]
            after = run()
            parts = ", ".join(f"{name} {middle(before, after, field):.1%}" for name, field in (
                ("replay", "replay_share"), ("relabel", "relabel_share"), ("hand-over", "hand_over_share"), ("torch", "update_share")))
            work = f"torch learner on {o.torch_device} (obs {obs}, act {act}, batch {batch}, H {hidden}), {threads} threads; step: {parts}"
            yield row(work, f"torch, relabels on {before['backend']}", middle(before, after, "updates_per_s"), float(other["updates_per_s"]),
                      f"eager, {threads} threads", "updates/s", bar)


def sac_loop(o, variant):
    found = sac_rltools.measure(o.rltools)
    yield row("SAC training loop, environment included (pendulum, batch 100, H 64), 1 thread", variant, found["steps_per_s"],
              found["peer_steps_per_s"], "RLtools, " + found["peer_setting"], "steps/s", RLTOOLS_BAR)


def show(r):
    """A row of the table."""
    value = lambda v: "" if v is None else f"{v * 1e6:.4g} us" if r["unit"] == "s" else rate(v, r["unit"])
    setting = f" ({r['peer_setting']})" if r["peer_setting"] else ""
    share = f"{r['fraction_of_peak']:.0%}" if r.get("fraction_of_peak") is not None else ""
    sign = "at most" if r["unit"] == "s" else "at least"
    bar = "" if r["bar"] is None else f"{sign} {r['bar']:g}"
    met = {None: "", True: "yes", False: "NO"}[r["met"]]
    return f"| {r['work']} | {r['variant']} | {value(r['hipifast'])} | {share} | {value(r['peer'])}{setting} | {r['ratio']:.2f} | {bar} | {met} |"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--python", default=sys.executable, help="a python3 with torch")
    ap.add_argument("--seconds", type=float, default=2, help="time for each case of a peer, and for a long one of ours")
    ap.add_argument("--threads", default="1,2", help="thread settings of the peers")
    ap.add_argument("--only", default="relabel,sac", help="parts, separated by commas: relabel, sac, torch")
    ap.add_argument("--torch-device", default="cpu", choices=["cpu", "cuda"], help="where the torch learner and its peer compute")
    ap.add_argument("--rltools", help="a checkout of RLtools, to compare whole SAC training loops as well (see sac_rltools.py)")
    ap.add_argument("--json", help="also write the rows to this file")
    o = ap.parse_args()
    variants = {precision: name for precision in ("fp32", "bf16") if (name := auto(precision))}
    if "bf16" not in variants:
        print("bf16 rows are left out: no variant of bf16 can run here (`hipifast info` says why).\n")

    parts = {"relabel": lambda: relabel(o, variants), "sac": lambda: sac(o, variants["fp32"]), "torch": lambda: torch_learner(o)}
    rows = []
    print("| work | variant | HipiFast | of its peak | PyTorch, best setting | ratio | bar | met |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |")
    for part in o.only.split(","):
        if part not in parts:
            ap.error(f"--only has '{part}'; expected {', '.join(parts)}")
        for r in parts[part]():
            rows.append(r)
            print(show(r), flush=True)
    if o.rltools:
        for r in sac_loop(o, variants["fp32"]):
            rows.append(r)
            print(show(r), flush=True)
    if o.json:
        with open(o.json, "w") as f:
            json.dump(rows, f, indent=1)


main()
