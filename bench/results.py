#!/usr/bin/env python3
"""Measures this machine and writes bench/results/NAME.md, with NAME-quick.json and NAME-roofline.json (raw measurements, for bench compare).

    python3 bench/results.py [--name NAME] [--seconds 3]

NAME is made of the processor and its number of cores when it is not given. Takes about five minutes.
"""
import argparse, json, os, re, subprocess, sys

# Programs are those of PATH's absolute entries, never what lies in the current directory.
os.environ["PATH"] = os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if os.path.isabs(entry))

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = os.path.join(ROOT, "bench", "results")


def hipifast(*arguments):
    print(f"hipifast {' '.join(arguments)} ...", file=sys.stderr, flush=True)
    return subprocess.run([os.path.join(ROOT, "hipifast"), *arguments], check=True, capture_output=True, text=True).stdout


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--name", help="name of the files")
    ap.add_argument("--seconds", default="3", help="time for each long case of bench roofline")
    o = ap.parse_args()
    machine = json.loads(hipifast("info", "--json"))
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", machine["processor"].lower())).strip("-")
    name = o.name or f"{slug}-{machine['cores']}-cores"
    os.makedirs(RESULTS, exist_ok=True)
    text = [f"# {machine['processor']}, {machine['cores']} cores", "",
            f"{machine['memory_gib']} GiB, {machine['system']}, {machine['dotnet']}; instruction sets: "
            f"{', '.join(s for s, has in machine['instruction_sets'].items() if has)}. Commit {machine['commit']}.",
            "Written by `python3 bench/results.py`; docs/benchmarks.md says how to read it.", ""]
    for command in (["quick"], ["roofline", "--seconds", o.seconds], ["scaling"]):
        kind = command[0]
        files = [] if kind == "scaling" else ["--out", os.path.join(RESULTS, f"{name}-{kind}.json")]
        table = "\n".join(line for line in hipifast("bench", *command, *files).splitlines() if not line.startswith("wrote "))
        text += [f"## `hipifast bench {' '.join(command)}`", "", "```", table.strip(), "```", ""]
    with open(os.path.join(RESULTS, f"{name}.md"), "w") as f:
        f.write("\n".join(text).rstrip() + "\n")
    print(f"wrote {os.path.relpath(RESULTS, ROOT)}/{name}.md")


main()
