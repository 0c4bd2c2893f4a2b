#!/usr/bin/env python3
"""Trains with variants of inverse RL's options beside the other strategies, and prints areas under the success curves (of returns, where tasks never
end) as a Markdown table.

    python3 bench/relabel-search.py ENVIRONMENT OUT [--seeds 101,102,103] [--only NAME,NAME] [options of hipifast train, for all variants]

The first variant is what the others are compared with. Without --only that is future-state relabeling for goals, and inverse RL with the defaults for
discrete sets and linear rewards. Runs that OUT holds already are taken from there, so that it can be stopped and started again. All runs of a table have
equal environment steps, gradient steps and batches.
"""
import argparse, json, os, shutil, subprocess, sys

# Programs are those of PATH's absolute entries, never what lies in the current directory.
os.environ["PATH"] = os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if os.path.isabs(entry))

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What is left out has the default of the environment (hipifast train ENVIRONMENT --help).
GOALS = {
    "future": "--relabel future",
    "future-80": "--relabel future --relabel-fraction 0.8",
    "final": "--relabel final",
    "random": "--relabel random",
    "none": "--relabel none",
    "paper": "--preset paper",
    "default": "",
    "candidates-commanded": "--candidates commanded",
    "candidates-reached": "--candidates reached",
    "no-mix": "--goal-mix 0",
    "mix-25": "--goal-mix 0.25",
    "mix-75": "--goal-mix 0.75",
    "mix-final": "--goal-mix-strategy final",
    "fraction-50": "--relabel-fraction 0.5",
    "fraction-65": "--relabel-fraction 0.65",
    "fraction-100": "--relabel-fraction 1",
    "pool-4": "--pool 4",
    "pool-8": "--pool 8",
    "pool-16": "--pool 16",
    "temperature-0.3": "--temperature 0.3",
    "temperature-3": "--temperature 3",
    "soft-critic": "--estimator soft-critic",
    "bellman": "--estimator bellman",
    "no-terminal-value": "--exact-terminal-value false",
    "no-partition": "--partition none",
    "by-task": "--assign task --candidates commanded --temperature 3",
}
DISCRETE = {
    "default": "",
    "random": "--relabel random",
    "none": "--relabel none",
    "paper": "--preset paper --candidates fixed",
    "running-0.9": "--partition running",
    "running-0.99": "--partition running --partition-decay 0.99",
    "no-partition": "--partition none",
    "pool-4": "--pool 4",
    "pool-16": "--pool 16",
    "temperature-1": "--temperature 1",
    "temperature-10": "--temperature 10",
    "soft-critic": "--estimator soft-critic",
    "bellman": "--estimator bellman",
    "no-terminal-value": "--exact-terminal-value false",
    "fraction-25": "--relabel-fraction 0.25",
    "fraction-80": "--relabel-fraction 0.8",
    "random-80": "--relabel random --relabel-fraction 0.8",
    "by-task": "--assign task",
}
LINEAR = {
    "default": "",
    "random": "--relabel random",
    "none": "--relabel none",
    "temperature-0.3": "--temperature 0.3",
    "temperature-3": "--temperature 3",
    "temperature-10": "--temperature 10",
    "no-partition": "--partition none",
    "soft-critic": "--estimator soft-critic",
    "bellman": "--estimator bellman",
    "pool-4": "--pool 4",
    "fraction-80": "--relabel-fraction 0.8",
    "random-80": "--relabel random --relabel-fraction 0.8",
    "by-task": "--assign task",
}


def hipifast(*arguments):
    """What a call of the program prints; what it says of an error ends this one too."""
    done = subprocess.run([os.environ.get("HIPIFAST", os.path.join(ROOT, "hipifast")), *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return done.stdout


def is_finished(place, seeds):
    """Whether every seed has been evaluated after its last step; a run that was stopped leaves files too."""
    for seed in seeds.split(","):
        folder = os.path.join(place, f"seed-{seed}")
        try:
            with open(os.path.join(folder, "config.json")) as config, open(os.path.join(folder, "metrics.csv")) as metrics:
                if int(metrics.readlines()[-1].split(",")[0]) < json.load(config)["steps"]:
                    return False
        except (OSError, ValueError, IndexError):
            return False
    return True


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("environment")
    ap.add_argument("out", help="directory of the runs")
    ap.add_argument("--seeds", default="101,102,103")
    ap.add_argument("--only", help="variants by name, the reference first; all when not given")
    ap.add_argument("--eval-episodes", default="100")
    o, train = ap.parse_known_args()
    variants = DISCRETE if o.environment.endswith("-discrete") else LINEAR if o.environment in ("walker", "quadruped-linear") else GOALS
    names = o.only.split(",") if o.only else list(variants)
    unknown = [name for name in names if name not in variants]
    if unknown:
        sys.exit(f"Unknown variant {unknown[0]}; expected {', '.join(variants)}.")
    common = ["--seeds", o.seeds, "--eval-episodes", o.eval_episodes, *train]
    places = []
    for name in names:
        place = os.path.join(o.out, o.environment, f"{name}-{o.seeds.replace(',', '-')}")
        if not is_finished(place, o.seeds):
            # Runs of seeds are begun anew together.
            shutil.rmtree(place, ignore_errors=True)
            print(f"{o.environment} {name} ...", file=sys.stderr, flush=True)
            hipifast("train", o.environment, *variants[name].split(), *common, "--out", place)
        places.append(place)
    rows = json.loads(hipifast("compare", *places, "--names", *names, "--json"))
    is_rate = rows[0]["metric"] == "success_rate"
    what, digits = ("success", 3) if is_rate else ("return", 1)
    print(f"| {o.environment}, seeds {o.seeds} | options | area under the {what} curve | final {what} | minus {names[0]} (s.e.; seeds ahead) |")
    print("| --- | --- | --- | --- | --- |")
    order = rows[:1] + sorted(rows[1:], key=lambda row: -row["area_mean"])
    for row in order:
        lead = ""
        if "first_minus_this_mean" in row:
            ahead = row["seeds_in_common"] - row["seeds_ahead"]
            error = row["first_minus_this_standard_error"]
            lead = f"{-row['first_minus_this_mean']:+.{digits}f} ({error:.{digits}f}; {ahead} of {row['seeds_in_common']})"
        options = f"`{variants[row['run']]}`" if variants[row["run"]] else ""
        print(f"| {row['run']} | {options} | {row['area_mean']:.{digits}f} ± {row['area_deviation']:.{digits}f} | "
              f"{row['final_mean']:.{digits}f} ± {row['final_deviation']:.{digits}f} | {lead} |")


if __name__ == "__main__":
    main()
