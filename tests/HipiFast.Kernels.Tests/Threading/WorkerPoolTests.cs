using HipiFast.Kernels.Threading;
using HipiFast.Testing;

namespace HipiFast.Kernels.Tests.Threading;

public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 4)]
    [InlineData(3, 4)]
    [InlineData(1000, 1)]
    [InlineData(1000, 2)]
    [InlineData(1000, 4)]
    [InlineData(1000, 100)]
    public void EveryChunkRunsOnceOnAWorkerOfItsOwn(int chunks, int maxThreads)
    {
        WorkerPool pool = new(4);
        for (int repeat = 0; repeat < 20; repeat++)
        {
            CountingWork work = new(chunks);
            pool.Run(work, chunks, maxThreads);
            work.AssertComplete(Math.Min(4, maxThreads));
        }
    }

    [Fact]
    public void SeveralThreadsTakePart()
    {
        WorkerPool pool = new(3);
        using Barrier barrier = new(3);

        // Each chunk waits for the two others: this ends only when three threads run at the same time.
        BarrierWork work = new(barrier);
        pool.Run(work, 3, 3);
        Assert.Equal(3, work.Workers.Distinct().Count());
    }

    [Fact]
    public void ASleepingPoolWakesUp()
    {
        WorkerPool pool = new(3);
        using Barrier barrier = new(3);
        for (int i = 0; i < 5; i++)
        {
            pool.Run(new BarrierWork(barrier), 3, 3);
            Thread.Sleep(5);
        }
    }

    [Fact]
    public void ConcurrentCallersAllFinish()
    {
        WorkerPool pool = new(4);
        Exception? failure = null;
        Thread[] callers = new Thread[4];
        for (int i = 0; i < callers.Length; i++)
        {
            callers[i] = new Thread(() =>
            {
                try
                {
                    for (int repeat = 0; repeat < 500; repeat++)
                    {
                        CountingWork work = new(repeat % 23);
                        pool.Run(work, repeat % 23, 4);
                        work.AssertComplete(4);
                    }
                }
                catch (Exception exception)
                {
                    failure = exception;
                }
            });
            callers[i].Start();
        }

        foreach (Thread caller in callers)
        {
            caller.Join();
        }

        Assert.Null(failure);
    }

    [Fact]
    public void AnExceptionReachesTheCallerAfterAllWorkersHaveLeft()
    {
        WorkerPool pool = new(4);
        for (int repeat = 0; repeat < 200; repeat++)
        {
            CountingWork work = new(64) { FailingChunk = repeat % 64 };
            Assert.Equal("chunk failed", Assert.Throws<InvalidOperationException>(() => pool.Run(work, 64, 4)).Message);
            Assert.Equal(0, work.Inside);
            work.AssertNoneTwice();
        }

        CountingWork next = new(64);
        pool.Run(next, 64, 4);
        next.AssertComplete(4);
    }

    [Fact]
    public void ANestedCallRunsInItsCaller()
    {
        WorkerPool pool = new(4);
        NestingWork work = new(pool);
        pool.Run(work, 16, 4);
        Assert.All(work.Inner, inner => inner.AssertComplete(1));
    }

    [Fact]
    public void ManyShortJobsLoseNothing()
    {
        WorkerPool pool = new(4);
        CountingWork work = new(7);
        for (int repeat = 1; repeat <= 20_000; repeat++)
        {
            pool.Run(work, 7, 4);
            if (repeat % 1000 == 0)
            {
                // Long enough for the workers to fall asleep.
                Thread.Sleep(1);
            }
        }

        work.AssertEach(20_000);
    }

    [Fact]
    public void RunAllocatesNothing()
    {
        WorkerPool pool = new(3);
        CountingWork work = new(50);
        pool.Run(work, 50, 3);
        SteadyState.AssertAllocatesNothing(() => pool.Run(work, 50, 3));
    }

    private sealed class CountingWork(int chunks) : IParallelWork
    {
        private readonly int[] _counts = new int[chunks];
        private readonly int[] _workerInUse = new int[64];
        private int _highestWorker = -1;
        private int _sharedWorkers;
        private int _inside;

        public int FailingChunk { get; init; } = -1;

        public int Inside => Volatile.Read(ref _inside);

        public void Execute(int chunk, int worker)
        {
            Interlocked.Increment(ref _inside);
            if (Interlocked.Exchange(ref _workerInUse[worker], 1) != 0)
            {
                Interlocked.Increment(ref _sharedWorkers);
            }

            try
            {
                Interlocked.Increment(ref _counts[chunk]);
                int highest = Volatile.Read(ref _highestWorker);
                while (worker > highest)
                {
                    highest = Interlocked.CompareExchange(ref _highestWorker, worker, highest);
                }

                Thread.SpinWait(20);
                if (chunk == FailingChunk)
                {
                    throw new InvalidOperationException("chunk failed");
                }
            }
            finally
            {
                Volatile.Write(ref _workerInUse[worker], 0);
                Interlocked.Decrement(ref _inside);
            }
        }

        public void AssertComplete(int threads)
        {
            AssertEach(1);
            Assert.InRange(_highestWorker, -1, threads - 1);
        }

        public void AssertEach(int count)
        {
            Assert.All(_counts, actual => Assert.Equal(count, actual));
            Assert.Equal(0, _sharedWorkers);
            Assert.Equal(0, Inside);
        }

        public void AssertNoneTwice()
        {
            Assert.All(_counts, actual => Assert.InRange(actual, 0, 1));
            Assert.Equal(1, _counts[FailingChunk]);
        }
    }

    private sealed class BarrierWork(Barrier barrier) : IParallelWork
    {
        public int[] Workers { get; } = new int[3];

        public void Execute(int chunk, int worker)
        {
            Workers[chunk] = worker;
            barrier.SignalAndWait();
        }
    }

    private sealed class NestingWork(WorkerPool pool) : IParallelWork
    {
        public CountingWork[] Inner { get; } = [.. Enumerable.Range(0, 16).Select(_ => new CountingWork(5))];

        public void Execute(int chunk, int worker) => pool.Run(Inner[chunk], 5, 4);
    }
}
