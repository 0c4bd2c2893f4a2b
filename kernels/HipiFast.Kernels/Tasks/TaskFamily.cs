using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A task family ready for use: loops over blocks of transitions and tasks, specialised for the struct that defines the
/// family.
/// </summary>
/// <remarks>Immutable and safe to use from several threads.</remarks>
public abstract unsafe class TaskFamily
{
    private protected TaskFamily()
    {
    }

    /// <summary>P, the entries of a task vector.</summary>
    public abstract int TaskDimension { get; }

    /// <summary>Whether a state tells which task it achieves (goal families).</summary>
    public abstract bool HasAchievedTask { get; }

    /// <summary>Whether rewards are linear in features (<see cref="ILinearTaskFamily"/>).</summary>
    public abstract bool IsLinear { get; }

    /// <summary>Makes a family of a struct.</summary>
    /// <typeparam name="TFamily">A built-in definition or the user's own.</typeparam>
    /// <param name="definition">The struct.</param>
    /// <param name="constants">
    /// Numbers that its methods read through <see cref="TaskPair{TVector}.Constants"/>; copied, finite.
    /// </param>
    /// <returns>The family.</returns>
    /// <exception cref="ArgumentException">
    /// The definition's task dimension is below 1, or a constant is not finite.
    /// </exception>
    public static TaskFamily Create<TFamily>(TFamily definition, ReadOnlySpan<float> constants = default)
        where TFamily : unmanaged, ITaskFamily => new Specialized<TFamily>(definition, constants);

    /// <summary>
    /// The fewest entries that a state must have for this family to judge it; 0 where the family does not say.
    /// </summary>
    public abstract int RequiredObservationDimension { get; }

    /// <summary>Reward and termination of every transition under every task.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="tasks">K tasks, <c>[K, P]</c>.</param>
    /// <param name="reward">Result <c>[R, K]</c>: r_psi_k(s_r, a_r).</param>
    /// <param name="terminated">Result <c>[R, K]</c>: 1 where task k ends with transition r, else 0.</param>
    /// <exception cref="ArgumentException">A length disagrees, or the states have fewer entries than the family
    /// reads.</exception>
    public void EvaluatePairs(
        in TransitionRows transitions, ReadOnlySpan<float> tasks, Span<float> reward, Span<float> terminated)
    {
        int count = tasks.Length / TaskDimension;
        CheckLength(tasks.Length, (long)count * TaskDimension, "tasks");
        CheckLength(reward.Length, (long)transitions.Rows * count, "rewards");
        CheckLength(terminated.Length, (long)transitions.Rows * count, "terminations");
        fixed (float* s = transitions.Observation, a = transitions.Action, next = transitions.NextObservation)
        fixed (float* psi = tasks, r = reward, d = terminated)
        {
            EvaluatePairs(Pointers(transitions, s, a, next), psi, count, r, d, count);
        }
    }

    /// <summary>Reward and termination of every transition under its own task.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="tasks">One task per transition, <c>[R, P]</c>.</param>
    /// <param name="reward">Result <c>[R]</c>.</param>
    /// <param name="terminated">Result <c>[R]</c>: 1 or 0.</param>
    /// <exception cref="ArgumentException">A length disagrees, or the states have fewer entries than the family
    /// reads.</exception>
    public void EvaluateRows(
        in TransitionRows transitions, ReadOnlySpan<float> tasks, Span<float> reward, Span<byte> terminated)
    {
        CheckLength(tasks.Length, (long)transitions.Rows * TaskDimension, "tasks");
        CheckLength(reward.Length, transitions.Rows, "rewards");
        CheckLength(terminated.Length, transitions.Rows, "terminations");
        fixed (float* s = transitions.Observation, a = transitions.Action, next = transitions.NextObservation)
        fixed (float* psi = tasks, r = reward)
        fixed (byte* d = terminated)
        {
            EvaluateRows(Pointers(transitions, s, a, next), psi, r, d);
        }
    }

    /// <summary>The task that each state achieves.</summary>
    /// <param name="observations">R states, <c>[R, S]</c>.</param>
    /// <param name="commanded">R commanded tasks, <c>[R, P]</c>.</param>
    /// <param name="tasks">Result <c>[R, P]</c>; may be <paramref name="commanded"/> itself.</param>
    /// <exception cref="InvalidOperationException">The family has no map from states to tasks.</exception>
    /// <exception cref="ArgumentException">A length disagrees, or the states have fewer entries than the family
    /// reads.</exception>
    public void AchievedTasks(ReadOnlySpan<float> observations, ReadOnlySpan<float> commanded, Span<float> tasks)
    {
        int rows = commanded.Length / TaskDimension;
        CheckLength(commanded.Length, (long)rows * TaskDimension, "commanded tasks");
        CheckLength(tasks.Length, commanded.Length, "achieved tasks");
        int width = rows == 0 ? 0 : observations.Length / rows;
        CheckLength(observations.Length, (long)rows * width, "states");
        fixed (float* s = observations, psi = commanded, result = tasks)
        {
            AchievedTasks(s, psi, rows, width, result);
        }
    }

    /// <summary>Throws unless states have the entries that the family reads.</summary>
    /// <param name="observationDimension">S.</param>
    /// <exception cref="ArgumentException">There are fewer.</exception>
    public void CheckObservationDimension(int observationDimension)
    {
        if (observationDimension < RequiredObservationDimension)
        {
            throw new ArgumentException(
                $"The task family reads state entry {RequiredObservationDimension - 1}; the states have "
                + $"{observationDimension} entries.");
        }
    }

    /// <summary>Reward and termination of every transition under every task.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="tasks">K tasks, <c>[K, P]</c>.</param>
    /// <param name="taskCount">K.</param>
    /// <param name="reward">Result <c>[R, K]</c>: r_psi_k(s_r, a_r).</param>
    /// <param name="terminated">Result <c>[R, K]</c>: 1 where task k ends with transition r, else 0.</param>
    /// <param name="stride">Floats between rows of both results, K or more.</param>
    internal abstract void EvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, float* reward, float* terminated, int stride);

    /// <summary>Reward and termination of every transition under its own task.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="tasks">One task per transition, <c>[R, P]</c>.</param>
    /// <param name="reward">Result <c>[R]</c>.</param>
    /// <param name="terminated">Result <c>[R]</c>: 1 or 0.</param>
    internal abstract void EvaluateRows(
        in TransitionPointers transitions, float* tasks, float* reward, byte* terminated);

    /// <summary>The task that each state achieves.</summary>
    /// <param name="observations">R states, <c>[R, S]</c>.</param>
    /// <param name="commanded">R commanded tasks, <c>[R, P]</c>.</param>
    /// <param name="rows">R.</param>
    /// <param name="observationDimension">S.</param>
    /// <param name="tasks">Result <c>[R, P]</c>; may be <paramref name="commanded"/> itself.</param>
    /// <exception cref="InvalidOperationException">The family has no map from states to tasks.</exception>
    internal abstract void AchievedTasks(
        float* observations, float* commanded, int rows, int observationDimension, float* tasks);

    /// <summary>Adds the features of every transition up. Only when <see cref="IsLinear"/>.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="sum"><c>[P]</c>: added to, in order and in double precision.</param>
    /// <exception cref="InvalidOperationException">The family's rewards are not known to be linear.</exception>
    internal abstract void AddFeatures(in TransitionPointers transitions, double* sum);

    /// <summary>Shows the struct behind the family to a visitor.</summary>
    /// <typeparam name="TVisitor">The visitor.</typeparam>
    /// <typeparam name="TResult">What it returns.</typeparam>
    /// <param name="visitor">The visitor.</param>
    /// <returns>Its result.</returns>
    internal abstract TResult Accept<TVisitor, TResult>(ref TVisitor visitor)
        where TVisitor : ITaskFamilyVisitor<TResult>;

    private static TransitionPointers Pointers(in TransitionRows transitions, float* s, float* a, float* next) => new(
        (nint)s, (nint)a, (nint)next, transitions.Rows, transitions.ObservationDimension, transitions.ActionDimension);

    private static void CheckLength(int found, long expected, string what)
    {
        if (found != expected)
        {
            throw new ArgumentException($"Expected {expected} entries for {what}; found {found}.");
        }
    }

    private sealed class Specialized<TFamily> : TaskFamily
        where TFamily : unmanaged, ITaskFamily
    {
        private const int LargestTaskOnStack = 256;

        private readonly NativeBuffer<float> _constants;
        private readonly PointerVector _constantVector;
        private readonly TFamily _definition;

        // Boxed once here, so that calling the optional interfaces allocates nothing.
        private readonly IBlockTaskFamily? _block;
        private readonly ILinearTaskFamily? _linear;

        public Specialized(TFamily definition, ReadOnlySpan<float> constants)
        {
            if (definition.TaskDimension < 1)
            {
                throw new ArgumentException(
                    $"The task family {typeof(TFamily).Name} has task dimension {definition.TaskDimension}; expected 1 "
                    + "or more.");
            }

            for (int i = 0; i < constants.Length; i++)
            {
                if (!float.IsFinite(constants[i]))
                {
                    throw new ArgumentException(
                        $"Constant {i} of the task family {typeof(TFamily).Name} is {constants[i]}; expected a finite "
                        + "number.");
                }
            }

            _definition = definition;
            _block = definition as IBlockTaskFamily;
            _linear = definition as ILinearTaskFamily;
            _constants = new NativeBuffer<float>(constants.Length);
            constants.CopyTo(_constants.Span);
            _constantVector = new PointerVector(_constants.Pointer, constants.Length);
            TaskDimension = definition.TaskDimension;
            HasAchievedTask = definition.HasAchievedTask;
            RequiredObservationDimension = definition.RequiredObservationDimension(constants);
        }

        public override int TaskDimension { get; }

        public override bool HasAchievedTask { get; }

        public override int RequiredObservationDimension { get; }

        public override bool IsLinear => _linear is not null;

        internal override void EvaluatePairs(
            in TransitionPointers transitions, float* tasks, int taskCount, float* reward, float* terminated,
            int stride)
        {
            CheckObservationDimension(transitions);
            if (_block is null || !_block.TryEvaluatePairs(
                transitions, tasks, taskCount, _constantVector, reward, terminated, stride))
            {
                // A local copy: the compiler would copy a read-only field before every call.
                TFamily definition = _definition;
                int taskDimension = TaskDimension;
                for (int row = 0; row < transitions.Rows; row++)
                {
                    float* rewardRow = reward + ((long)row * stride), terminatedRow = terminated + ((long)row * stride);
                    PointerVector s = transitions.ObservationOf(row), a = transitions.ActionOf(row),
                        next = transitions.NextObservationOf(row);
                    for (int k = 0; k < taskCount; k++)
                    {
                        PointerVector task = new(tasks + ((long)k * taskDimension), taskDimension);
                        TaskPair<PointerVector> pair = new(s, a, next, task, _constantVector);
                        rewardRow[k] = definition.Reward(pair);
                        terminatedRow[k] = definition.Terminates(pair) ? 1f : 0f;
                    }
                }
            }

            GC.KeepAlive(_constants);
        }

        internal override void EvaluateRows(
            in TransitionPointers transitions, float* tasks, float* reward, byte* terminated)
        {
            CheckObservationDimension(transitions);
            TFamily definition = _definition;
            for (int row = 0; row < transitions.Rows; row++)
            {
                TaskPair<PointerVector> pair = new(
                    transitions.ObservationOf(row),
                    transitions.ActionOf(row),
                    transitions.NextObservationOf(row),
                    new PointerVector(tasks + ((long)row * TaskDimension), TaskDimension),
                    _constantVector);
                reward[row] = definition.Reward(pair);
                terminated[row] = definition.Terminates(pair) ? (byte)1 : (byte)0;
            }

            GC.KeepAlive(_constants);
        }

        internal override void AchievedTasks(
            float* observations, float* commanded, int rows, int observationDimension, float* tasks)
        {
            if (!HasAchievedTask)
            {
                throw new InvalidOperationException(
                    $"The task family {typeof(TFamily).Name} has no map from states to tasks, so reached states cannot "
                    + "serve as tasks.");
            }

            if (rows > 0)
            {
                CheckObservationDimension(observationDimension);
            }

            // A row is built apart, because the result may overwrite the commanded tasks while a family still reads
            // them.
            Span<float> achieved = TaskDimension <= LargestTaskOnStack
                ? stackalloc float[TaskDimension]
                : new float[TaskDimension];
            TFamily definition = _definition;
            for (int row = 0; row < rows; row++)
            {
                PointerVector observation = new(
                    observations + ((long)row * observationDimension), observationDimension);
                PointerVector task = new(commanded + ((long)row * TaskDimension), TaskDimension);
                for (int entry = 0; entry < achieved.Length; entry++)
                {
                    achieved[entry] = definition.AchievedTask(observation, task, _constantVector, entry);
                }

                achieved.CopyTo(new Span<float>(tasks + ((long)row * TaskDimension), TaskDimension));
            }

            GC.KeepAlive(_constants);
        }

        internal override void AddFeatures(in TransitionPointers transitions, double* sum)
        {
            if (_linear is null)
            {
                throw new InvalidOperationException(
                    $"The task family {typeof(TFamily).Name} does not say which features its rewards are linear in.");
            }

            CheckObservationDimension(transitions);
            _linear.AddFeatures(transitions, _constantVector, sum);
            GC.KeepAlive(_constants);
        }

        internal override TResult Accept<TVisitor, TResult>(ref TVisitor visitor)
        {
            TResult result = visitor.Visit(_definition, _constants.Span);
            GC.KeepAlive(_constants);
            return result;
        }

        private void CheckObservationDimension(in TransitionPointers transitions)
        {
            if (transitions.Rows > 0)
            {
                CheckObservationDimension(transitions.ObservationDimension);
            }
        }
    }
}
