#!/usr/bin/env python3
"""The engine in its hosts, beside itself in C#. On a quiet machine:

    python3 bench/hosts.py levels    # the C library of every level that this processor has, beside C# of the same vectors
    python3 bench/hosts.py python    # hipifast.relabel_from_q at 256 x 256, beside the call in C#
    python3 bench/hosts.py debug     # the README's work in Debug and Release: from packages, and by project reference

Builds what it needs. `python` takes numpy.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOSTS = ROOT / "bench" / "HipiFast.Hosts"

# What makes .NET's own compiler keep to a level.
LEVELS = {
    "x86-64-v2": {"DOTNET_EnableAVX": "0"},
    "x86-64-v3": {"DOTNET_EnableAVX512": "0", "DOTNET_EnableAVX512F": "0"},
    "x86-64-v4": {},
}

WORK = """
using System.Diagnostics;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;

TransitionShape shape = new(4, 2, 2);
using AgentNetworks agent = new(shape, 64);
agent.Initialize(1);
using Relabeler relabeler = new(
    TaskFamilies.Goal([0, 1], 0.1f), agent, new RelabelOptions { Compute = new ComputeOptions { Threads = 1 } });
using TransitionBatch batch = new(shape, 256) { Count = 256 };
Random random = new(1);
foreach (ref float value in batch.Observation) { value = random.NextSingle(); }
foreach (ref float value in batch.Task) { value = random.NextSingle(); }
relabeler.Prepare(256);
List<double> times = [];
for (int call = 0; call < 300; call++)
{
    long start = Stopwatch.GetTimestamp();
    relabeler.Relabel(batch);
    times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
}

Console.WriteLine(times.Order().ElementAt(times.Count / 2).ToString(System.Globalization.CultureInfo.InvariantCulture));
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def build_library():
    folder = next((ROOT / "artifacts" / "c").glob("*-x64"), None)
    if folder is None or not all((folder / f"libhipifast_c.{level}.so").exists() for level in LEVELS):
        run("dotnet", "build", ROOT / "src" / "HipiFast.Native", "-c", "Release", "-t:BuildLibraries", "-v", "quiet")
        folder = next((ROOT / "artifacts" / "c").glob("*-x64"))
    run("dotnet", "build", HOSTS, "-c", "Release", "-v", "quiet", "--nologo")
    return folder


def has(level):
    flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M).group(1).split()
    needs = {"x86-64-v2": "sse4_2", "x86-64-v3": "avx2", "x86-64-v4": "avx512vl"}
    return needs[level] in flags


def hosts(folder, level, rounds=30):
    program = next((HOSTS / "bin" / "Release").rglob("HipiFast.Hosts.dll"))
    return run("dotnet", program, folder / f"libhipifast_c.{level}.so", rounds, env={**os.environ, **LEVELS[level]})


def levels():
    folder = build_library()
    for level in LEVELS:
        print(f"{level}:", hosts(folder, level) if has(level) else "this processor does not have it", sep="\n")


def python():
    folder = build_library()
    highest = [level for level in LEVELS if has(level)][-1]
    program = (
        "import time, numpy as np, hipifast\n"
        "q = np.random.default_rng(0).uniform(-1, 1, (256, 256)).astype(np.float32)\n"
        "times = []\n"
        "for _ in range(2000):\n"
        "    start = time.perf_counter()\n"
        "    hipifast.relabel_from_q(q, threads=1)\n"
        "    times.append(time.perf_counter() - start)\n"
        "times = sorted(times[200:])\n"
        "print(times[len(times) // 2] * 1e6, times[len(times) * 99 // 100] * 1e6)")
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT / "src" / "python"), "HIPIFAST_LIBRARY_FOLDER": str(folder)}
    added, medians, tails = [], [], []
    for _ in range(9):
        engine = float(re.search(r"from Q~.*C# ([0-9.]+) us", hosts(folder, highest, 10)).group(1))
        median, tail = map(float, run(sys.executable, "-c", program, env=environment).split())
        added.append(median - engine)
        medians.append(median)
        tails.append(tail)
    print(f"relabel_from_q, 256 x 256, 1 thread: {statistics.median(medians):.1f} us, p99 {statistics.median(tails):.1f} us, "
          f"{statistics.median(added):.1f} us more than in C# ({min(added):.1f} to {max(added):.1f})")


def debug():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        feed = folder / "feed"
        run("dotnet", "pack", ROOT / "HipiFast.sln", "-c", "Release", "-o", feed, "-v", "quiet", "--nologo",
            "-p:Version=0.1.0-bench")
        references = {
            "packages": '<PackageReference Include="HipiFast" Version="0.1.0-bench" />',
            "project reference": f'<ProjectReference Include="{ROOT}/src/HipiFast/HipiFast.csproj" />',
        }
        for kind, reference in references.items():
            project = folder / kind.replace(" ", "-")
            project.mkdir()
            (project / "Program.cs").write_text(WORK)
            (project / "app.csproj").write_text(
                '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>'
                "<TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>"
                f"<RestoreAdditionalProjectSources>{feed}</RestoreAdditionalProjectSources>"
                f"<RestorePackagesPath>{folder / 'packages'}</RestorePackagesPath><NuGetAudit>false</NuGetAudit>"
                f"</PropertyGroup><ItemGroup>{reference}</ItemGroup></Project>")
            programs = {}
            for configuration in ("Debug", "Release"):
                run("dotnet", "build", "-c", configuration, "-v", "quiet", "--nologo", cwd=project)
                programs[configuration] = project / "bin" / configuration / "net10.0" / "app.dll"
            times = {configuration: [] for configuration in programs}
            for _ in range(9):
                for configuration, program in programs.items():
                    times[configuration].append(float(run("dotnet", program)))
            ratios = [one / other for one, other in zip(times["Debug"], times["Release"])]
            print(f"{kind}: Debug {statistics.median(times['Debug']):.0f} us, Release "
                  f"{statistics.median(times['Release']):.0f} us, ratio {statistics.median(ratios):.3f} "
                  f"({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    names = {"levels": levels, "python": python, "debug": debug}
    if len(sys.argv) != 2 or sys.argv[1] not in names:
        sys.exit(__doc__)
    names[sys.argv[1]]()
