using HipiFast.Data;
using HipiFast.Import;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Cli.Relabel;

/// <summary>The files that <c>relabel</c> reads, and whether they fit each other.</summary>
internal sealed class RelabelInput : IDisposable
{
    private RelabelInput(
        TransitionReader transitions, SoftQTable? softQ, TaskTable? tasks, ImportedAgent? agent, TaskFamily family,
        TransitionShape shape)
    {
        SoftQ = softQ;
        Transitions = transitions;
        Tasks = tasks;
        Agent = agent;
        Family = family;
        Shape = shape;
    }

    /// <summary>The transitions.</summary>
    public TransitionReader Transitions { get; }

    /// <summary>Soft Q-values that were computed elsewhere, or null.</summary>
    public SoftQTable? SoftQ { get; }

    /// <summary>Candidate tasks, or null for those of the batch.</summary>
    public TaskTable? Tasks { get; }

    /// <summary>What judges, or null where nothing needs it.</summary>
    public ImportedAgent? Agent { get; }

    /// <summary>The task family; one without rewards where none was given.</summary>
    public TaskFamily Family { get; }

    /// <summary>Widths of the transitions, P from whichever file says it.</summary>
    public TransitionShape Shape { get; }

    /// <summary>Opens the files.</summary>
    /// <param name="request">Which.</param>
    /// <returns>The files, for the caller to dispose.</returns>
    /// <exception cref="InvalidDataException">A file is damaged, lacks what is needed, or does not fit another.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static RelabelInput Open(RelabelRequest request)
    {
        TransitionReader? transitions = null;
        SoftQTable? softQ = null;
        TaskTable? tasks = null;
        ImportedAgent? agent = null;
        try
        {
            transitions = DataInput.Open(request.Transitions, request.Columns);
            RequireParts(request, transitions);
            if (request.Agent is not null)
            {
                agent = AgentInput.LoadFor(
                    transitions, request.Agent, request.AgentFormat ?? AgentFormat.Auto, request.AgentLayers);
            }

            int known = transitions.TaskDimension > 0 ? transitions.TaskDimension : agent?.Shape.TaskDimension ?? -1;
            if (request.Tasks is not null)
            {
                tasks = DataInput.ReadTasks(request.Tasks, known);
                known = tasks.TaskDimension;
            }

            softQ = request.SoftQ is null ? null : DataInput.OpenSoftQ(request.SoftQ, transitions.Rows);
            RequireCandidates(softQ, tasks);
            TaskFamily? family = request.Family is null
                ? null
                : TaskFamilyJson.Read(request.Family, known > 0 ? transitions.Shape(known) : null);
            known = known > 0 ? known : family?.TaskDimension ?? throw NoTasks(
                transitions, "nothing else says how many entries a task has: give --family, --tasks or --agent");
            family?.CheckObservationDimension(transitions.ObservationDimension);
            return new RelabelInput(
                transitions, softQ, tasks, agent, family ?? TaskFamilies.None(known), transitions.Shape(known));
        }
        catch
        {
            agent?.Dispose();
            tasks?.Dispose();
            softQ?.Dispose();
            transitions?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Agent?.Dispose();
        Tasks?.Dispose();
        SoftQ?.Dispose();
        Transitions.Dispose();
    }

    private static void RequireCandidates(SoftQTable? softQ, TaskTable? tasks)
    {
        if (softQ is not null && tasks is not null && tasks.Tasks.Length / tasks.TaskDimension != softQ.Candidates)
        {
            throw new InvalidDataException(
                $"'{softQ.Path}' has soft Q-values under {softQ.Candidates} candidate tasks; --tasks has "
                + $"{tasks.Tasks.Length / tasks.TaskDimension}.");
        }
    }

    private static void RequireParts(RelabelRequest request, TransitionReader transitions)
    {
        if (request.Trajectories && !transitions.HasEpisodes)
        {
            throw new InvalidDataException(
                $"'{transitions.Path}' does not say which episode each transition belongs to; expected a column "
                + "'episode' [B] with --estimator return.");
        }

        if (request.IsByTask && transitions.DerivesNextStates)
        {
            throw new InvalidDataException(
                $"'{transitions.Path}' has no next observations of its own; expected them with --assign task, which "
                + "moves transitions.");
        }

        if (transitions.TaskDimension == 0 && request.NeedsCommandedTasks is string reason)
        {
            throw NoTasks(transitions, reason);
        }

        if (transitions.Format != DataInput.FormatOf(request.Out, transitions))
        {
            throw new ArgumentException(
                $"--out '{request.Out}' is named as a file of {DataInput.FormatOf(request.Out, transitions)}; results "
                + $"go into the format of the transitions, {transitions.Format}.");
        }

        if (request.DumpsLogPartition && !transitions.File.Format.HoldsExtras)
        {
            throw new ArgumentException(
                $"--dump log-partition is a column of its own length, which {transitions.Format} files cannot hold.");
        }
    }

    private static InvalidDataException NoTasks(TransitionReader transitions, string reason) =>
        new($"'{transitions.Path}' has no tasks (no column 'task'), and {reason}.");
}
