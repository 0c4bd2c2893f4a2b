using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>What one epoch of <see cref="BehaviorCloning"/> ended with.</summary>
/// <param name="Epoch">Number, from 1.</param>
/// <param name="TrainingLoss">Mean squared error of its steps, in normalised actions.</param>
/// <param name="ValidationLoss">Mean squared error on the trajectories held out, likewise.</param>
public readonly record struct CloningEpoch(int Epoch, double TrainingLoss, double ValidationLoss);

/// <summary>
/// Task-conditioned behavior cloning, the second half of HIPI-BC (the paper's Alg. 3): fits actions to states and tasks
/// by least squares. Which tasks the rows carry is the relabeler's work.
/// </summary>
/// <remarks>
/// <para>States and actions are normalised by their means and standard deviations over the rows that are fitted
/// (entries that never change are left as they are); tasks are taken as they come. Whole trajectories are held out for
/// validation. Fitting ends when the validation loss has risen a few epochs in a row
/// (<see cref="BehaviorCloningOptions.Patience"/>), and leaves the parameters of the epoch whose validation loss was
/// lowest.</para>
/// <para>Results depend on nothing but data, options and kernels. One object serves one thread at a time: a second is
/// refused with an <see cref="InvalidOperationException"/>.</para>
/// </remarks>
public sealed unsafe class BehaviorCloning : IDisposable
{
    private const string PolicyName = "policy";
    private const float SmallestDeviation = 1e-6f;

    private readonly BehaviorCloningOptions _options;
    private readonly ICloningPolicy _policy;
    private readonly int _inputs;
    private readonly NativeBuffer<float> _input;
    private readonly NativeBuffer<float> _target;
    private readonly float[] _wanted;
    private readonly float[] _observationMean;
    private readonly float[] _observationDeviation;
    private readonly float[] _actionMean;
    private readonly float[] _actionDeviation;
    private UseGuard _use;

    /// <summary>Makes an unfitted clone.</summary>
    /// <param name="shape">Widths of state, action and task.</param>
    /// <param name="options">Options.</param>
    /// <param name="makePolicy">
    /// Makes the network to fit, for batches of up to <see cref="BehaviorCloningOptions.Batch"/> rows; disposed with
    /// this object. It is given the standard network's shape, of which inputs (S, or S + P) and outputs (A) must be
    /// kept.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public BehaviorCloning(
        TransitionShape shape, BehaviorCloningOptions options,
        Func<MlpShape, BehaviorCloningOptions, ICloningPolicy> makePolicy)
    {
        shape.Validate();
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(makePolicy);
        options.Validate();
        Shape = shape;
        _options = options;
        _inputs = shape.ObservationDimension + (options.TaskConditioned ? shape.TaskDimension : 0);
        _policy = makePolicy(new MlpShape(_inputs, options.Hidden, shape.ActionDimension), options);
        _input = new NativeBuffer<float>((long)options.Batch * _inputs);
        _target = new NativeBuffer<float>((long)options.Batch * shape.ActionDimension);
        _wanted = new float[options.Batch * shape.ActionDimension];
        _observationMean = new float[shape.ObservationDimension];
        _observationDeviation = new float[shape.ObservationDimension];
        _actionMean = new float[shape.ActionDimension];
        _actionDeviation = new float[shape.ActionDimension];
        Array.Fill(_observationDeviation, 1f);
        Array.Fill(_actionDeviation, 1f);
    }

    /// <summary>Widths of state, action and task.</summary>
    public TransitionShape Shape { get; }

    /// <summary>Fits the policy to demonstrations.</summary>
    /// <param name="demonstrations">
    /// States, actions and tasks; rewards and next states are not read. All finite.
    /// </param>
    /// <param name="episode">
    /// Number of the trajectory of each row, <c>[B]</c>, the rows of one side by side; two trajectories or more.
    /// </param>
    /// <param name="stop">Asks to leave off after the epoch under way.</param>
    /// <returns>One entry per epoch.</returns>
    /// <exception cref="ArgumentException">
    /// The shapes disagree, or there are not enough trajectories to hold one out.
    /// </exception>
    /// <exception cref="InvalidDataException">The loss is not finite: the fit has diverged.</exception>
    public IReadOnlyList<CloningEpoch> Fit(
        TransitionBatch demonstrations, ReadOnlySpan<long> episode, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(demonstrations);
        using UseGuard.Scope use = _use.Enter(this), read = demonstrations.Share();
        if (demonstrations.Shape != Shape)
        {
            throw new ArgumentException(
                $"The demonstrations are of {demonstrations.Shape}; the policy is made for {Shape}.",
                nameof(demonstrations));
        }

        if (episode.Length != demonstrations.Count)
        {
            throw new ArgumentException(
                $"There are {episode.Length} episode numbers for {demonstrations.Count} transitions.", nameof(episode));
        }

        Split(episode, out int[] fitted, out int[] held);
        Normalize(demonstrations, fitted);
        _policy.Keep();
        List<CloningEpoch> epochs = [];
        double lowest = double.PositiveInfinity, before = double.PositiveInfinity;
        int rises = 0;
        while (rises < _options.Patience && epochs.Count < _options.MaxEpochs && !stop.IsCancellationRequested)
        {
            Shuffle(fitted, (uint)epochs.Count);
            double training = Sweep(demonstrations, fitted, learn: true);
            double validation = Sweep(demonstrations, held, learn: false);
            if (!double.IsFinite(training) || !double.IsFinite(validation))
            {
                throw new InvalidDataException(
                    $"The loss of epoch {epochs.Count + 1} of behavior cloning is not finite: the fit has diverged.");
            }

            epochs.Add(new CloningEpoch(epochs.Count + 1, training, validation));
            rises = validation > before ? rises + 1 : 0;
            before = validation;
            if (validation < lowest)
            {
                lowest = validation;
                _policy.Keep();
            }
        }

        _policy.Restore();
        return epochs;
    }

    /// <summary>The fitted actions, clipped to [-1, 1].</summary>
    /// <param name="observation">States, <c>[rows, S]</c>.</param>
    /// <param name="task">Tasks, <c>[rows, P]</c>; not read by a policy that does not see them.</param>
    /// <param name="rows">Number of rows, 0 or more.</param>
    /// <param name="action">Receives the actions, <c>[rows, A]</c>.</param>
    /// <exception cref="ArgumentException">A length disagrees with <paramref name="rows"/>.</exception>
    public void Act(ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, Span<float> action)
    {
        using UseGuard.Scope use = _use.Enter(this);
        CheckLength(observation.Length, rows, Shape.ObservationDimension, nameof(observation));
        CheckLength(task.Length, rows, Shape.TaskDimension, nameof(task));
        CheckLength(action.Length, rows, Shape.ActionDimension, nameof(action));
        int width = Shape.ActionDimension;
        fixed (float* s = observation, psi = task)
        {
            for (int first = 0; first < rows; first += _options.Batch)
            {
                int count = Math.Min(_options.Batch, rows - first);
                for (int row = 0; row < count; row++)
                {
                    WriteInput(
                        s + ((nint)(first + row) * Shape.ObservationDimension),
                        psi + ((nint)(first + row) * Shape.TaskDimension), InputRow(row));
                }

                _policy.Predict(Input(count), Target(count));
                for (int i = 0; i < count * width; i++)
                {
                    float value = _actionMean[i % width] + (_actionDeviation[i % width] * _target[i]);
                    action[(first * width) + i] = Math.Clamp(value, -1f, 1f);
                }
            }
        }
    }

    /// <summary>
    /// Writes the policy, atomically: <c>policy.0.weight [H, in]</c> and so on for the standard network, and the
    /// normalisation.
    /// </summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written.</exception>
    /// <remarks>
    /// The file holds <c>observation_mean [S]</c>, <c>observation_deviation [S]</c>, <c>action_mean [A]</c> and
    /// <c>action_deviation [A]</c> beside the network: <c>action = clip(action_mean + action_deviation * net([(s -
    /// observation_mean) / observation_deviation, psi]), -1, 1)</c>.
    /// </remarks>
    public void Save(string path)
    {
        using UseGuard.Scope use = _use.Enter(this);
        SafetensorsWriter writer = new();
        _policy.AddTo(writer, PolicyName);
        writer.Add<float>("observation_mean", _observationMean, _observationMean.Length);
        writer.Add<float>("observation_deviation", _observationDeviation, _observationDeviation.Length);
        writer.Add<float>("action_mean", _actionMean, _actionMean.Length);
        writer.Add<float>("action_deviation", _actionDeviation, _actionDeviation.Length);
        writer.Save(path);
    }

    /// <summary>Gives memory and network back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        _policy.Dispose();
        _input.Dispose();
        _target.Dispose();
    }

    private static void CheckLength(int length, int rows, int width, string name)
    {
        if (length != (long)rows * width)
        {
            throw new ArgumentException($"{name} has {length} floats; expected {rows} x {width}.", name);
        }
    }

    // Rows of the trajectories to fit and of those held out: at least one of each.
    private void Split(ReadOnlySpan<long> episode, out int[] fitted, out int[] held)
    {
        List<int> starts = [];
        for (int row = 0; row < episode.Length; row++)
        {
            if (row == 0 || episode[row] != episode[row - 1])
            {
                starts.Add(row);
            }
        }

        if (starts.Count < 2)
        {
            throw new ArgumentException(
                "Behavior cloning holds whole trajectories out for validation and needs two or more; found "
                + $"{starts.Count}.",
                nameof(episode));
        }

        int[] order = [.. Enumerable.Range(0, starts.Count)];
        Permute(order, 0, RandomPurpose.CloningSplit);
        int heldCount = Math.Clamp((int)Math.Round(_options.ValidationShare * starts.Count), 1, starts.Count - 1);
        starts.Add(episode.Length);
        held = RowsOf(order.AsSpan(0, heldCount));
        fitted = RowsOf(order.AsSpan(heldCount));

        int[] RowsOf(ReadOnlySpan<int> trajectories)
        {
            List<int> rows = [];
            foreach (int trajectory in trajectories)
            {
                rows.AddRange(Enumerable.Range(starts[trajectory], starts[trajectory + 1] - starts[trajectory]));
            }

            return [.. rows];
        }
    }

    private void Shuffle(int[] rows, uint epoch) => Permute(rows, epoch, RandomPurpose.CloningShuffle);

    private void Permute(int[] values, uint call, RandomPurpose purpose)
    {
        for (int last = values.Length - 1; last > 0; last--)
        {
            int other = (int)UniformIndex.Draw((uint)last + 1, (uint)last, call, purpose, _options.Seed);
            (values[last], values[other]) = (values[other], values[last]);
        }
    }

    private void Normalize(TransitionBatch demonstrations, int[] rows)
    {
        Moments(demonstrations.Observation, rows, _observationMean, _observationDeviation);
        Moments(demonstrations.Action, rows, _actionMean, _actionDeviation);
    }

    private static void Moments(ReadOnlySpan<float> values, int[] rows, float[] mean, float[] deviation)
    {
        int width = mean.Length;
        for (int column = 0; column < width; column++)
        {
            double sum = 0, squares = 0;
            foreach (int row in rows)
            {
                sum += values[(row * width) + column];
            }

            double average = sum / rows.Length;
            foreach (int row in rows)
            {
                double difference = values[(row * width) + column] - average;
                squares += difference * difference;
            }

            float spread = (float)Math.Sqrt(squares / rows.Length);
            mean[column] = (float)average;
            deviation[column] = spread > SmallestDeviation ? spread : 1f;
        }
    }

    // One pass over rows in batches; the mean squared error over all of them.
    private double Sweep(TransitionBatch demonstrations, int[] rows, bool learn)
    {
        TransitionPointers pointers = demonstrations.Pointers;
        int width = Shape.ActionDimension;
        double squares = 0;
        for (int first = 0; first < rows.Length; first += _options.Batch)
        {
            int count = Math.Min(_options.Batch, rows.Length - first);
            for (int i = 0; i < count; i++)
            {
                int row = rows[first + i];
                float* action = (float*)pointers.Action + ((nint)row * width),
                    target = _target.Pointer + ((nint)i * width);
                WriteInput(
                    (float*)pointers.Observation + ((nint)row * Shape.ObservationDimension),
                    demonstrations.TaskPointer + ((nint)row * Shape.TaskDimension),
                    InputRow(i));
                for (int column = 0; column < width; column++)
                {
                    target[column] = (action[column] - _actionMean[column]) / _actionDeviation[column];
                }
            }

            squares += count * (learn ? _policy.Step(Input(count), Target(count)) : ErrorOf(count));
        }

        return squares / rows.Length;
    }

    // Mean squared error of the batch in the scratch buffers.
    private double ErrorOf(int count)
    {
        int length = count * Shape.ActionDimension;
        _target.Slice(0, length).CopyTo(_wanted);
        _policy.Predict(Input(count), Target(count));
        double squares = 0;
        for (int i = 0; i < length; i++)
        {
            double error = _target[i] - _wanted[i];
            squares += error * error;
        }

        return squares / length;
    }

    private void WriteInput(float* observation, float* task, float* input)
    {
        for (int i = 0; i < Shape.ObservationDimension; i++)
        {
            input[i] = (observation[i] - _observationMean[i]) / _observationDeviation[i];
        }

        for (int i = 0; _options.TaskConditioned && i < Shape.TaskDimension; i++)
        {
            input[Shape.ObservationDimension + i] = task[i];
        }
    }

    private float* InputRow(int row) => _input.Pointer + ((nint)row * _inputs);

    private MatrixView Input(int rows) => new((nint)_input.Pointer, rows, _inputs, _inputs);

    private MatrixView Target(int rows) =>
        new((nint)_target.Pointer, rows, Shape.ActionDimension, Shape.ActionDimension);
}
