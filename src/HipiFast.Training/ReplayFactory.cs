using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Replay;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Training;

/// <summary>Chooses where the transitions of a run lie. Nothing else in a run knows.</summary>
internal static class ReplayFactory
{
    /// <summary>Throws where a replay in a device's memory cannot do what a configuration asks for.</summary>
    /// <param name="config">The configuration.</param>
    /// <exception cref="ArgumentException">One sentence with what was found and expected.</exception>
    public static void Validate(TrainingConfig config)
    {
        RelabelOptions relabeling = config.Relabeling;
        if (config.Run.Replay == ReplayPlace.Device && relabeling is not
            {
                Strategy: RelabelStrategy.InverseRl, Assignment: Assignment.Row,
                Partition: PartitionMode.Batch or PartitionMode.None, Groups: false,
            })
        {
            throw new ArgumentException(
                "replay (--replay) is 'device', where batches are relabeled by inverse-rl with assign row, partition "
                + "batch or none, and group-rows 0; "
                + $"found relabel {OptionNames.Kebab(relabeling.Strategy)}, assign "
                + $"{OptionNames.Kebab(relabeling.Assignment)}, "
                + $"partition {OptionNames.Kebab(relabeling.Partition)}, group-rows {relabeling.GroupRows}.");
        }
    }

    /// <summary>Makes the replay of a run.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shape">Widths of the environment's vectors.</param>
    /// <param name="session">The session that relabels; it must outlive the replay.</param>
    /// <returns>The replay, empty; for the caller to dispose.</returns>
    /// <exception cref="ArgumentException">
    /// The session has no memory for transitions, and the configuration asks for it.
    /// </exception>
    public static IReplay Create(TrainingConfig config, TransitionShape shape, ComputeSession session)
    {
        ReplayBuffer buffer = new(shape, config.Run.ReplayCapacity, config.EnvironmentCopies);
        if (config.Run.Replay == ReplayPlace.Host)
        {
            return buffer;
        }

        try
        {
            TransitionMemory memory = session.Transitions ?? throw new ArgumentException(
                $"replay (--replay) is 'device', but the backend '{session.Backend.Name}' (--backend) computes on the "
                + "processor; "
                + "expected cuda or ilgpu.");
            return new ResidentReplay(memory, buffer);
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }
}
