using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Relabeling;

/// <summary>
/// The middle of a relabel call on its own: of a soft-Q matrix, wherever it comes from, the partition
/// <c>logZ_i = log(1/B sum_j exp Q~[j, i])</c> and a draw of every row from
/// <c>q(psi_i | j) ~ p_i exp((Q~[j, i] - logZ_i) / T)</c> (the paper's Eqs. 6 and 8), or of every task from its column.
/// There are no transitions and no task family: what the numbers stand for is the caller's business.
/// </summary>
/// <remarks>
/// <para>Every row (by task: every column) draws; with the same Q~ and options, those are the draws that
/// <see cref="Relabeler"/> makes, from the same counters: of (<see cref="RelabelOptions.Seed"/>, <see cref="Call"/>,
/// row, task). Of the options are read <see cref="RelabelOptions.Assignment"/>,
/// <see cref="RelabelOptions.Partition"/>, <see cref="RelabelOptions.PartitionDecay"/>,
/// <see cref="RelabelOptions.Temperature"/>, <see cref="RelabelOptions.Seed"/> and
/// <see cref="RelabelOptions.Compute"/>.</para>
/// <para>Steady state allocates nothing; the matrix is read where it lies. One thread at a time; a second is refused
/// with an <see cref="InvalidOperationException"/>.</para>
/// </remarks>
public sealed class SoftQSampler : IDisposable
{
    private readonly ComputeSession _session;
    private readonly bool _ownsSession;
    private readonly RelabelOptions _options;
    private readonly RunningPartition? _running;
    private readonly PartitionSums _partition;
    private readonly NativeBuffer<float> _logNormalizer = new(0);
    private readonly ManagedBuffer<float> _logPartition = new(0);
    private readonly ManagedBuffer<int> _index = new(0);
    private readonly ManagedBuffer<int> _mode = new(0);
    private readonly ManagedBuffer<float> _entropy = new(0);
    private UseGuard _use;

    /// <summary>Makes a sampler with threads of its own.</summary>
    /// <param name="options">How to sample.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range; or no backend has that name, or the one named computes in another precision.
    /// </exception>
    /// <exception cref="NotSupportedException">The backend cannot run here.</exception>
    public SoftQSampler(RelabelOptions options)
        : this(options, null)
    {
    }

    /// <summary>Makes a sampler that shares a session, which is not disposed.</summary>
    /// <param name="session">Kernels and threads; used by one thread at a time.</param>
    /// <param name="options">As for the other constructor.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public SoftQSampler(ComputeSession session, RelabelOptions options)
        : this(options, session ?? throw new ArgumentNullException(nameof(session)))
    {
    }

    private SoftQSampler(RelabelOptions options, ComputeSession? session)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        session?.ThrowIfDisposed();
        _options = options;
        _ownsSession = session is null;
        _session = session ?? options.Compute.OpenSession();
        _partition = new PartitionSums(_session.LogPartition);
        _running = options.Partition == PartitionMode.Running ? new RunningPartition(options.PartitionDecay) : null;
    }

    /// <summary>The options it was made with.</summary>
    public RelabelOptions Options => _options;

    /// <summary>
    /// Number of the next call, the third word of every random counter; grows by one with each call that succeeds.
    /// </summary>
    public uint Call { get; set; }

    /// <summary>Draws.</summary>
    /// <param name="softQ">Q~ <c>[B, K]</c> row-major, in nats; not written.</param>
    /// <param name="rows">B, 1 or more.</param>
    /// <param name="candidates">
    /// K, 1 or more. A partition that is kept across batches (<see cref="PartitionMode.Running"/>) begins anew where it
    /// differs from the last call's.
    /// </param>
    /// <param name="logPrior">
    /// log p(psi) <c>[K]</c>, unnormalised; empty for a uniform prior. An entry of -inf excludes its task. By task it
    /// cancels and is not read.
    /// </param>
    /// <param name="posterior">
    /// By row: receives q(psi_i | j) <c>[B, K]</c>, whose rows sum to 1; empty where it is not wanted.
    /// </param>
    /// <returns>The draws.</returns>
    /// <exception cref="ArgumentException">A size is out of range or disagrees, or the prior is none.</exception>
    /// <exception cref="InvalidDataException">
    /// A NaN or infinity in Q~, or scores that overflow; the message names the first.
    /// </exception>
    /// <exception cref="InvalidOperationException">This sampler or its session is in use by another call.</exception>
    /// <exception cref="ObjectDisposedException">One of them has been disposed of.</exception>
    public SoftQSample Sample(
        ReadOnlySpan<float> softQ, int rows, int candidates, ReadOnlySpan<float> logPrior = default,
        Span<float> posterior = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(candidates, 1);
        using UseGuard.Scope use = _use.Enter(this), session = _session.Enter();
        RelabelChecks.RequireSoftQ(softQ, rows, candidates);
        if (!logPrior.IsEmpty)
        {
            RelabelChecks.RequirePrior(logPrior, candidates);
        }

        bool isByTask = _options.Assignment == Assignment.Task;
        RequirePosterior(posterior, rows, candidates, isByTask);
        int bad = FiniteCheck.IndexOfNonFinite(softQ);
        if (bad >= 0)
        {
            throw RelabelChecks.NotFiniteGiven(bad / candidates, bad % candidates, softQ[bad]);
        }

        SoftQSample sample = isByTask
            ? SampleRows(softQ, rows, candidates)
            : SampleTasks(softQ, rows, candidates, logPrior, posterior);

        // The call has succeeded.
        _running?.Commit();
        Call++;
        return sample;
    }

    /// <summary>Gives memory and, unless it is shared, the session back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way; nothing is given back.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        if (_ownsSession)
        {
            _session.Dispose();
        }

        _running?.Dispose();
        _partition.Dispose();
        _logNormalizer.Dispose();
        _logPartition.Dispose();
        _index.Dispose();
        _mode.Dispose();
        _entropy.Dispose();
    }

    private static void RequirePosterior(ReadOnlySpan<float> posterior, int rows, int candidates, bool isByTask)
    {
        if (!posterior.IsEmpty && (isByTask || posterior.Length != (long)rows * candidates))
        {
            throw new ArgumentException(
                isByTask
                    ? "There is no posterior over tasks where each task draws a transition; expected no room for one."
                    : $"The posterior has room for {posterior.Length} entries; expected {rows} transitions x "
                        + $"{candidates} candidate tasks = {(long)rows * candidates}, or none.",
                nameof(posterior));
        }
    }

    private SoftQSample SampleTasks(
        ReadOnlySpan<float> softQ, int rows, int candidates, ReadOnlySpan<float> logPrior, Span<float> posterior)
    {
        ReadOnlySpan<float> logPartition = Normalize(softQ, rows, candidates);
        _index.EnsureLength(rows);
        _mode.EnsureLength(rows);
        _entropy.EnsureLength(rows);
        _logNormalizer.EnsureLength(rows);
        TaskPosterior scores = Scores(softQ, rows, candidates) with
        {
            LogPartition = logPartition, LogPrior = logPrior,
        };
        TaskSamples samples = new()
        {
            Index = _index.Slice(0, rows),
            Mode = _mode.Slice(0, rows),
            Entropy = _entropy.Slice(0, rows),
            LogNormalizer = _logNormalizer.Slice(0, rows),
        };
        _session.TaskSampling.SampleTasks(scores, samples);
        RequireDrawn(samples.Index, "transition");
        if (!posterior.IsEmpty)
        {
            PosteriorRows.Write(scores, samples.Mode, posterior);
        }

        return new SoftQSample
        {
            Index = samples.Index,
            LogPartition = logPartition,
            Mode = samples.Mode,
            Entropy = samples.Entropy,
        };
    }

    private SoftQSample SampleRows(ReadOnlySpan<float> softQ, int rows, int candidates)
    {
        _index.EnsureLength(candidates);
        Span<int> index = _index.Slice(0, candidates);
        _session.TaskSampling.SampleRows(Scores(softQ, rows, candidates), index);
        RequireDrawn(index, "task");
        return new SoftQSample { Index = index, LogPartition = default, Mode = default, Entropy = default };
    }

    private void RequireDrawn(ReadOnlySpan<int> index, string what)
    {
        int missing = index.IndexOf(-1);
        if (missing >= 0)
        {
            throw RelabelChecks.NotSampled(what, missing, _options.Temperature);
        }
    }

    private ReadOnlySpan<float> Normalize(ReadOnlySpan<float> softQ, int rows, int candidates)
    {
        if (_options.Partition == PartitionMode.None)
        {
            return default;
        }

        _logPartition.EnsureLength(candidates);
        Span<float> logPartition = _logPartition.Slice(0, candidates);
        _partition.Begin(candidates, _running);
        _partition.Add(softQ, rows);
        _partition.Finish(rows, logPartition);
        return logPartition;
    }

    private TaskPosterior Scores(ReadOnlySpan<float> softQ, int rows, int candidates) => new()
    {
        SoftQ = softQ,
        Rows = rows,
        Candidates = candidates,
        Temperature = _options.Temperature,
        Seed = _options.Seed,
        Call = Call,
    };
}
