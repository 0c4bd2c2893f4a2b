#!/usr/bin/env python3
"""Peer: RLtools' SAC pendulum benchmark (github.com/rl-tools/rl-tools), built from its public source with OpenBLAS, beside ours.

    python3 bench/peers/sac_rltools.py CHECKOUT [--rounds 5] [--blas-threads 1,2] [--cpu N]

Builds the benchmark of src/rl/environments/pendulum/sac/cpu with the flags of its CMake target (-Ofast -march=native, BENCHMARK; headers only, so
one g++ command does) into a temporary folder, and bench/HipiFast.Benchmarks. The two take turns. Both train for 10,000 environment steps, batch
100, two hidden layers of 64, one update of everything per step after the first 100 steps; environment, replay and updates are all in the time.
Ours has one input more (a task of one entry) and runs on one thread; the peer's best setting of OPENBLAS_NUM_THREADS counts.

Prints one JSON object: steps_per_s of both (medians), the peer's setting, and the ratio (median over rounds of the ratio within a round).
Needs g++, and cblas.h with OpenBLAS (Debian: apt-get install libopenblas-dev).
"""
import argparse, json, os, re, shutil, statistics, subprocess, sys, tempfile

# Programs are those of PATH's absolute entries, never what lies in the current directory.
os.environ["PATH"] = os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if os.path.isabs(entry))

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STEPS = 10_000
SOURCE = "src/rl/environments/pendulum/sac/cpu/training.cpp"


def build_peer(checkout, folder):
    program = os.path.join(folder, "sac_rltools")
    subprocess.run(
        ["g++", "-std=c++17", "-Ofast", "-march=native", "-w", "-DBENCHMARK", "-DRL_TOOLS_BACKEND_ENABLE_OPENBLAS", "-DRL_TOOLS_DISABLE_HDF5",
         "-DRL_TOOLS_DISABLE_TENSORBOARD", "-I", os.path.join(checkout, "include"), os.path.join(checkout, SOURCE), "-o", program,
         "-lopenblas", "-lpthread"], check=True)
    return program


def build_ours():
    project = os.path.join(ROOT, "bench", "HipiFast.Benchmarks")
    subprocess.run(["dotnet", "build", project, "-c", "Release", "-v", "q", "--nologo"], check=True, stdout=sys.stderr)
    return os.path.join(project, "bin", "Release", "net10.0", "HipiFast.Benchmarks.dll")


def run_peer(program, threads, pin, folder):
    env = dict(os.environ, OPENBLAS_NUM_THREADS=str(threads))
    text = subprocess.run(pin + [program], env=env, cwd=folder, check=True, capture_output=True, text=True).stdout
    return STEPS / float(re.search(r"Time: ([0-9.]+)s", text).group(1))


def measure(checkout, rounds=5, blas_threads=(1, 2), cpu=None):
    if not os.path.isfile(os.path.join(checkout, SOURCE)):
        sys.exit(f"'{checkout}' is no checkout of RLtools: it has no {SOURCE}.")
    folder = tempfile.mkdtemp(prefix="hipifast-rltools-")
    try:
        program, ours = build_peer(checkout, folder), build_ours()
        settings = {t: [] for t in blas_threads}
        mine, cold, returns, ratios = [], [], [], []
        for seed in range(rounds):
            # More BLAS threads than one core helps nobody: only the one-thread runs are pinned.
            for threads, rates in settings.items():
                rates.append(run_peer(program, threads, ["taskset", "-c", str(cpu)] if cpu is not None and threads == 1 else [], folder))
            pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
            row = json.loads(subprocess.run(pin + ["dotnet", ours, "pendulum", str(seed)], check=True, capture_output=True, text=True).stdout)
            mine.append(row["steps_per_s"])
            cold.append(row["cold_steps_per_s"])
            returns.append(row["last_return"])
            ratios.append(mine[-1] / max(rates[-1] for rates in settings.values()))
    finally:
        shutil.rmtree(folder)
    best = max(settings, key=lambda t: statistics.median(settings[t]))
    return {
        "kernel": "sac-pendulum", "obs": 3, "act": 1, "batch": 100, "hidden": 64, "rounds": rounds,
        "peer_steps_per_s": statistics.median(settings[best]), "peer_setting": f"OpenBLAS, {best} threads",
        "steps_per_s": statistics.median(mine), "cold_steps_per_s": statistics.median(cold), "last_return": statistics.median(returns),
        "ratio": statistics.median(ratios),
    }


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("checkout")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--blas-threads", default="1,2")
    ap.add_argument("--cpu", type=int)
    o = ap.parse_args()
    print(json.dumps(measure(o.checkout, o.rounds, tuple(map(int, o.blas_threads.split(","))), o.cpu), indent=1))
