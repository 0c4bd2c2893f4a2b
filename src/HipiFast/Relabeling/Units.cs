using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>What receives one task each: the rows of a batch, or the runs of rows that make trajectories.</summary>
internal readonly unsafe struct Units
{
    private readonly int* _start;
    private readonly float* _commanded;
    private readonly int _taskDimension;

    /// <summary>Units of several rows.</summary>
    /// <param name="count">Number of units.</param>
    /// <param name="start">First rows of the units, then the number of all rows.</param>
    /// <param name="commanded">Their commanded tasks.</param>
    /// <param name="taskDimension">P.</param>
    public Units(int count, int* start, float* commanded, int taskDimension)
    {
        Count = count;
        _start = start;
        _commanded = commanded;
        _taskDimension = taskDimension;
    }

    /// <summary>Every row on its own.</summary>
    /// <param name="batch">The rows.</param>
    public Units(TransitionBatch batch)
        : this(batch.Count, null, batch.TaskPointer, batch.Shape.TaskDimension)
    {
    }

    /// <summary>Number of units.</summary>
    public int Count { get; }

    /// <summary>Whether a unit is a run of rows.</summary>
    public bool AreTrajectories => _start is not null;

    /// <summary>The commanded tasks <c>[units, P]</c>.</summary>
    public ReadOnlySpan<float> Commanded => new(_commanded, Count * _taskDimension);

    /// <summary>Address of a unit's commanded task.</summary>
    /// <param name="unit">The unit.</param>
    /// <returns>P floats.</returns>
    public float* CommandedOf(int unit) => _commanded + ((long)unit * _taskDimension);

    /// <summary>First row of a unit.</summary>
    /// <param name="unit">The unit.</param>
    /// <returns>The row.</returns>
    public int FirstRow(int unit) => _start is null ? unit : _start[unit];

    /// <summary>Last row of a unit.</summary>
    /// <param name="unit">The unit.</param>
    /// <returns>The row.</returns>
    public int LastRow(int unit) => _start is null ? unit : _start[unit + 1] - 1;
}
