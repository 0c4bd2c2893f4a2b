#!/usr/bin/env python3
"""Runs the PyTorch peers and `hipifast bench quick` in one go on this machine and prints one table of ratios.

    python3 bench/peers/compare.py [--seconds 2] [--threads 1,2] [--python /usr/bin/python3] [--json FILE]

Every peer case is run at every thread setting (OMP_NUM_THREADS and OPENBLAS_NUM_THREADS) and in both styles; the peer's best counts.
The two programs take turns (peer, ours, peer, ours, ...), so that a slow minute of a shared machine hits both; ours is the median of the rounds.
Needs a python3 with torch (Debian: apt-get install python3-torch libopenblas0-pthread).
"""
import argparse, csv, io, json, os, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def peer(python, script, threads, *arguments):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    text = subprocess.run([python, os.path.join(HERE, script), *arguments], env=env, check=True, capture_output=True, text=True).stdout
    return list(csv.DictReader(io.StringIO(text)))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--seconds", type=float, default=2)
    ap.add_argument("--threads", default="1,2")
    ap.add_argument("--python", default=sys.executable)
    ap.add_argument("--json")
    o = ap.parse_args()

    ours, peers = {}, {}
    for threads in map(int, o.threads.split(",")):
        for row in peer(o.python, "relabel_torch.py", threads, "--seconds", str(o.seconds), "--sizes", "32x32,256x256"):
            if row["pairs_per_s"]:
                key = ("relabel", row["estimator"], int(row["B"]), int(row["H"]))
                peers.setdefault(key, []).append((float(row["pairs_per_s"]), f"{row['style']}, {threads} threads"))
        for row in peer(o.python, "sac_torch.py", threads, "--seconds", str(o.seconds)):
            key = ("sac-step", int(row["obs"]), int(row["act"]), int(row["batch"]), int(row["hidden"]))
            peers.setdefault(key, []).append((float(row["updates_per_s"]), f"{threads} threads"))
        text = subprocess.run([os.path.join(ROOT, "hipifast"), "bench", "quick", "--json", "--seconds", str(o.seconds / 2)],
                              check=True, capture_output=True, text=True).stdout
        for row in json.loads(text):
            if row["kernel"] == "sac-step":
                key, value = ("sac-step", row["obs"], row["act"], row["batch"], row["hidden"]), row["updates_per_s"]
            else:
                key, value = (row["kernel"], row["estimator"], row["batch"], row["hidden"]), row["pairs_per_s"]
            ours.setdefault(key, []).append((value, row.get("fraction_of_peak")))

    rows = []
    print("| work | HipiFast | fraction of fp32 peak | PyTorch, best setting | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for key, values in ours.items():
        peer_key = ("relabel",) + key[1:] if key[0] == "soft-q" else key
        if peer_key not in peers:
            continue
        best, setting = max(peers[peer_key])
        mine = statistics.median(v for v, _ in values)
        fraction = statistics.median(f for _, f in values) if values[0][1] is not None else None
        if key[0] == "sac-step":
            name, unit = f"SAC step (obs {key[1]}, act {key[2]}, batch {key[3]}, H {key[4]})", "updates/s"
        else:
            what = "soft-Q matrix" if key[0] == "soft-q" else "whole relabel call"
            name, unit = f"{what} `{key[1]}`, {key[2]} x {key[2]}, H {key[3]}", "pairs/s"
        scale, prefix = (1e6, "M ") if mine > 1e6 else (1, "")
        share = f"{fraction:.0%}" if fraction is not None else ""
        print(f"| {name} | {mine / scale:.2f} {prefix}{unit} | {share} | {best / scale:.2f} {prefix}{unit} ({setting}) | {mine / best:.1f} |"
              if scale > 1 else f"| {name} | {mine:.0f} {unit} | {share} | {best:.0f} {unit} ({setting}) | {mine / best:.1f} |")
        rows.append({"work": name, "hipifast": mine, "fraction_of_peak": fraction, "peer": best, "peer_setting": setting, "ratio": mine / best})
    if o.json:
        with open(o.json, "w") as f:
            json.dump(rows, f, indent=1)


main()
