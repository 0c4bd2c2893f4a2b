using System.Diagnostics;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Results;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Peaks;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Replay;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Devices;

/// <summary>What <c>bench gpu</c> measures.</summary>
internal sealed record DeviceBenchmarkSelection
{
    /// <summary>B = K.</summary>
    public required IReadOnlyList<int> Sizes { get; init; }

    /// <summary>H.</summary>
    public required IReadOnlyList<int> Hidden { get; init; }

    /// <summary>Estimators.</summary>
    public required IReadOnlyList<SoftQEstimator> Estimators { get; init; }

    /// <summary>Seconds spent on each case, at the least one call of each kind.</summary>
    public required double Seconds { get; init; }

    /// <summary>Cases whose calls would take longer at the measured peak are left out.</summary>
    public required double LongestCallSeconds { get; init; }

    /// <summary>Iterations of the multiply-add peak's kernel.</summary>
    public required int PeakIterations { get; init; }

    /// <summary>Transitions in the ring that batches are drawn from.</summary>
    public required int ReplayCount { get; init; }

    /// <summary>Bytes of the array that the memory peak's kernel copies.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>Every size that a GPU is quoted at.</summary>
    public static DeviceBenchmarkSelection Full { get; } = new()
    {
        Sizes = [32, 128, 256, 1024, 4096, 16384],
        Hidden = [64, 256, 1024],
        Estimators = Enum.GetValues<SoftQEstimator>(),
        Seconds = 1,
        LongestCallSeconds = 5,
        ReplayCount = 1_000_000,
        PeakIterations = 1 << 16,
        PeakBytes = 1L << 30,
    };

    /// <summary>Small enough for ILGPU's CPU accelerator: that everything runs, not how fast.</summary>
    public static DeviceBenchmarkSelection Quick { get; } = Full with
    {
        Sizes = [32, 48],
        Hidden = [32],
        Seconds = 0.05,
        LongestCallSeconds = double.PositiveInfinity,
        ReplayCount = 1000,
        PeakIterations = 16,
        PeakBytes = 1 << 16,
    };
}

/// <summary>One case of <c>bench gpu</c>, in seconds; NaN where a figure does not apply.</summary>
/// <param name="Case">What was called.</param>
/// <param name="Plain">Wall time of a call with plain launches.</param>
/// <param name="Graph">Wall time of a call replayed as a graph.</param>
/// <param name="Resident">
/// Wall time of a call on a batch that is on the device already, as a graph where there are any.
/// </param>
/// <param name="Operations">Device time of a call by kernel and by kind of copy.</param>
internal sealed record DeviceBenchmarkResult(
    BenchmarkCase Case, double Plain, double Graph, double Resident, IReadOnlyDictionary<string, double> Operations)
{
    // What the names of the kernels that work on pairs begin with, in either precision.
    private const string SoftQKernels = "soft-q-";

    /// <summary>Wall time of the faster way, the batch brought along.</summary>
    public double Best => Graph < Plain ? Graph : Plain;

    /// <summary>Device time of copies to the device.</summary>
    public double Upload => Operations.GetValueOrDefault(TimedRuntime.Uploads);

    /// <summary>Device time of copies from the device.</summary>
    public double Download => Operations.GetValueOrDefault(TimedRuntime.Downloads);

    /// <summary>Device time of all kernels.</summary>
    public double Kernels => Operations.Where(entry => !IsCopy(entry.Key)).Sum(entry => entry.Value);

    /// <summary>Pairs of a transition and a task per second of wall time.</summary>
    public double PairsPerSecond => (double)Case.Batch * Case.Candidates / Best;

    /// <summary>Operations of the second layers per second of the kernels that do them.</summary>
    public double SoftQFlops =>
        Case.Flops / Operations.Where(
            entry => entry.Key.StartsWith(SoftQKernels, StringComparison.Ordinal)).Sum(entry => entry.Value);

    /// <summary>Whether a name of <see cref="Operations"/> is a kind of copy.</summary>
    public static bool IsCopy(string name) =>
        name is TimedRuntime.Uploads or TimedRuntime.Downloads or TimedRuntime.Copies;
}

/// <summary>Batches of a ring of transitions on the device, in seconds of device time.</summary>
/// <param name="Rows">B.</param>
/// <param name="Draw">Drawing.</param>
/// <param name="Gather">Gathering.</param>
/// <param name="Bytes">Bytes that a gather reads and writes.</param>
internal readonly record struct DeviceReplayResult(int Rows, double Draw, double Gather, double Bytes);

/// <summary>Times whole relabel calls on a device, and every kernel in them.</summary>
internal sealed class DeviceBenchmark(KernelBackend backend, string? device, DeviceBenchmarkSelection selection)
{
    // Calls whose launches are timed one by one.
    private const int TimedCalls = 5;
    private const int LeastCalls = 3;

    // Transitions appended to the ring at a time.
    private const int ReplayAppend = 1 << 14;
    private const int PeakRepeats = 5;

    /// <summary>The device's peaks.</summary>
    public DevicePeaks Peaks { get; private set; }

    /// <summary>What its kernels take of it.</summary>
    public SortedDictionary<string, KernelResources> Resources { get; } = new(StringComparer.Ordinal);

    /// <summary>Cases that were left out, and why.</summary>
    public List<string> LeftOut { get; } = [];

    /// <summary>Measures the peaks, then every case.</summary>
    /// <returns>The results, one after another as they come.</returns>
    public IEnumerable<DeviceBenchmarkResult> Run()
    {
        using (DeviceRuntime runtime = DeviceBackend.Of(backend).CreateRuntime(device))
        {
            Peaks = DevicePeaks.Measure(
                runtime, selection.PeakIterations, selection.PeakBytes, PeakRepeats, backend.Precision);
        }

        foreach (SoftQEstimator estimator in selection.Estimators)
        {
            foreach (int hidden in selection.Hidden)
            {
                foreach (int size in selection.Sizes)
                {
                    BenchmarkCase benchmark = new(
                        BenchmarkCase.Relabel, BenchmarkCase.PeerShape, size, size, hidden, estimator);
                    if (benchmark.Flops / Peaks.Flops > selection.LongestCallSeconds)
                    {
                        LeftOut.Add(
                            $"{benchmark.EstimatorName}, B = K = {size}, H = {hidden}: "
                            + $"a call takes {NumberText.Fixed(benchmark.Flops / Peaks.Flops, 1)} s at the device's "
                            + "peak.");
                        continue;
                    }

                    DeviceBenchmarkResult? result = TryMeasure(benchmark);
                    if (result is not null)
                    {
                        yield return result;
                    }
                }
            }
        }
    }

    /// <summary>Times batches of a ring of transitions that lies on the device.</summary>
    /// <returns>The results, one for each size.</returns>
    public IReadOnlyList<DeviceReplayResult> RunReplay()
    {
        TransitionShape shape = BenchmarkCase.PeerShape;
        using TimedRuntime runtime = new(DeviceBackend.Of(backend).CreateRuntime(device));
        using DeviceLauncher launcher = new(runtime);
        using DeviceReplay replay = new(launcher, TransitionBatch.Forms(shape), selection.ReplayCount);
        using TransitionBatch data = BenchmarkData.Batch(shape, Math.Min(selection.ReplayCount, ReplayAppend));
        while (replay.Count < replay.Capacity)
        {
            replay.Append(data.Stored, data.Count);
        }

        List<DeviceReplayResult> results = [];
        uint call = 0;
        foreach (int rows in selection.Sizes)
        {
            runtime.IsTiming = false;
            replay.Sample(rows, BenchmarkData.Seed, call++);
            runtime.IsTiming = true;
            for (int i = 0; i < TimedCalls; i++)
            {
                replay.Sample(rows, BenchmarkData.Seed, call++);
            }

            Dictionary<string, double> seconds = runtime.Collect();
            double bytes = 2.0 * rows * sizeof(int) * replay.RecordWords;
            results.Add(new DeviceReplayResult(
                rows, seconds[DeviceKernelNames.ReplaySample] / TimedCalls,
                seconds[DeviceKernelNames.ReplayGather] / TimedCalls, bytes));
        }

        foreach (DeviceKernel kernel in runtime.Kernels)
        {
            Resources[kernel.Name] = kernel.Resources;
        }

        return results;
    }

    private DeviceBenchmarkResult? TryMeasure(BenchmarkCase benchmark)
    {
        try
        {
            return Measure(benchmark);
        }
        catch (Exception error) when (error is DeviceOutOfMemoryException or InvalidDataException)
        {
            // Too large, or refused because the device computed nonsense.
            LeftOut.Add(
                $"{benchmark.EstimatorName}, B = K = {benchmark.Batch}, H = {benchmark.Hidden}: {error.Message}");
            return null;
        }
    }

    private DeviceBenchmarkResult Measure(BenchmarkCase benchmark)
    {
        TimedRuntime runtime = new(DeviceBackend.Of(backend).CreateRuntime(device)) { AllowsCapture = false };
        using ComputeSession session = DeviceSession.Create(backend, runtime, new SessionOptions(Device: device));
        using AgentNetworks agent = new(benchmark.Shape, benchmark.Hidden);
        agent.Initialize(BenchmarkData.Seed);
        using TransitionBatch batch = BenchmarkData.Batch(benchmark.Shape, benchmark.Batch);
        RelabelOptions options = new()
        {
            Candidates = CandidateSource.Fixed,
            Estimator = benchmark.Estimator,
            RelabelFraction = 1,
        };
        using Relabeler relabeler = new(session, BenchmarkData.GoalFamily(benchmark.Shape), agent, options);
        relabeler.SetFixedCandidates(BenchmarkData.Tasks(benchmark.Shape, benchmark.Candidates));
        double plain = MedianSeconds(() => relabeler.Relabel(batch)), graph = double.NaN;
        runtime.AllowsCapture = true;
        if (runtime.CanCapture)
        {
            graph = MedianSeconds(() => relabeler.Relabel(batch));
        }

        runtime.IsTiming = true;
        relabeler.Relabel(batch);
        runtime.Collect();
        for (int i = 0; i < TimedCalls; i++)
        {
            relabeler.Relabel(batch);
        }

        Dictionary<string, double> operations = runtime.Collect();
        foreach (DeviceKernel kernel in runtime.Kernels)
        {
            Resources[kernel.Name] = kernel.Resources;
        }

        runtime.IsTiming = false;
        double resident = MeasureResident(relabeler, session.Transitions!, batch);
        return new DeviceBenchmarkResult(
            benchmark, plain, graph, resident,
            operations.ToDictionary(entry => entry.Key, entry => entry.Value / TimedCalls));
    }

    // The same call on as many transitions of a ring on the device, drawn once: the draw is quoted apart.
    private double MeasureResident(Relabeler relabeler, TransitionMemory memory, TransitionBatch data)
    {
        ReplayBuffer buffer = new(data.Shape, data.Count);
        buffer.AppendEpisode(data);
        using ResidentReplay replay = new(memory, buffer);
        using ITransitionBatch batch = replay.CreateBatch(data.Count);
        replay.Sample(batch, data.Count, BenchmarkData.Seed, 0);
        return MedianSeconds(() => relabeler.Relabel(batch));
    }

    // The first calls compile, allocate and capture.
    private double MedianSeconds(Action call)
    {
        call();
        call();
        List<double> seconds = [];
        long begin = Stopwatch.GetTimestamp();
        do
        {
            long start = Stopwatch.GetTimestamp();
            call();
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (seconds.Count < LeastCalls || Stopwatch.GetElapsedTime(begin).TotalSeconds < selection.Seconds);
        return Medians.Of(seconds);
    }
}
