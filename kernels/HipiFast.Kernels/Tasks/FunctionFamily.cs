using System.Runtime.InteropServices;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Tasks;

/// <summary>
/// Pairs of transitions and tasks for a function of another language to judge, <c>hipifast_pairs</c>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FunctionPairs
{
    /// <summary>R transitions.</summary>
    public long Rows;

    /// <summary>K tasks, each for every transition; 0 where every transition has one of its own.</summary>
    public long Tasks;

    /// <summary>S.</summary>
    public int ObservationDimension;

    /// <summary>A.</summary>
    public int ActionDimension;

    /// <summary>P.</summary>
    public int TaskDimension;

    private readonly int _reserved;

    /// <summary>s <c>[R, S]</c>.</summary>
    public float* Observation;

    /// <summary>a <c>[R, A]</c>.</summary>
    public float* Action;

    /// <summary>s' <c>[R, S]</c>.</summary>
    public float* NextObservation;

    /// <summary><c>[K, P]</c>, or <c>[R, P]</c>.</summary>
    public float* Task;

    /// <summary>Receives the rewards <c>[R, K]</c>, or <c>[R]</c>.</summary>
    public float* Reward;

    /// <summary>Receives 1 where the task ends with the transition, else 0, <c>[R, K]</c>, or <c>[R]</c>.</summary>
    public byte* Terminated;
}

/// <summary>A function of another language that judges transitions has failed.</summary>
/// <param name="message">One sentence.</param>
internal sealed class FunctionFailedException(string message) : Exception(message);

/// <summary>
/// A task family that functions of another language judge, a block of pairs at a time. Their addresses are called from
/// several threads at once.
/// </summary>
internal sealed unsafe class FunctionFamily : TaskFamily
{
    [ThreadStatic]
    private static NativeBuffer<float>? s_reward;

    [ThreadStatic]
    private static NativeBuffer<byte>? s_terminated;

    private readonly void* _context;
    private readonly delegate* unmanaged[Cdecl]<void*, FunctionPairs*, int> _judge;
    private readonly delegate* unmanaged[Cdecl]<void*, float*, float*, long, int, float*, int> _achieved;

    /// <summary>Makes the family.</summary>
    /// <param name="taskDimension">P, 1 or more.</param>
    /// <param name="context">Handed to the functions.</param>
    /// <param name="judge">Reward and termination of pairs; returns 0 for success.</param>
    /// <param name="achieved">
    /// The tasks that states achieve: of states <c>[R, S]</c> and commanded tasks <c>[R, P]</c>, R and S, into
    /// <c>[R, P]</c>, apart from the commanded ones; returns 0 for success. Null where states achieve none.
    /// </param>
    public FunctionFamily(
        int taskDimension, void* context, delegate* unmanaged[Cdecl]<void*, FunctionPairs*, int> judge,
        delegate* unmanaged[Cdecl]<void*, float*, float*, long, int, float*, int> achieved)
    {
        TaskDimension = taskDimension;
        _context = context;
        _judge = judge;
        _achieved = achieved;
    }

    /// <inheritdoc/>
    public override int TaskDimension { get; }

    /// <inheritdoc/>
    public override bool HasAchievedTask => _achieved != null;

    /// <inheritdoc/>
    public override bool IsLinear => false;

    /// <inheritdoc/>
    public override int RequiredObservationDimension => 0;

    /// <inheritdoc/>
    internal override void EvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, float* reward, float* terminated, int stride)
    {
        int rows = transitions.Rows;
        long pairs = (long)rows * taskCount;
        NativeBuffer<byte> flags = Grown(ref s_terminated, pairs);
        bool isDense = stride == taskCount || rows <= 1;
        float* target = isDense ? reward : Grown(ref s_reward, pairs).Pointer;
        Judge(transitions, tasks, taskCount, target, flags.Pointer);
        for (int row = 0; row < rows; row++)
        {
            byte* from = flags.Pointer + ((long)row * taskCount);
            float* to = terminated + ((long)row * stride);
            for (int k = 0; k < taskCount; k++)
            {
                to[k] = from[k] == 0 ? 0f : 1f;
            }

            if (!isDense)
            {
                new ReadOnlySpan<float>(target + ((long)row * taskCount), taskCount).CopyTo(
                    new Span<float>(reward + ((long)row * stride), taskCount));
            }
        }
    }

    /// <inheritdoc/>
    internal override void EvaluateRows(
        in TransitionPointers transitions, float* tasks, float* reward, byte* terminated)
    {
        Judge(transitions, tasks, 0, reward, terminated);
        foreach (ref byte flag in new Span<byte>(terminated, transitions.Rows))
        {
            flag = flag == 0 ? (byte)0 : (byte)1;
        }
    }

    /// <inheritdoc/>
    internal override void AchievedTasks(
        float* observations, float* commanded, int rows, int observationDimension, float* tasks)
    {
        if (_achieved == null)
        {
            throw new InvalidOperationException(
                "The task family has no function from states to tasks, so reached states cannot serve as tasks.");
        }

        // Apart, because the result may overwrite the commanded tasks.
        NativeBuffer<float> result = Grown(ref s_reward, (long)rows * TaskDimension);
        Require(_achieved(_context, observations, commanded, rows, observationDimension, result.Pointer), "achieved");
        result.Slice(0, rows * TaskDimension).CopyTo(new Span<float>(tasks, rows * TaskDimension));
    }

    /// <inheritdoc/>
    internal override void AddFeatures(in TransitionPointers transitions, double* sum) =>
        throw new InvalidOperationException("The rewards of a family of functions are not known to be linear.");

    /// <inheritdoc/>
    internal override TResult Accept<TVisitor, TResult>(ref TVisitor visitor) =>
        throw new NotSupportedException("A task family of functions runs on the processor alone.");

    private void Judge(in TransitionPointers transitions, float* tasks, int taskCount, float* reward, byte* terminated)
    {
        FunctionPairs pairs = new()
        {
            Rows = transitions.Rows,
            Tasks = taskCount,
            ObservationDimension = transitions.ObservationDimension,
            ActionDimension = transitions.ActionDimension,
            TaskDimension = TaskDimension,
            Observation = (float*)transitions.Observation,
            Action = (float*)transitions.Action,
            NextObservation = (float*)transitions.NextObservation,
            Task = tasks,
            Reward = reward,
            Terminated = terminated,
        };
        Require(_judge(_context, &pairs), "judge");
    }

    private static void Require(int status, string function)
    {
        if (status != 0)
        {
            throw new FunctionFailedException(
                $"The task family's function '{function}' returned {status}; expected 0.");
        }
    }

    private static NativeBuffer<T> Grown<T>(ref NativeBuffer<T>? buffer, long length)
        where T : unmanaged
    {
        buffer ??= new NativeBuffer<T>(0);
        buffer.EnsureLength(length);
        return buffer;
    }
}
