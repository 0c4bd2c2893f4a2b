using HipiFast.Kernels.Memory;

namespace HipiFast.Learning;

/// <summary>One labelled step between numbered states.</summary>
/// <param name="State">s.</param>
/// <param name="Action">a.</param>
/// <param name="NextState">s'.</param>
/// <param name="Task">Number of the task that the step is labelled with.</param>
/// <param name="Reward">r under that task.</param>
/// <param name="Terminated">Whether that task ends with the step.</param>
public readonly record struct TabularTransition(
    int State, int Action, int NextState, int Task, float Reward, bool Terminated);

/// <summary>
/// Q-learning over numbered states, actions and tasks on a fixed dataset: <c>Q(s, a, psi) += rate (r + gamma (1 - d)
/// V(s', psi) - Q(s, a, psi))</c> with <c>V(s, psi) = max_a Q</c>, or <c>temperature log sum_a exp(Q / temperature)</c>
/// when soft.
/// </summary>
/// <remarks>
/// Only actions that the dataset holds for a state under a task count in V and in the greedy policy: a fixed dataset
/// says nothing of the others. A state without any has the value of never being done,
/// <c>lowest reward / (1 - gamma)</c>, where the lowest reward is the dataset's (0 at most). Values start there or, for
/// actions that were tried, at 0. Any number of threads may read values, while nobody fits.
/// </remarks>
public sealed class TabularQLearning : IDisposable
{
    private readonly NativeBuffer<float> _values;
    private readonly NativeBuffer<byte> _tried;
    private readonly int _states;
    private readonly int _actions;
    private readonly int _tasks;
    private readonly float _gamma;
    private readonly float _temperature;
    private UseGuard _use;
    private float _untried;

    /// <summary>Makes an empty table.</summary>
    /// <param name="states">Number of states, 1 or more.</param>
    /// <param name="actions">Number of actions, 1 or more.</param>
    /// <param name="tasks">Number of tasks, 1 or more.</param>
    /// <param name="gamma">Discount, in [0, 1).</param>
    /// <param name="temperature">
    /// 0 for the hard maximum, else the temperature of the soft one, in the reward's units.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of range.</exception>
    public TabularQLearning(int states, int actions, int tasks, float gamma = 0.99f, float temperature = 0f)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(states, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(actions, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tasks, 1);
        if (!(gamma >= 0f && gamma < 1f))
        {
            throw new ArgumentOutOfRangeException(
                nameof(gamma), $"The discount is {gamma}; expected 0 or more and below 1.");
        }

        if (!(temperature >= 0f && float.IsFinite(temperature)))
        {
            throw new ArgumentOutOfRangeException(
                nameof(temperature), $"The temperature is {temperature}; expected a finite number, 0 or more.");
        }

        (_states, _actions, _tasks, _gamma, _temperature) = (states, actions, tasks, gamma, temperature);
        _values = new NativeBuffer<float>((long)states * actions * tasks);
        _tried = new NativeBuffer<byte>(_values.Length);
    }

    /// <summary>Q(s, a, psi); the value of never being done where the dataset never held the action.</summary>
    /// <param name="state">s.</param>
    /// <param name="action">a.</param>
    /// <param name="task">psi.</param>
    /// <returns>Expected discounted sum of rewards (and entropies, when soft).</returns>
    public float Q(int state, int action, int task)
    {
        _use.ThrowIfDisposed(this);
        long entry = Entry(state, action, task);
        return _tried[entry] != 0 ? _values[entry] : _untried;
    }

    /// <summary>V(s, psi): the maximum, or soft maximum, over the actions tried.</summary>
    /// <param name="state">s.</param>
    /// <param name="task">psi.</param>
    /// <returns>The value.</returns>
    public float Value(int state, int task)
    {
        _use.ThrowIfDisposed(this);
        float largest = float.NegativeInfinity;
        for (int action = 0; action < _actions; action++)
        {
            long entry = Entry(state, action, task);
            largest = _tried[entry] != 0 ? MathF.Max(largest, _values[entry]) : largest;
        }

        if (largest == float.NegativeInfinity || _temperature == 0f)
        {
            return MathF.Max(largest, _untried);
        }

        float sum = 0f;
        for (int action = 0; action < _actions; action++)
        {
            long entry = Entry(state, action, task);
            sum += _tried[entry] != 0 ? MathF.Exp((_values[entry] - largest) / _temperature) : 0f;
        }

        return largest + (_temperature * MathF.Log(sum));
    }

    /// <summary>The best action tried in a state under a task.</summary>
    /// <param name="state">s.</param>
    /// <param name="task">psi.</param>
    /// <returns>The action (the first of equals), or -1 where the dataset holds none.</returns>
    public int GreedyAction(int state, int task)
    {
        _use.ThrowIfDisposed(this);
        int best = -1;
        for (int action = 0; action < _actions; action++)
        {
            long entry = Entry(state, action, task);
            if (_tried[entry] != 0 && (best < 0 || _values[entry] > _values[Entry(state, best, task)]))
            {
                best = action;
            }
        }

        return best;
    }

    /// <summary>Forgets what was learned and learns from a dataset, until the values stand still.</summary>
    /// <param name="dataset">Labelled steps.</param>
    /// <param name="tolerance">A sweep that changes no value by more than this is the last.</param>
    /// <param name="sweepLimit">Most sweeps over the dataset.</param>
    /// <param name="learningRate">In (0, 1]; 1 is right for deterministic dynamics.</param>
    /// <returns>Sweeps made.</returns>
    /// <exception cref="ArgumentException">
    /// A state, action or task is out of range or a reward is not finite; nothing has been learned then.
    /// </exception>
    public int Fit(
        ReadOnlySpan<TabularTransition> dataset, float tolerance = 1e-5f, int sweepLimit = 10000,
        float learningRate = 1f)
    {
        using UseGuard.Scope use = _use.Enter(this);
        if (!(learningRate > 0f && learningRate <= 1f))
        {
            throw new ArgumentOutOfRangeException(
                nameof(learningRate), $"The learning rate is {learningRate}; expected more than 0 and at most 1.");
        }

        float lowestReward = 0f;
        for (int i = 0; i < dataset.Length; i++)
        {
            TabularTransition step = dataset[i];
            if (
                (uint)step.State >= (uint)_states || (uint)step.NextState >= (uint)_states
                    || (uint)step.Action >= (uint)_actions
                || (uint)step.Task >= (uint)_tasks || !float.IsFinite(step.Reward))
            {
                throw new ArgumentException(
                    $"Step {i} of the dataset is {step}; expected states below {_states}, actions below {_actions}, "
                    + $"tasks below {_tasks} " +
                    "and a finite reward.");
            }

            lowestReward = MathF.Min(lowestReward, step.Reward);
        }

        _untried = lowestReward / (1f - _gamma);
        _values.Span.Clear();
        _tried.Span.Clear();
        foreach (TabularTransition step in dataset)
        {
            _tried[Entry(step.State, step.Action, step.Task)] = 1;
        }

        for (int sweep = 1; sweep <= sweepLimit; sweep++)
        {
            float change = 0f;
            foreach (TabularTransition step in dataset)
            {
                float target = step.Terminated
                    ? step.Reward
                    : step.Reward + (_gamma * Value(step.NextState, step.Task));
                ref float value = ref _values[Entry(step.State, step.Action, step.Task)];
                float update = learningRate * (target - value);
                value += update;
                change = MathF.Max(change, MathF.Abs(update));
            }

            if (change <= tolerance)
            {
                return sweep;
            }
        }

        return sweepLimit;
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A fit is under way.</exception>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _values.Dispose();
            _tried.Dispose();
        }
    }

    private long Entry(int state, int action, int task) => (((long)task * _states) + state) * _actions + action;
}
