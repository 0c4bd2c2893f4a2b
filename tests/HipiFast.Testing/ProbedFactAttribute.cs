using System.Collections.Concurrent;
using System.Diagnostics;

namespace HipiFast.Testing;

/// <summary>
/// A test of Unix that needs what not every machine has or allows; skipped where a probe of it fails.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ProbedFactAttribute : FactAttribute
{
    // The attribute is made many times; the probe runs once.
    private static readonly ConcurrentDictionary<string, Lazy<bool>> s_succeeds = new();

    /// <param name="probe">A line of the shell that succeeds where the test can run, and leaves nothing behind.</param>
    /// <param name="whyNot">What is said where it fails.</param>
    public ProbedFactAttribute(string probe, string whyNot) => Skip = UnixFactAttribute.WhyNot
        ?? (s_succeeds.GetOrAdd(probe, line => new(() => Succeeds(line))).Value ? null : whyNot);

    private static bool Succeeds(string line)
    {
        using Process process = Process.Start("/bin/sh", ["-c", $"({line}) </dev/null >/dev/null 2>&1"]);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
