using HipiFast.Kernels.Devices.LogPartition;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>
/// The launches of <see cref="DeviceSoftQ"/> on tensor cores: the packed networks, and the kernels that multiply by
/// them.
/// </summary>
internal sealed class TensorSoftQ(DeviceLauncher launcher) : IDisposable
{
    // The maxima, and the sums of exponentials.
    private const int SegmentPlanes = 2;

    private readonly PackedSecondLayer _critic1 = new(launcher);
    private readonly PackedSecondLayer _critic2 = new(launcher);
    private readonly PackedSecondLayer _actor = new(launcher);
    private readonly DeviceArray _segments = new(launcher.Runtime);
    private DeviceKernel? _actorKernel;
    private DeviceKernel? _criticKernel;

    /// <inheritdoc cref="DeviceArray.Generation"/>
    public int Generation => _critic1.Generation + _critic2.Generation + _actor.Generation + _segments.Generation;

    /// <summary>Loads the critics' kernel and packs the critics.</summary>
    public void Prepare(in SoftQProblem problem, TaskFamily? family, DeviceNetwork critic1, DeviceNetwork critic2)
    {
        _criticKernel = launcher.Runtime.Load(DeviceKernelNames.SoftQCriticBf16, family);
        _critic1.Update(problem.Critic1.Shape, critic1);
        if (problem.UsesCritic2)
        {
            _critic2.Update(problem.Critic2!.Shape, critic2);
        }
    }

    /// <summary>The same for the actor.</summary>
    public void PrepareActor(MlpShape actor, DeviceNetwork network)
    {
        _actorKernel ??= launcher.Runtime.Load(DeviceKernelNames.SoftQActorBf16);
        _actor.Update(actor, network);
    }

    /// <summary>Rows of a segment that the critics leave for the log partition.</summary>
    public int SegmentRows => _critic1.Tile.TileRows;

    /// <summary>Bytes of a segment.</summary>
    public long SegmentBytes(int candidates) => SegmentPlanes * sizeof(float) * (long)candidates;

    /// <summary>Sizes the memory of the segments.</summary>
    /// <param name="rows">Most rows of a launch.</param>
    /// <param name="candidates">K.</param>
    public void PrepareSegments(int rows, int candidates) => Segments(rows, candidates, out _);

    /// <summary>
    /// Where the critics leave the segments of a launch for <see cref="DeviceLogPartition.QueueSegments"/>.
    /// </summary>
    /// <param name="rows">Rows of the launch.</param>
    /// <param name="candidates">K.</param>
    /// <param name="count">Segments.</param>
    /// <returns>Maxima, then sums.</returns>
    public DeviceView Segments(int rows, int candidates, out int count)
    {
        count = (int)_critic1.Tile.RowTiles(rows);
        return _segments.Ensure<float>(SegmentPlanes * (long)count * candidates);
    }

    /// <summary>Queues the actor.</summary>
    public void QueueActor(
        in DeviceProblem batch, DeviceView action, DeviceNetwork network, DeviceView layers, DeviceView pairs,
        in SoftQShape shape)
    {
        launcher.Arguments.Clear()
            .Add(batch.Call)
            .Add(action)
            .Add(network.View)
            .Add(_actor.View)
            .Add(layers)
            .Add(pairs);
        launcher.Arguments.Add(Shape(shape, _actor.Tile));
        Run(_actorKernel!, _actor.Tile, shape);
    }

    /// <summary>Queues the critics, one after the other.</summary>
    /// <param name="batch">The whole batch.</param>
    /// <param name="observation">s of this launch's rows.</param>
    /// <param name="action">a.</param>
    /// <param name="next">s'.</param>
    /// <param name="critic1">First critic.</param>
    /// <param name="critic2">Second critic.</param>
    /// <param name="layers">First layers.</param>
    /// <param name="pairs">The pairs' memory.</param>
    /// <param name="softQ">Receives the matrix.</param>
    /// <param name="segments">Receives the columns' <see cref="Segments"/>; none when it has no memory.</param>
    /// <param name="shape">Sizes and options.</param>
    /// <param name="family">The task family; null for none.</param>
    public void QueueCritics(
        in DeviceProblem batch, DeviceView observation, DeviceView action, DeviceView next, DeviceNetwork critic1,
        DeviceNetwork critic2,
        DeviceView layers, DeviceView pairs, DeviceView softQ, DeviceView segments, SoftQShape shape,
        DeviceFamily? family)
    {
        for (int critic = 0; critic < shape.Critics; critic++)
        {
            PackedSecondLayer packed = critic == 0 ? _critic1 : _critic2;
            TensorSoftQShape launch = Shape(shape, packed.Tile);
            launch.IsSecond = critic;
            launch.IsLast = critic == shape.Critics - 1 ? 1 : 0;
            launch.Segments = launch.IsLast == 0 || segments.Buffer is null
                ? 0
                : (int)packed.Tile.RowTiles(shape.Rows);
            LaunchArguments arguments = launcher.Arguments.Clear();
            arguments.Add(batch.Call).Add(observation).Add(action).Add(next).Add(batch.Task).Add(
                (critic == 0 ? critic1 : critic2).View);
            arguments.Add(packed.View).Add(layers).Add(pairs).Add(softQ).Add(segments).Add(launch);
            DeviceFamily.AddTo(arguments, family);
            Run(_criticKernel!, packed.Tile, shape);
            (shape.RowLayer, shape.TaskLayer) = (shape.RowLayer2, shape.TaskLayer2);
        }
    }

    public void Dispose()
    {
        _critic1.Dispose();
        _critic2.Dispose();
        _actor.Dispose();
        _segments.Dispose();
    }

    private static TensorSoftQShape Shape(SoftQShape shape, TensorTile tile)
    {
        shape.TaskShift = TensorTile.TaskShift;
        return new TensorSoftQShape
        {
            Problem = shape,
            PaddedCandidates = TensorTile.PaddedCandidates(shape.Candidates),
            ColumnShift = tile.ColumnShift,
            Blocks = tile.Blocks,
            SliceSteps = tile.SliceSteps,
        };
    }

    private void Run(DeviceKernel kernel, TensorTile tile, in SoftQShape shape) =>
        launcher.RunResidentGroups(kernel, tile.Tiles(shape.Rows, shape.Candidates), tile.GroupSize, tile.SharedBytes);
}
