using HipiFast.Kernels.Backends;
using HipiFast.Replay;

namespace HipiFast.Kernels.Ilgpu.Tests.Replay;

/// <summary>
/// A replay in a session's memory gives the batches that its buffer gives, in every column of the schema.
/// </summary>
public sealed class ResidentReplayTests : IDisposable
{
    private const int Rows = 33;
    private static readonly TransitionShape s_shape = new(3, 2, 2);

    private readonly ComputeSession _session = Sessions.Create(DeviceTestBackend.Cpu);
    private readonly ResidentReplay _replay;

    public ResidentReplayTests()
    {
        using TransitionBatch before = Step(0);
        ReplayBuffer buffer = new(s_shape, 20, 4);
        buffer.Append(before, new byte[4]);
        _replay = new ResidentReplay(_session.Transitions!, buffer);
        for (int step = 1; step < 9; step++)
        {
            using TransitionBatch rows = Step(step);
            _replay.Append(rows, new byte[4]);
        }
    }

    public void Dispose()
    {
        _replay.Dispose();
        _session.Dispose();
    }

    [Fact]
    public unsafe void EveryColumnComesBackAsTheHostHasIt()
    {
        using TransitionBatch expected = new(s_shape, Rows);
        using ITransitionBatch batch = _replay.CreateBatch(Rows);
        for (uint call = 0; call < 3; call++)
        {
            int rows = Rows - (int)call;
            _replay.Host.Sample(expected, rows, 5, call);
            _replay.Sample(batch, rows, 5, call);
            Assert.Equal(rows, batch.Count);
            TransitionBatch found = batch.ToHost();
            foreach (TransitionColumn column in TransitionBatch.Schema)
            {
                byte[] right = new byte[rows * column.RowBytes(s_shape)], bytes = new byte[right.Length];
                fixed (byte* a = right, b = bytes)
                {
                    expected.CopyTo(column, a);
                    found.CopyTo(column, b);
                }

                Assert.Equal(right, bytes);
            }
        }
    }

    [Fact]
    public void ABatchComesDownOnceUntilItChanges()
    {
        using ResidentTransitionBatch batch = (ResidentTransitionBatch)_replay.CreateBatch(Rows);
        Assert.Equal(0, batch.ToHost().Count);
        _replay.Sample(batch, Rows, 5, 0);
        TransitionBatch host = batch.ToHost();
        float reward = host.Reward[3];
        host.Reward[3] = -77;
        Assert.Same(host, batch.ToHost());
        Assert.Equal(-77, host.Reward[3]);
        batch.MarkChanged();
        Assert.Same(host, batch.ToHost());
        Assert.Equal(reward, host.Reward[3]);
        host.Reward[3] = -77;
        _replay.Sample(batch, Rows, 5, 0);
        Assert.Equal(reward, batch.ToHost().Reward[3]);
    }

    [Fact]
    public void OneBatchAtATimeAndOnlyItsOwn()
    {
        ITransitionBatch first = _replay.CreateBatch(Rows);
        Assert.Throws<InvalidOperationException>(() => _replay.CreateBatch(Rows));
        Assert.Throws<ArgumentException>(() => _replay.Sample(first, Rows + 1, 5, 0));
        first.Dispose();
        using ITransitionBatch second = _replay.CreateBatch(2 * Rows);
        using TransitionBatch host = new(s_shape, Rows);
        Assert.Throws<ArgumentException>(() => _replay.Sample(first, Rows, 5, 0));
        Assert.Throws<ArgumentException>(() => _replay.Sample(host, Rows, 5, 0));
        Assert.Throws<ArgumentException>(() => _replay.Host.Sample(second, Rows, 5, 0));
        Assert.Throws<ObjectDisposedException>(() => first.ToHost());
        _replay.Sample(second, 2 * Rows, 5, 0);
    }

    private static TransitionBatch Step(int number)
    {
        TransitionBatch step = new(s_shape, 4) { Count = 4 };
        Fill(step.Observation, 0);
        Fill(step.Action, 1);
        Fill(step.NextObservation, 2);
        Fill(step.Task, 3);
        Fill(step.Reward, 4);
        step.Terminated[number % 4] = 1;
        return step;

        void Fill(Span<float> values, int part)
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (100 * number) + (10 * part) + i;
            }
        }
    }
}
