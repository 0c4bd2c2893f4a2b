using System.Text.Json;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Numerics;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Machine;

/// <summary>A peak of this machine: a backend's multiply-adds, or memory.</summary>
/// <param name="Kernel">
/// <c>multiply-add</c>, <c>memory-read</c> or <c>memory-update</c> (read and written back).
/// </param>
/// <param name="Backend">Whose multiply-adds; null for memory.</param>
/// <param name="Threads">Threads at once.</param>
/// <param name="Rate">GFLOP/s, or bytes per second.</param>
internal sealed record MachinePeak(string Kernel, KernelBackend? Backend, int Threads, Spread Rate)
{
    private const int Bursts = 15;

    /// <summary>The multiply-adds of some backends, and memory; bursts of all take turns.</summary>
    public static IEnumerable<MachinePeak> Measure(
        BenchmarkTimer timer, IEnumerable<KernelBackend> backends, int threads)
    {
        MemoryBandwidth memory = timer.MemoryOf(threads);
        List<(string Kernel, KernelBackend? Backend, Func<double> Burst)> peaks = [];
        foreach (KernelBackend backend in backends)
        {
            if (backend.MultiplyAddLoop is IMultiplyAddLoop loop)
            {
                peaks.Add(
                    ("multiply-add", backend, () => timer.PeakOf(loop, threads).Burst(BenchmarkTimer.ShortestBurst)));
            }
        }

        peaks.Add(("memory-read", null, memory.Read));
        peaks.Add(("memory-update", null, memory.Update));
        double[][] rates = [.. peaks.Select(_ => new double[Bursts])];
        for (int burst = 0; burst < Bursts; burst++)
        {
            for (int peak = 0; peak < rates.Length; peak++)
            {
                rates[peak][burst] = peaks[peak].Burst();
            }
        }

        return peaks.Select(
            (peak, index) => new MachinePeak(peak.Kernel, peak.Backend, threads, Spread.Of(rates[index])));
    }

    /// <summary>One row of <c>--json</c>.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("kernel", Kernel);
        if (Backend is not null)
        {
            writer.WriteString("variant", Backend.Name);
            writer.WriteString("precision", Backend.Precision.ToString().ToLowerInvariant());
        }

        string unit = Backend is null ? "bytes_per_s" : "peak_gflops";
        writer.WriteNumber("threads", Threads);
        writer.WriteNumber(unit, Rate.Median);
        writer.WriteNumber(unit + "_min", Rate.Low);
        writer.WriteNumber(unit + "_max", Rate.High);
        writer.WriteEndObject();
    }

    /// <summary>Cells of a table.</summary>
    public IReadOnlyList<string> Cells()
    {
        (double scale, string unit) = Backend is null ? (1e-9, "GB/s") : (1, "GFLOP/s");
        return
        [
            Kernel,
            Backend?.Name ?? string.Empty,
            $"{Threads}",
            $"{Show(Rate.Median)} {unit} ({Show(Rate.Low)}-{Show(Rate.High)})",
        ];

        string Show(double rate) => NumberText.Fixed(rate * scale, Backend is null ? 1 : 0);
    }
}
