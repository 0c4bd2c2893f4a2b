using System.Globalization;
using HipiFast.Data;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Formats.Tests;

/// <summary>
/// Damaged files through every reader: each is read, or refused with one sentence of bad data, in bounded time and
/// memory.
/// <c>HIPIFAST_HOSTILE=N</c> makes N times as many files.
/// </summary>
public sealed class FormatFuzzTests : IDisposable
{
    private const int FilesPerReader = 150;
    // What stays in memory of what readers ask for: a count that is believed may be as large as an array can be, and is
    // never touched.
    private const long ResidentAllowance = 512 << 20;
    private const long AllocatedAllowance = 4L << 30;
    private const int MostRows = 1 << 16;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory = new();

    public FormatFuzzTests() => Registration.Register();

    public static TheoryData<string> Files =>
        ["twin.safetensors", "small-types.npz", "ogbench.npz", "minari.hdf5", "d4rl.hdf5", "lerobot.parquet"];

    private static int Factor => int.TryParse(
        Environment.GetEnvironmentVariable("HIPIFAST_HOSTILE"), NumberStyles.None, CultureInfo.InvariantCulture,
        out int factor)
        ? Math.Max(1, factor)
        : 1;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Files))]
    public void WhateverAFileHoldsItIsReadOrRefused(string name)
    {
        byte[] original = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", name));
        string path = _directory["input" + Path.GetExtension(name)];
        Random random = new(name.Length);
        int refused = 0, files = FilesPerReader * Factor;
        Read(path, original);
        long resident = Environment.WorkingSet;
        for (int number = 0; number < files; number++)
        {
            byte[] bytes = Mutate(original, random);
            long allocated = 0;

            // In a thread of its own, so that one that never ends is told from one that is slow.
            Exception? error = null;
            Thread thread = new(() =>
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                error = Record.Exception(() => Read(path, bytes));
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }) { IsBackground = true };
            thread.Start();
            if (!thread.Join(s_patience) || (error is not null and not InvalidDataException)
                || allocated > AllocatedAllowance)
            {
                string kept = Path.Combine(Path.GetTempPath(), $"hipifast-fuzz-{number}{Path.GetExtension(name)}");
                File.WriteAllBytes(kept, bytes);
                Assert.Fail(
                    thread.IsAlive ? $"{name}, file {number} ({kept}): does not end."
                    : $"{name}, file {number} ({kept}): {allocated} bytes allocated for {bytes.Length}; {error}");
            }

            if (error is not null)
            {
                refused++;
                Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
                Assert.Contains(path, error.Message, StringComparison.Ordinal);
            }
        }

        Assert.InRange(refused, files / 20, files);
        Assert.InRange(Environment.WorkingSet - resident, long.MinValue, ResidentAllowance);
    }

    private static void Read(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        using TransitionReader reader = TransitionReader.Open(path);
        if (reader.ObservationDimension > MostRows || reader.TaskDimension > MostRows || reader.ActionDimension > MostRows)
        {
            return;
        }

        using TransitionBatch batch = new(reader.Shape(), (int)Math.Min(reader.Rows, 64));
        for (long first = 0; first < Math.Min(reader.Rows, MostRows); first += batch.Capacity)
        {
            reader.Read(batch, first, (int)Math.Min(batch.Capacity, reader.Rows - first));
        }
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(bytes.Count + 1), span = Math.Min(random.Next(1, 12), bytes.Count - at);
            switch (random.Next(8))
            {
                case 0 when random.Next(4) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 1:
                    bytes.RemoveRange(at, span);
                    break;
                case 2:
                    byte[] noise = new byte[random.Next(1, 16)];
                    random.NextBytes(noise);
                    bytes.InsertRange(at, noise);
                    break;
                case 3:
                    // Where counts and offsets are, these are the largest and the smallest.
                    for (int i = 0; i < span; i++)
                    {
                        bytes[at + i] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    }

                    break;
                case 4:
                    // An offset from elsewhere.
                    for (int i = 0, from = random.Next(bytes.Count - span + 1); i < span; i++)
                    {
                        bytes[at + i] = bytes[from + i];
                    }

                    break;
                default:
                    for (int flip = random.Next(4); flip >= 0 && bytes.Count > 0; flip--)
                    {
                        // Headers lie at the start and at the end.
                        int place = random.Next(3) switch
                        {
                            0 => random.Next(Math.Min(bytes.Count, 1024)),
                            1 => bytes.Count - 1 - random.Next(Math.Min(bytes.Count, 1024)),
                            _ => random.Next(bytes.Count),
                        };
                        bytes[place] ^= (byte)(1 << random.Next(8));
                    }

                    break;
            }
        }

        return [.. bytes];
    }
}
