using HipiFast.Learning;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Hostile.Tests;

/// <summary>
/// One bit of one file of a run changes. Whatever reads the file refuses it in one sentence, or gives what it would
/// have given: nothing in between.
/// </summary>
public sealed class BitFlipTests : IDisposable
{
    private const int FlipsPerFile = 12;

    private readonly TemporaryDirectory _directory = new();
    private readonly RunDirectory _stopped;
    private readonly string _finished;

    public BitFlipTests()
    {
        _stopped = new RunDirectory(_directory["stopped"]);
        ShortRun.Stop(_stopped);
        RunDirectory whole = new(_directory["whole"]);
        ShortRun.Copy(_stopped.Path, whole.Path);
        _finished = ShortRun.Finish(whole);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void AFlippedBitOfAnyFileOfARunIsRefusedOrWithoutEffect()
    {
        string[] all = Directory.GetFiles(_stopped.Path, "*", SearchOption.AllDirectories);
        string[] files = [.. all.Where(file => new FileInfo(file).Length > 0)];
        Assert.True(files.Length >= 6, string.Join(", ", files));
        Random random = new(1);
        List<string> wrong = [];
        foreach (string file in files)
        {
            string name = Path.GetRelativePath(_stopped.Path, file);
            for (int flip = 0; flip < FlipsPerFile * HostileOptions.Factor; flip++)
            {
                long bit = random.NextInt64(8 * new FileInfo(file).Length);
                if (!IsRefusedOrWithoutEffect(name, bit, out string found))
                {
                    wrong.Add($"{name}, bit {bit}: {found}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void AFlippedBitOfARunWithoutACheckpointIsRefusedOrWithoutEffect()
    {
        RunDirectory run = new(_directory["begun"]);
        RunDirectory.Create(run.Path, [ShortRun.Config], folders: false);
        List<string> wrong = [];
        int refused = 0;
        foreach (string file in (string[])[run.Config, run.ConfigSeal])
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int bit = 0; bit < 8 * bytes.Length; bit += HostileOptions.Factor > 1 ? 1 : 7)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                File.WriteAllBytes(file, bytes);
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                try
                {
                    if (run.ReadConfig() != ShortRun.Config)
                    {
                        wrong.Add($"{Path.GetFileName(file)}, bit {bit}: read as another");
                    }
                }
                catch (InvalidDataException)
                {
                    refused++;
                }
            }

            File.WriteAllBytes(file, bytes);
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        Assert.True(refused > 100);
        Assert.Equal(ShortRun.Config, run.ReadConfig());
    }

    [Fact]
    public void EveryBitOfTheHeaderOfAnAgentCounts()
    {
        byte[] bytes = File.ReadAllBytes(_stopped.Agent);
        int header = 8 + (int)BitConverter.ToInt64(bytes);
        string path = _directory["agent.safetensors"];
        int flips = 0, refused = 0;
        for (int bit = 0; bit < 8 * header; bit += HostileOptions.Factor > 1 ? 1 : 17)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(path, bytes);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            flips++;
            try
            {
                Assert.True(SameAgent(path), $"bit {bit}: read as another");
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        // Blanks behind the text, and what it says for people alone, may change.
        Assert.InRange(refused, flips / 2, flips);
    }

    private bool IsRefusedOrWithoutEffect(string name, long bit, out string found)
    {
        RunDirectory run = new(_directory["flipped"]);
        ShortRun.Copy(_stopped.Path, run.Path);
        try
        {
            string path = Path.Combine(run.Path, name);
            byte[] bytes = File.ReadAllBytes(path);
            bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
            File.WriteAllBytes(path, bytes);

            // Everything that a user may do with a stopped run: compare it, use its agent, continue it.
            found = "metrics were read as others";
            bool same = Refuses(() => SeedGroup.Load(run.Path).Curves.Values.Single().Values.SequenceEqual(
                SeedGroup.Load(_stopped.Path).Curves.Values.Single().Values));
            found = same ? "the agent was read as another" : found;
            same = same && Refuses(() => SameAgent(run.Agent));
            found = same ? "the run went on otherwise" : found;
            return same && Refuses(() => ShortRun.Finish(run) == _finished);
        }
        catch (Exception error)
        {
            found = $"{error.GetType().Name}: {error.Message}";
            return false;
        }
        finally
        {
            Directory.Delete(run.Path, recursive: true);
        }
    }

    // True when the data are refused as bad data are; else what the check says.
    private static bool Refuses(Func<bool> check)
    {
        try
        {
            return check();
        }
        catch (InvalidDataException error)
        {
            Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
            return true;
        }
    }

    private bool SameAgent(string path)
    {
        using AgentNetworks agent = AgentFile.Load(path), whole = AgentFile.Load(_stopped.Agent);
        return agent.Shape == whole.Shape && agent.CriticRange == whole.CriticRange
            && agent.Actor.Values.SequenceEqual(whole.Actor.Values)
            && agent.Critic1.Values.SequenceEqual(whole.Critic1.Values)
            && agent.Critic2!.Values.SequenceEqual(whole.Critic2!.Values);
    }
}
