using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>What a <see cref="Trainer"/> counts; one tensor of a checkpoint.</summary>
internal record struct TrainerCounters
{
    private const int Length = 7;

    /// <summary>Environment steps so far, over all copies.</summary>
    public long EnvSteps { get; set; }

    /// <summary>Vector steps so far: the number of the next call of the policy.</summary>
    public long VectorSteps { get; set; }

    /// <summary>Batches drawn so far: the number of the next draw.</summary>
    public long SampleCalls { get; set; }

    /// <summary>Evaluations so far.</summary>
    public long Evaluations { get; set; }

    /// <summary>Training episodes that have ended.</summary>
    public long TrainEpisodes { get; set; }

    /// <summary>The next minibatch of the pool in hand; the pool's number of them when it is used up.</summary>
    public long Minibatch { get; set; }

    /// <summary>Relabel calls so far: the number of the next one.</summary>
    public long RelabelCalls { get; set; }

    /// <summary>Adds them to a checkpoint.</summary>
    /// <param name="writer">The checkpoint.</param>
    /// <param name="name">Name of the tensor.</param>
    public readonly void SaveState(SafetensorsWriter writer, string name) => writer.Add<long>(
        name, [EnvSteps, VectorSteps, SampleCalls, Evaluations, TrainEpisodes, Minibatch, RelabelCalls], Length);

    /// <summary>Reads what <see cref="SaveState"/> wrote.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="name">Name of the tensor.</param>
    /// <returns>The counters, whatever their values.</returns>
    /// <exception cref="InvalidDataException">The tensor is missing or has another shape.</exception>
    public static TrainerCounters LoadState(SafetensorsFile file, string name)
    {
        Span<long> values = stackalloc long[Length];
        file.Require(name, TensorType.Int64, Length);
        file.Read(name, values);
        return new TrainerCounters
        {
            EnvSteps = values[0],
            VectorSteps = values[1],
            SampleCalls = values[2],
            Evaluations = values[3],
            TrainEpisodes = values[4],
            Minibatch = values[5],
            RelabelCalls = values[6],
        };
    }
}
