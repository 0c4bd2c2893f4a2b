#!/usr/bin/env python3
"""Shows that the regression gate finds what it should and nothing else, on real runs.

    python3 bench/gate-check.py [--runs 20] [--resume]

Builds the program three times: base; same (the same sources, built anew); slow (with bench/HipiFast.SlowKernel beside
it, which .NET loads before the program starts: a backend one of whose kernels does a tenth of its work twice). Then compares base with same and base with slow in paired runs, `hipifast bench compare --paired`, in turns. The gate is right when at least
19 of 20 runs against slow flag the slow kernel's benchmark and no other, and at most 1 of 20 against same flags any. Every run is kept in
artifacts/gate/runs.jsonl as it ends; --resume goes on from there with the builds as they are. Writes bench/results/gate-check.json and .md; exit
code 1 when the gate was wrong too often. Takes half a minute to a minute a run, more on a busy machine.
"""
import argparse, json, math, os, shutil, statistics, subprocess, sys, time

# Programs are those of PATH's absolute entries, never what lies in the current directory.
os.environ["PATH"] = os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if os.path.isabs(entry))

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "artifacts", "gate")
RUNS = os.path.join(WORK, "runs.jsonl")
RESULTS = os.path.join(ROOT, "bench", "results", "gate-check")

# The benchmark that contains the slow kernel and little else. Whole relabel calls contain it too, as less than a hundredth of their time.
SLOW_BENCHMARK = "log-partition/160x512"
BUILDS = ("base", "same", "slow")
SLOW_ASSEMBLY = "HipiFast.SlowKernel.dll"


def build(name):
    print(f"building {name} ...", flush=True)
    dotnet_build(name, "src/HipiFast.Cli", program(name))
    if name == "slow":
        kernel = os.path.join(WORK, name, "kernel")
        dotnet_build(name, "bench/HipiFast.SlowKernel", kernel)
        slow_down(program(name), os.path.join(kernel, SLOW_ASSEMBLY))


def dotnet_build(name, project, output):
    subprocess.run(["dotnet", "build", project, "-c", "Release", "-v", "quiet", "--nologo",
                    "--artifacts-path", os.path.join(WORK, name, "build"), "-o", output], cwd=ROOT, check=True)


def slow_down(folder, assembly):
    """Puts the slow backend beside a program, and has .NET load it first."""
    hook = shutil.copy(assembly, folder)
    path = os.path.join(folder, "HipiFast.Cli.runtimeconfig.json")
    with open(path) as f:
        config = json.load(f)
    config["runtimeOptions"].setdefault("configProperties", {})["STARTUP_HOOKS"] = hook
    with open(path, "w") as f:
        json.dump(config, f, indent=2)


def program(name):
    return os.path.join(WORK, name, "program")


def hipifast(*arguments):
    done = subprocess.run(["dotnet", os.path.join(program("base"), "HipiFast.Cli.dll"), *arguments, "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(f"hipifast {' '.join(arguments)} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def run(kind, number):
    start = time.time()
    found = hipifast("bench", "compare", "--paired", program("base"), program(kind), "--seed", str(number + 1))
    # A name alone is that of a median; every other measure is named beside it.
    rows = {b["name"] + ("" if b["measure"] == "median" else f" ({b['measure']})"): b for b in found["benchmarks"]}
    medians = {name: b for name, b in rows.items() if b["measure"] == "median"}
    flagged = [name for name, b in rows.items() if b["verdict"] in ("slower", "allocates more")]
    ratio = {name: b["ratio"] for name, b in medians.items()}
    faster = [name for name, b in rows.items() if b["verdict"] in ("faster", "allocates less")]
    return {"kind": kind, "number": number, "flagged": flagged, "faster": faster,
            "method": found["method"], "ratio": ratio, "probability": {name: b["probability"] for name, b in rows.items()},
            "deviation": {name: statistics.stdev(map(math.log, b["restart_ratios"])) for name, b in medians.items()},
            "seconds": round(time.time() - start, 1), "load": round(os.getloadavg()[0], 1)}


def right(r):
    return r["flagged"] == ([SLOW_BENCHMARK] if r["kind"] == "slow" else [])


def markdown(rows, machine, verdict):
    text = ["# The gate on real runs", "", f"`python3 bench/gate-check.py --runs {len(rows) // 2}` on {machine['processor']} "
            f"({machine['cores']} cores, {machine['system']}, {machine['dotnet']}), commit {machine['commit']}. "
            f"{rows[0]['method']}.", "", verdict, "",
            "Load is the system's load average at the end of a run: 1 or less is the run alone.", "",
            "| run | same build: flagged | largest ratio | load | 10% slower kernel: flagged | its ratio | p | load |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for number in range(len(rows) // 2):
        same = next(r for r in rows if r["kind"] == "same" and r["number"] == number)
        slow = next(r for r in rows if r["kind"] == "slow" and r["number"] == number)
        text.append(f"| {number + 1} | {', '.join(same['flagged']) or 'nothing'} | {max(same['ratio'].values()):.3f} | {same['load']:.1f} | "
                    f"{', '.join(slow['flagged']) or 'nothing'} | {slow['ratio'][SLOW_BENCHMARK]:.3f} | {slow['probability'][SLOW_BENCHMARK]:.4f} | "
                    f"{slow['load']:.1f} |")
    same = [r for r in rows if r["kind"] == "same"]
    text += ["", "The same build against itself, over the runs: how far the median ratio strays from restart to restart (standard deviation),",
             "and how far the estimate of a run, over all its restarts, strayed from 1 at most.", "",
             "| benchmark | between restarts | furthest estimate |", "| --- | --- | --- |"]
    for name in same[0]["ratio"]:
        deviation = statistics.median(r["deviation"][name] for r in same)
        text.append(f"| {name} | {deviation:.1%} | {max((r['ratio'][name] for r in same), key=lambda x: abs(math.log(x))):.3f} |")
    return "\n".join(text) + "\n"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--runs", type=int, default=20, help="runs of each kind")
    ap.add_argument("--resume", action="store_true", help="keep the builds and the runs that there are")
    o = ap.parse_args()
    os.makedirs(WORK, exist_ok=True)
    rows = []
    if o.resume and os.path.exists(RUNS):
        with open(RUNS) as f:
            rows = [json.loads(line) for line in f if line.endswith("\n")]
    else:
        open(RUNS, "w").close()
    for name in BUILDS:
        if not o.resume or not os.path.exists(os.path.join(program(name), "HipiFast.Cli.dll")):
            build(name)

    done = {(r["kind"], r["number"]) for r in rows}
    for number in range(o.runs):
        for kind in ("same", "slow"):
            if (kind, number) not in done:
                rows.append(run(kind, number))
                with open(RUNS, "a") as f:
                    f.write(json.dumps(rows[-1]) + "\n")
                print(f"{kind} {number + 1}: flagged {', '.join(rows[-1]['flagged']) or 'nothing'} ({rows[-1]['seconds']} s)", flush=True)

    rows = [r for r in rows if r["number"] < o.runs]
    found = sum(right(r) for r in rows if r["kind"] == "slow")
    alarms = sum(not right(r) for r in rows if r["kind"] == "same")
    good = found >= 0.95 * o.runs and alarms <= 0.05 * o.runs
    verdict = (f"A kernel 10% slower was flagged, and nothing else, in {found} of {o.runs} runs; the same build was flagged in {alarms} of {o.runs}. "
               f"Asked for: at least {0.95 * o.runs:g}, at most {0.05 * o.runs:g}. "
               f"A run took {sum(r['seconds'] for r in rows) / len(rows):.0f} s on average.")
    machine = hipifast("info")
    os.makedirs(os.path.dirname(RESULTS), exist_ok=True)
    with open(RESULTS + ".json", "w") as f:
        machine = {key: machine[key] for key in ("processor", "system", "cores", "memory_gib", "dotnet", "commit")}
        json.dump({"machine": machine, "found": found, "false_alarms": alarms, "runs_of_each": o.runs, "good": good, "runs": rows}, f, indent=1)
        f.write("\n")
    with open(RESULTS + ".md", "w") as f:
        f.write(markdown(rows, machine, verdict))
    print(verdict)
    sys.exit(0 if good else 1)


main()
