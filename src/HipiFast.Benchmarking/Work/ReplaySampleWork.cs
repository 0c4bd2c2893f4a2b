using HipiFast.Benchmarking.Cases;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Work;

/// <summary>A batch from a replay buffer.</summary>
internal sealed class ReplaySampleWork : BenchmarkWork
{
    /// <summary>Transitions in the replay buffer that is sampled from.</summary>
    public const int ReplayCount = 100_000;

    private readonly ReplayBuffer _replay;
    private readonly TransitionBatch _episode;
    private readonly TransitionBatch _batch;
    private uint _call;

    public ReplaySampleWork(BenchmarkCase benchmark)
    {
        _replay = new ReplayBuffer(benchmark.Shape, ReplayCount);
        _episode = BenchmarkData.Batch(benchmark.Shape, ReplayCount);
        _replay.AppendEpisode(_episode);
        _batch = new TransitionBatch(benchmark.Shape, benchmark.Batch);
    }

    public override void Call() => _replay.Sample(_batch, _batch.Capacity, BenchmarkData.Seed, _call++);

    public override void Verify(BenchmarkCheck check)
    {
        Call();
        TransitionShape shape = _batch.Shape;
        for (int row = 0; row < _batch.Count; row++)
        {
            long index = _batch.ReplayIndex[row];
            bool same = index is >= 0 and < ReplayCount
                && Same(_batch.Observation, _episode.Observation, shape.ObservationDimension, row, (int)index)
                && Same(_batch.Action, _episode.Action, shape.ActionDimension, row, (int)index)
                && Same(_batch.NextObservation, _episode.NextObservation, shape.ObservationDimension, row, (int)index)
                && Same(_batch.Task, _episode.Task, shape.TaskDimension, row, (int)index)
                && Same(_batch.Reward, _episode.Reward, 1, row, (int)index);
            check.Holds(same, $"row {row} is not transition {index} of the replay buffer");
        }

        check.Holds(
            _batch.ReplayIndex.ToArray().Distinct().Count() > _batch.Count / 2, "most rows are the same transition");

        static bool Same(Span<float> rows, Span<float> source, int width, int row, int index) =>
            rows.Slice(row * width, width).SequenceEqual(source.Slice(index * width, width));
    }

    public override void Dispose()
    {
        _replay.Dispose();
        _episode.Dispose();
        _batch.Dispose();
    }
}
