using System.Reflection;
using HipiFast.Testing;

namespace HipiFast.Examples.Tests;

/// <summary>Runs every program of docs/examples.</summary>
public sealed class ExampleTests
{
    [Fact]
    public void FirstRelabel()
    {
        string[] lines = Run("FirstRelabel");
        Assert.Matches("^transition 0 received candidate -?[0-9]+ ", lines[0]);
        Assert.Matches(@"^posterior entropy [0-9]\.[0-9]{2} nats$", lines[1]);

        // The commanded and the reached tasks of 256 rows; half of the rows, to within five standard deviations.
        string[] last = lines[2].Split(' ');
        Assert.Equal("512", last[0]);
        Assert.InRange(int.Parse(last[2].TrimEnd('%')), 34, 66);
    }

    [Fact]
    public void OwnTaskFamily() => Assert.Equal(
        [
            "step 0 at speed 0.3: reward 0.0",
            "step 0 at speed 0.5: reward -0.2",
            "step 1 at speed 0.3: reward -0.3, and the task ends",
            "step 1 at speed 0.5: reward -0.1, and the task ends",
            "2 candidates, 100% relabeled",
        ],
        Run("OwnTaskFamily").Select(line => line.Replace("reward -0.0", "reward 0.0")));

    [Fact]
    public void OwnCritic() => Assert.Equal(
        from place in (string[])["-1.0", "-0.5", "0.0", "0.5", "1.0"]
        select $"the step to {place} was right for task {place}",
        Run("OwnCritic"));

    [Fact]
    public void OwnEnvironment()
    {
        string[] lines = Run("OwnEnvironment");
        Assert.Equal(2, lines.Length);
        Assert.Matches("^1200 steps: success rate ", lines[0]);

        // A cart that is not driven reaches about one place in twenty.
        Assert.True(double.Parse(lines[1].Split(' ')[^1]) > 0.5, lines[1]);
    }

    // As the program does it; that it trains on the assembly is seen where the program is tested.
    [Fact]
    public void PluginEnvironment()
    {
        Registration.Register();
        EnvironmentContract.SameSeedGivesTheSameRun("spring");
        EnvironmentContract.AStepAllocatesNothing("spring");
    }

    [Fact]
    public void EveryExampleIsRunHere()
    {
        string[] folders = [.. Directory.GetDirectories(
            Path.Combine(Repository.Root, "docs", "examples")).Select(Path.GetFileName)!];
        Assert.Equal(
            folders.Where(
                name => File.Exists(Path.Combine(Repository.Root, "docs", "examples", name, name + ".csproj"))).Order(),
            typeof(ExampleTests).GetMethods().Select(method => method.Name).Intersect(folders).Order());
    }

    [Theory]
    [InlineData("FirstRelabel/Program.cs")]
    [InlineData("PluginEnvironment/Spring.cs")]
    public void TheReadmeShowsTheExample(string file)
    {
        string[] source = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "examples", file));
        int begin = Array.IndexOf(source, "// README begins"), end = Array.IndexOf(source, "// README ends");
        Assert.InRange(begin, 0, end - 10);
        Assert.Contains(
            string.Join('\n', source[(begin + 1)..end]).Trim(),
            File.ReadAllText(Path.Combine(Repository.Root, "README.md")).ReplaceLineEndings("\n"),
            StringComparison.Ordinal);
    }

    // What the program prints, line by line. In this process, one at a time: the tests of a class take turns.
    private static string[] Run(string name)
    {
        MethodInfo main = Assembly.Load(name).EntryPoint!;
        TextWriter console = Console.Out;
        using StringWriter output = new();
        Console.SetOut(output);
        try
        {
            main.Invoke(null, [Array.Empty<string>()]);
        }
        finally
        {
            Console.SetOut(console);
        }

        return output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
