using System.Text;
using HipiFast.Benchmarking.Results;
using HipiFast.Import;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Tasks;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Hostile.Tests;

/// <summary>
/// Damaged and invented files through every reader: each is read, or refused with one sentence of bad data, within
/// memory that goes with its size.
/// </summary>
public sealed class ReaderFuzzTests : IDisposable
{
    private const int FilesPerReader = 400;
    private const int FixedAllowance = 1 << 20;
    private const int AllowancePerByte = 16;

    // What hostile text is made of.
    private static readonly string[] s_pieces =
    [
        "[", "]", "{", "}", ",", ":", "\"", "\\", "null", "true", "NaN", "-Infinity", "-1", "0", "1e999", "-1e999",
        "1.5", "9223372036854775808",
        "\"\\ud800\"", "\\ud800",
        "\\u0000", "\0", "\n", "\r\n", "\t", "\uFEFF", "é", "[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":{\"a\":",
        "/*", "//", "inf", "nan",
        "\"kind\":", "\"linear\"", "\"features\":", "\"steps\":", "success_rate", ";", "'", "\x1b[2J", "PK\x03\x04",
        "0x10", "1_000", "+1", " 1",
    ];

    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Readers =>
        ["agent", "state-dict", "layers", "transitions", "tasks", "family", "config", "metrics", "results", "report"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Readers))]
    public void WhateverAFileHoldsItIsReadOrRefused(string reader)
    {
        string path = _directory["input"];
        byte[] original = Original(reader), unsealed = WithoutChecksum(original);
        Random random = new(reader.Length);
        int refused = 0;
        Read(reader, path, original);
        Read(reader, path, unsealed);
        for (int number = 0; number < FilesPerReader * HostileOptions.Factor; number++)
        {
            byte[] bytes = Mutate(number % 2 == 0 ? unsealed : original, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Read(reader, path, bytes);
            }
            catch (InvalidDataException error)
            {
                refused++;
                Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
            }
            catch (Exception error)
            {
                Assert.Fail($"{reader}, file {number}: {error.GetType().Name}: {error.Message}");
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(
                allocated <= FixedAllowance + ((long)AllowancePerByte * bytes.Length),
                $"{reader}, file {number}: {allocated} bytes allocated for a file of {bytes.Length}.");
        }

        Assert.InRange(refused, FilesPerReader * HostileOptions.Factor / 4, FilesPerReader * HostileOptions.Factor);
    }

    private static void Read(string reader, string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        switch (reader)
        {
            case "agent":
                AgentFile.Load(path).Dispose();
                break;
            case "state-dict":
                AgentImport.Load(path, new TransitionShape(2, 1, 1)).Dispose();
                break;
            case "layers":
                AgentLayers.Read(path);
                break;
            case "transitions":
                using (TransitionFile file = TransitionFile.Open(path))
                {
                    file.ReadAll().Dispose();
                }

                break;
            case "tasks":
                TransitionFile.LoadTasks(path).Dispose();
                break;
            case "family":
                TaskFamilyJson.Read(path);
                break;
            case "config":
                OptionLayer<TrainingConfig>.Read(path);
                break;
            case "results":
            case "report":
                ResultFile.Read(path);
                break;
            default:
                MetricsLog.Load(path);
                break;
        }
    }

    private byte[] Original(string reader)
    {
        string path = _directory["original"];
        switch (reader)
        {
            case "agent":
                using (AgentNetworks agent = new(new TransitionShape(3, 2, 1), 3))
                {
                    AgentFile.Save(agent, path);
                }

                return File.ReadAllBytes(path);
            case "state-dict":
                SafetensorsWriter state = new();
                foreach (string critic in (string[])["critic.qf0", "critic.qf1"])
                {
                    state.Add<float>(critic + ".0.weight", new float[20], 5, 4);
                    state.Add<float>(critic + ".0.bias", new float[5], 5);
                    state.Add<float>(critic + ".1.weight", new float[5], 5);
                    state.Add<float>(critic + ".1.bias", new float[5], 5);
                    state.Add<float>(critic + ".3.weight", new float[5], 1, 5);
                    state.Add<float>(critic + ".3.bias", new float[1], 1);
                }

                state.Save(path);
                return File.ReadAllBytes(path);
            case "layers":
                return Encoding.UTF8.GetBytes(
                    """{"critics": [["a.0", "relu", "a.2"]], "actor": ["b + c"], "inputs": ["task", "observation[0]"],"""
                    + """ "log_std": [-5, 2], "log_std_rule": "tanh", "alpha": 1, "discrete": false, "ignore": []}""");
            case "transitions":
            case "tasks":
                TransitionShape shape = reader == "tasks" ? new(1, 1, 8) : new(3, 2, 1);
                using (TransitionBatch batch = new(shape, 32) { Count = 32 })
                {
                    // One flipped bit of such a number makes it none.
                    batch.Task.Fill(1.5f);
                    batch.Reward.Fill(1.5f);
                    TransitionFile.Save(path, batch, [.. Enumerable.Range(0, 32).Select(row => row / 8L)]);
                }

                return File.ReadAllBytes(path);
            case "family":
                return Encoding.UTF8.GetBytes(
                    """{"kind": "discrete", "achieved": [0, 1], "goals": [[0, 1], [2, 3.5]], "margin": 1, "reward": """
                    + """[-1, 0]}""");
            case "config":
                return Encoding.UTF8.GetBytes(OptionKeys<TrainingConfig>.ToJson(ShortRun.Config));
            case "results":
                return Encoding.UTF8.GetBytes(TemporaryResults.Results(("a", [1e-3, 2e-3]), ("b", [1.0])));
            case "report":
                return Encoding.UTF8.GetBytes(TemporaryResults.FullReport("A.B(Size: 3)", 120, 125.5));
            default:
                return Encoding.UTF8.GetBytes("env_steps,success_rate\n1000,0.25\n2000,nan\n3000,-inf\n");
        }
    }

    // A checksum has nearly every damaged file refused before anything else of it is looked at. Files of other programs
    // have none, and one of another kind is passed over.
    private static byte[] WithoutChecksum(byte[] original)
    {
        byte[] bytes = [.. original];
        int at = bytes.AsSpan().IndexOf("\"checksum\":\"crc32c:"u8);
        if (at >= 0)
        {
            "\"checksum\":\"unknown"u8.CopyTo(bytes.AsSpan(at));
        }

        return bytes;
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(bytes.Count + 1);
            switch (random.Next(7))
            {
                case 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 5 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 12), bytes.Count - at));
                    break;
                case 2:
                    // Where the numbers of a binary file lie.
                    for (int flip = random.Next(8); flip >= 0 && bytes.Count > 0; flip--)
                    {
                        bytes[^(1 + random.Next((bytes.Count + 1) / 2))] ^= (byte)(1 << random.Next(8));
                    }

                    break;
                case 3:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(
                        s_pieces[random.Next(s_pieces.Length)], random.Next(20) == 0 ? 5000 : 1))));
                    break;
                case 4:
                    byte[] noise = new byte[random.Next(1, 16)];
                    random.NextBytes(noise);
                    bytes.InsertRange(at, noise);
                    break;
                default:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(s_pieces[random.Next(s_pieces.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }
}
