using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.Tests.Threading;

/// <summary>
/// The pool under everything at once: more callers than cores, nested calls, exceptions, workers that fall asleep and
/// wake up, pools that are just starting. Every chunk checks what a race would break: that it runs once, that no other
/// thread uses its worker's scratch memory, that it sees what was written before the call; and the caller, that it sees
/// what the chunks wrote. The memory that is checked is plain on purpose: nothing but the pool orders its reads and
/// writes.
/// </summary>
public sealed class WorkerPoolStressTests
{
    private const int Threads = 4;

    [Fact]
    public void ManyCallersOfOnePool() =>
        RunCallers(2 * Environment.ProcessorCount + 3, 3000, seed: 1, new WorkerPool(Threads));

    [Fact]
    public void OneCallerOfManyWorkers() =>
        RunCallers(1, 6000, seed: 2, new WorkerPool(4 * Environment.ProcessorCount));

    [Fact]
    public void PoolsThatAreJustStarting()
    {
        for (int i = 0; i < 20; i++)
        {
            RunCallers(3, 15, seed: 100 + i, new WorkerPool(Threads));
        }
    }

    [Fact]
    public void AnInterruptedCallerLeavesNoThreadInItsWork()
    {
        WorkerPool pool = new(Threads);
        Exception? failure = null;
        Thread caller = new(() =>
        {
            try
            {
                for (int repeat = 0; repeat < 2000; repeat++)
                {
                    RunInterrupted(new CheckedWork(pool, 16, seed: repeat, mayThrow: false), rest: repeat % 100 == 0);
                }
            }
            catch (Exception error)
            {
                failure = error;
            }
        });
        caller.Start();
        RunCallers(2, 1000, seed: 3, pool);
        caller.Join();
        Assert.True(failure is null, failure?.ToString());
        new CheckedWork(pool, 50, seed: 4, mayThrow: false).Run(Threads);

        static void RunInterrupted(CheckedWork work, bool rest)
        {
            try
            {
                // Answered by the first wait that can be interrupted: the pool's, for a lock on its way to wake a
                // thread, or the one below.
                Thread.CurrentThread.Interrupt();
                work.Run(Threads);
                Thread.Sleep(rest ? 1 : 0);
            }
            catch (ThreadInterruptedException)
            {
                Assert.Equal(0, work.Inside);
            }
        }
    }

    private static void RunCallers(int callers, int jobs, int seed, WorkerPool pool)
    {
        Exception? failure = null;
        using Barrier start = new(callers);
        Thread[] threads = new Thread[callers];
        for (int i = 0; i < callers; i++)
        {
            int caller = i;
            threads[i] = new Thread(() =>
            {
                start.SignalAndWait();
                try
                {
                    for (int job = 0; job < jobs && Volatile.Read(ref failure) is null; job++)
                    {
                        int jobSeed = unchecked((seed * 1_000_003) + (caller * 7919) + job);
                        uint bits = Mix((uint)jobSeed);
                        new CheckedWork(pool, (int)(bits % 37), jobSeed, mayThrow: bits % 11 == 0).Run(
                            (int)(1 + (bits >> 8) % (2 * Threads)));
                        if (job % 97 == 96)
                        {
                            // Long enough for the workers to fall asleep.
                            Thread.Sleep(1);
                        }
                    }
                }
                catch (Exception error)
                {
                    Interlocked.CompareExchange(ref failure, error, null);
                }
            });
            threads[i].Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.True(failure is null, failure?.ToString());
    }

    private static uint Mix(uint value)
    {
        value = (value ^ (value >> 16)) * 0x45D9F3B;
        value = (value ^ (value >> 16)) * 0x45D9F3B;
        return value ^ (value >> 16);
    }

    /// <summary>A job that checks its own invariants. Every third chunk calls the pool again from inside.</summary>
    private sealed class CheckedWork(WorkerPool pool, int chunks, int seed, bool mayThrow, bool isNested = false)
        : IParallelWork
    {
        private const int MostWorkers = 256;

        private readonly int[] _input = new int[chunks];
        private readonly int[] _output = new int[chunks];
        private readonly int[] _runs = new int[chunks];

        // Scratch memory of each worker: the number of the chunk that uses it, on a cache line of its own.
        private readonly int[] _scratch = new int[MostWorkers * 16];
        private int _inside;
        private string? _problem;

        public int Inside => Volatile.Read(ref _inside);

        public void Run(int maxThreads)
        {
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                _input[chunk] = seed ^ chunk;
            }

            bool threw = false;
            try
            {
                pool.Run(this, chunks, maxThreads);
            }
            catch (InvalidOperationException error) when (error.Message == "wanted")
            {
                threw = true;
            }

            Assert.Equal(0, Inside);
            Assert.Null(_problem);
            Assert.Equal(mayThrow && chunks > 0, threw);
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                Assert.InRange(_runs[chunk], threw ? 0 : 1, 1);
                Assert.Equal(_runs[chunk] * ((seed ^ chunk) + 1), _output[chunk]);
            }
        }

        public void Execute(int chunk, int worker)
        {
            Interlocked.Increment(ref _inside);
            try
            {
                ref int scratch = ref _scratch[worker * 16];
                if (scratch != 0)
                {
                    _problem ??= $"Worker {worker} runs chunks {scratch - 1} and {chunk} at once.";
                }

                scratch = chunk + 1;
                if (_input[chunk] != (seed ^ chunk))
                {
                    _problem ??= $"Chunk {chunk} does not see what its caller wrote.";
                }

                _output[chunk] = _input[chunk] + 1;
                _runs[chunk]++;
                if (!isNested && chunk % 3 == 2)
                {
                    new CheckedWork(pool, chunk % 5, seed + chunk, mayThrow: false, isNested: true).Run(Threads);
                }
                else
                {
                    Thread.SpinWait((int)(Mix((uint)(seed + chunk)) % 60));
                }

                if (scratch != chunk + 1)
                {
                    _problem ??= $"Worker {worker} ran chunk {scratch - 1} while it ran {chunk}.";
                }

                scratch = 0;
                if (mayThrow && chunk == (chunks - 1) / 2)
                {
                    throw new InvalidOperationException("wanted");
                }
            }
            finally
            {
                Interlocked.Decrement(ref _inside);
            }
        }
    }
}
