namespace HipiFast.Kernels.Random;

/// <summary>
/// What a random number is for: the low byte of Philox's fourth counter word, so that no two uses ever share a counter.
/// Values are part of the file and backend contract (the same seed gives the same draws everywhere): append, never
/// renumber.
/// </summary>
public enum RandomPurpose : uint
{
    /// <summary>Gumbel noise of task sampling: counter (task / 4, transition, call), word task mod 4.</summary>
    TaskSampling = 1,

    /// <summary>
    /// Gumbel noise of sampling a transition for a task: counter (task / 4, transition, call), word task mod 4. The
    /// task is counted within its group of slots, the transition through the pools of all groups.
    /// </summary>
    RowSampling = 2,

    /// <summary>
    /// Whether a slot of the batch receives a new task, and from which strategy: counter (slot, 0, call), words 0 and
    /// 1.
    /// </summary>
    Mixing = 3,

    /// <summary>
    /// Standard normals of the actor's action in the Bellman estimator: counter (task, transition, call), purpose word
    /// + 256 (d / 4) for action dimension d.
    /// </summary>
    BellmanAction = 4,

    /// <summary>
    /// Which stored transitions a minibatch takes: counter (slot / 4, 0, call), word slot mod 4; (slot, 1 and up, call)
    /// where the unbiased map refuses it.
    /// </summary>
    ReplaySampling = 5,

    /// <summary>Which future state becomes the goal: counter (slot, 0, call).</summary>
    FutureState = 6,

    /// <summary>Which task random relabeling draws: counter (slot, 0, call).</summary>
    RandomTask = 7,

    /// <summary>Initial network parameters: counter (parameter, 0, network).</summary>
    Initialization = 8,

    /// <summary>Action noise of the SAC learner: counter (row, dimension / 4, update), words as normals.</summary>
    LearnerAction = 9,

    /// <summary>
    /// Action noise of the policy that collects experience: counter (environment copy, dimension / 4, step).
    /// </summary>
    BehaviorAction = 10,

    /// <summary>Dynamics noise of an environment: counter (block, copy, step).</summary>
    EnvironmentDynamics = 11,

    /// <summary>Initial state of an episode: counter (block, copy, episode).</summary>
    EnvironmentReset = 12,

    /// <summary>The commanded task of an episode: counter (copy, block, episode).</summary>
    EnvironmentTask = 13,

    /// <summary>
    /// Which transitions serve a by-task assignment: counters as for <see cref="ReplaySampling"/>, where slot counts
    /// through the pools of all groups of slots.
    /// </summary>
    RowPool = 14,

    /// <summary>Test data and benchmark data.</summary>
    SyntheticData = 15,

    /// <summary>Order of the rows in an epoch of behavior cloning: counter (position, 0, epoch).</summary>
    CloningShuffle = 16,

    /// <summary>Which trajectories behavior cloning holds out: counter (position, 0, 0).</summary>
    CloningSplit = 17,

    /// <summary>
    /// Which of the tasks that a group of rows could choose among are its candidates: counter (draw, 0 and up, call),
    /// draws counted through the groups of a call.
    /// </summary>
    CandidateSubset = 18,
}
