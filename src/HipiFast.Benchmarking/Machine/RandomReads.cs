using System.Diagnostics;
using System.Runtime.CompilerServices;
using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;

namespace HipiFast.Benchmarking.Machine;

/// <summary>
/// The rate at which one thread touches random cache lines of a ring of records: what a random sample of them waits for
/// at the least.
/// </summary>
internal sealed unsafe class RandomReads : IDisposable
{
    private const int LineBytes = 64;
    private const int ReadsPerPass = 1 << 12;

    // The first passes find the caches as other work has left them.
    private const int WarmPasses = 128;
    private const int Passes = 256;

    private readonly NativeBuffer<byte> _records;
    private readonly int[] _slots = new int[ReadsPerPass];
    private readonly int _count;
    private uint _pass;
    private int _sink;

    /// <summary>Takes the records and touches all of them.</summary>
    /// <param name="count">Records, of a cache line each.</param>
    public RandomReads(int count)
    {
        _count = count;
        _records = new NativeBuffer<byte>((long)count * LineBytes);
        _records.Span.Fill(1);
    }

    /// <summary>Touches records, at places drawn before, again and again.</summary>
    /// <returns>Records per second.</returns>
    public double Burst()
    {
        long ticks = 0;
        for (int pass = 0; pass < Passes; pass++)
        {
            UniformIndex.Fill(_slots, (uint)_count, BenchmarkData.Seed, _pass++, RandomPurpose.SyntheticData);
            long start = Stopwatch.GetTimestamp();
            Volatile.Write(ref _sink, Touch(_records.Pointer, _slots));
            ticks += pass < WarmPasses ? 0 : Stopwatch.GetTimestamp() - start;
        }

        return (double)ReadsPerPass * (Passes - WarmPasses) * Stopwatch.Frequency / ticks;
    }

    /// <inheritdoc/>
    public void Dispose() => _records.Dispose();

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Touch(byte* records, ReadOnlySpan<int> slots)
    {
        int sum = 0;
        foreach (int slot in slots)
        {
            sum += *(int*)(records + ((nint)slot * LineBytes));
        }

        return sum;
    }
}
