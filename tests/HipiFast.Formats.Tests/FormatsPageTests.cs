using HipiFast.Cli;
using HipiFast.Data;
using HipiFast.Testing;

namespace HipiFast.Formats.Tests;

/// <summary>What docs/formats.md says is so.</summary>
public sealed class FormatsPageTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static string Page { get; } = File.ReadAllText(Path.Combine(Repository.Root, "docs", "formats.md"));

    public void Dispose() => _directory.Dispose();

    [ProbedFact("/usr/bin/python3 -c 'import numpy'", "Debian's python3-numpy is not installed.")]
    public void ThePagesPythonWritesAFileThatIsRead()
    {
        const string Begin = "```python\n";
        int start = Page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        string writer = Page[start..Page.IndexOf("```", start, StringComparison.Ordinal)];
        Assert.InRange(writer.Trim().Split('\n').Length, 1, 15);
        string path = _directory["x.safetensors"];
        File.WriteAllText(_directory["write.py"], writer + $"""

            s = np.arange(40, dtype="f4").reshape(10, 4) / 8
            save("{path}", observation=s[:9], action=np.zeros((9, 2), "f8"), next_observation=s[1:], task=s[:9, :2],
                 reward=np.zeros(9, "f4"), terminated=np.zeros(9, "u1"), episode=np.repeat(np.arange(3), 3))
            """);
        using ChildProcess process = new(new(ChildProgram.At("/usr/bin/python3"), [_directory["write.py"]]));
        ProcessResult written = process.End();
        Assert.Equal((0, string.Empty), (written.ExitCode, written.Error));
        ProcessResult result = ProgramRun.Run(
            "relabel", "--transitions", path, "--strategy", "final", "--family",
            """{"kind": "goal", "achieved": [0, 1], "margin": 0.5}""", "--out", _directory["y.safetensors"]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using DataFile file = DataFormats.Open(_directory["y.safetensors"]);
        Assert.Equal(18, DataArrays.Read<float>(file, "task").Length);
        Assert.Equal(1.5f, DataArrays.Read<float>(file, "task")[0]);
    }

    [Fact]
    public void EveryRoleNameAndFaultIsOnThePage()
    {
        Assert.All(ColumnMap.Roles, role => Assert.Contains($"| `{role}` |", Page, StringComparison.Ordinal));
        Assert.All(
            Enum.GetValues<Data.Linting.LintFault>(),
            fault => Assert.Contains($"`{Options.OptionNames.Kebab(fault)}`", Page, StringComparison.Ordinal));
        foreach (string role in ColumnMap.Roles)
        {
            Assert.All(
                ColumnMap.UsualNames(role), name => Assert.Contains($"`{name}`", Page, StringComparison.Ordinal));
        }
    }
}
