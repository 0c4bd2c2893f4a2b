using HipiFast.Relabeling;

namespace HipiFast.Cli.Relabel;

/// <summary>
/// The diagnostics of all batches of a file: means over rows, and the extremes of logZ. NaN where a number does not
/// apply.
/// </summary>
internal sealed class RelabelTally
{
    private double _rows;
    private double _relabeled;
    private double _inferredRows;
    private double _entropy;
    private double _commandedIsMode;

    /// <summary>Share of the rows that were relabeled.</summary>
    public double RelabeledShare => _relabeled / _rows;

    /// <summary>Mean entropy of the posteriors, in nats, over the batches that have one.</summary>
    public double PosteriorEntropy => _entropy / _inferredRows;

    /// <summary>exp(<see cref="PosteriorEntropy"/>).</summary>
    public double EffectiveTasks => Math.Exp(PosteriorEntropy);

    /// <summary>
    /// Share of the rows whose commanded task is the most likely, over the batches that have a posterior.
    /// </summary>
    public double CommandedIsMode => _commandedIsMode / _inferredRows;

    /// <summary>Smallest logZ of any batch, in nats.</summary>
    public double LogPartitionMin { get; private set; } = double.NaN;

    /// <summary>Largest logZ of any batch, in nats.</summary>
    public double LogPartitionMax { get; private set; } = double.NaN;

    /// <summary>Adds a batch.</summary>
    /// <param name="diagnostics">What the relabeler said of it.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="hasCommanded">Whether its rows had tasks before.</param>
    public void Add(in RelabelDiagnostics diagnostics, int rows, bool hasCommanded)
    {
        _rows += rows;
        _relabeled += (double)diagnostics.RelabeledShare * rows;
        if (!float.IsNaN(diagnostics.PosteriorEntropy))
        {
            _inferredRows += rows;
            _entropy += (double)diagnostics.PosteriorEntropy * rows;
            _commandedIsMode += hasCommanded ? (double)diagnostics.CommandedIsMode * rows : double.NaN;
        }

        // The Number variants prefer a number to NaN, which is what a batch without a partition has.
        LogPartitionMin = double.MinNumber(LogPartitionMin, diagnostics.LogPartitionMin);
        LogPartitionMax = double.MaxNumber(LogPartitionMax, diagnostics.LogPartitionMax);
    }
}
