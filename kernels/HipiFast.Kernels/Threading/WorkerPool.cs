using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Threading;

/// <summary>The threads of this process that kernels share. Safe to call from several threads at once.</summary>
/// <remarks>
/// One job runs at a time. Threads start with the first job that can use them, spin for a short while after each job (a
/// fork and join is then well below a microsecond) and sleep after that. The caller always takes part, and at the end
/// waits only for the threads that have joined its job: a sleeping thread that wakes too late costs nothing.
/// </remarks>
internal sealed class WorkerPool
{
    /// <summary>
    /// How long an idle worker spins before it sleeps: long enough to bridge the gap between two kernels of one
    /// training step, short enough that a program which stops calling stops burning a core at once.
    /// </summary>
    private const double SpinMicroseconds = 40;

    // The job's state in one word, so that joining, leaving and closing are single atomic steps:
    // generation (32 bits) | open (1 bit) | workers that have joined (15 bits) | workers inside (16 bits).
    private const int JoinedShift = 16;
    private const int GenerationShift = 32;
    private const long Inside = 0xFFFF;
    private const long Joined = 0x7FFFL << JoinedShift;
    private const long Open = 1L << 31;

    // A helper is rarely more than a chunk behind; where threads outnumber cores it may need this one's.
    private const int SpinsPerYield = 32;

    private static readonly long s_spinTicks = (long)(SpinMicroseconds * Stopwatch.Frequency / 1e6);

    private readonly SemaphoreSlim _wake = new(0);
    private readonly int _maxWorkers;

    // Each on a cache line of its own: _state is polled by spinning workers while others count in _nextChunk.
    private PaddedLong _state;
    private PaddedLong _nextChunk;

    private IParallelWork? _work;
    private Exception? _failure;
    private int _chunks;
    private int _helpers;
    private int _busy;
    private int _started;
    private int _parked;

    /// <summary>Makes a pool; its threads start when first needed.</summary>
    /// <param name="threads">Most threads of one job, the caller included.</param>
    internal WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        _maxWorkers = Math.Min(threads - 1, (int)(Joined >> JoinedShift));
    }

    /// <summary>The pool of this process, one worker per core.</summary>
    public static WorkerPool Shared { get; } = new(Environment.ProcessorCount);

    /// <summary>Runs every chunk once and returns when all are done. Allocates nothing.</summary>
    /// <param name="work">The work.</param>
    /// <param name="chunks">Number of chunks, 0 or more.</param>
    /// <param name="maxThreads">Most threads to use, the caller included; 1 runs all in the caller.</param>
    /// <remarks>
    /// When the pool is busy with another caller's job, or when called from inside a chunk, the caller runs all chunks
    /// itself, as worker 0. When a chunk throws, chunks not yet begun are dropped, and the first exception is rethrown
    /// here once no thread touches the work any more.
    /// </remarks>
    public void Run(IParallelWork work, int chunks, int maxThreads)
    {
        ArgumentNullException.ThrowIfNull(work);
        int helpers = Math.Min(Math.Min(maxThreads, chunks) - 1, _maxWorkers);
        if (helpers < 1 || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                work.Execute(chunk, 0);
            }

            return;
        }

        Exception? failure;
        try
        {
            StartThreads(helpers);
            _work = work;
            _chunks = chunks;
            _helpers = helpers;
            _nextChunk.Value = 0;

            // Opens the job: everything written above is seen by whoever joins. No thread is inside, so the whole word
            // may be replaced.
            uint generation = (uint)(_state.Value >> GenerationShift) + 1;
            Interlocked.Exchange(ref _state.Value, ((long)generation << GenerationShift) | Open);
            try
            {
                WakeWorkers(helpers);
                RunChunks(0);
            }
            finally
            {
                // Also when waking was interrupted (Thread.Interrupt): whoever has joined still works on the caller's
                // memory.
                CloseJob();
            }
        }
        finally
        {
            failure = _failure;
            _failure = null;
            _work = null;
            Volatile.Write(ref _busy, 0);
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Lets nobody join any more and waits until those who have joined have left.</summary>
    private void CloseJob()
    {
        Interlocked.And(ref _state.Value, ~Open);
        for (int spins = 0; (Volatile.Read(ref _state.Value) & Inside) != 0; spins++)
        {
            // No call here may throw: SpinWait.SpinOnce would sleep, and a sleep can be interrupted.
            Thread.SpinWait(8);
            if (spins % SpinsPerYield == SpinsPerYield - 1)
            {
                Thread.Yield();
            }
        }
    }

    private void StartThreads(int helpers)
    {
        while (_started < helpers)
        {
            Thread thread = new(WorkerLoop) { IsBackground = true, Name = $"HipiFast worker {_started + 1}" };
            thread.UnsafeStart();
            _started++;
        }
    }

    /// <summary>
    /// Wakes as many sleeping workers as the job can use beyond those that are awake. A woken worker was taken off the
    /// parked count here.
    /// </summary>
    private void WakeWorkers(int helpers)
    {
        while (true)
        {
            int parked = Volatile.Read(ref _parked);
            int needed = Math.Min(parked, helpers - (_started - parked));
            if (needed <= 0)
            {
                return;
            }

            if (Interlocked.CompareExchange(ref _parked, parked - needed, parked) == parked)
            {
                _wake.Release(needed);
                return;
            }
        }
    }

    private void RunChunks(int worker)
    {
        IParallelWork work = _work!;
        int chunks = _chunks;
        try
        {
            while (true)
            {
                long chunk = Interlocked.Increment(ref _nextChunk.Value) - 1;
                if (chunk >= chunks)
                {
                    return;
                }

                work.Execute((int)chunk, worker);
            }
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, exception, null);
            Interlocked.Exchange(ref _nextChunk.Value, chunks);
        }
    }

    private void WorkerLoop()
    {
        uint lastGeneration = 0;
        while (true)
        {
            WaitForJob(lastGeneration);
            int worker = TryJoin(ref lastGeneration);
            if (worker > 0)
            {
                RunChunks(worker);
                Interlocked.Decrement(ref _state.Value);
            }
        }
    }

    /// <summary>
    /// Enters the open job, unless there is none, this thread has been in it, or it has all the workers it wants.
    /// </summary>
    /// <returns>The worker number, or 0.</returns>
    private int TryJoin(ref uint lastGeneration)
    {
        while (true)
        {
            long state = Volatile.Read(ref _state.Value);
            uint generation = (uint)(state >> GenerationShift);
            if (generation == lastGeneration || (state & Open) == 0)
            {
                lastGeneration = generation;
                return 0;
            }

            // A stale _helpers (of an earlier job) is harmless: the exchange below then fails.
            int joined = (int)((state & Joined) >> JoinedShift);
            if (joined >= Volatile.Read(ref _helpers))
            {
                lastGeneration = generation;
                return 0;
            }

            if (Interlocked.CompareExchange(ref _state.Value, state + (1L << JoinedShift) + 1, state) == state)
            {
                lastGeneration = generation;
                return joined + 1;
            }
        }
    }

    /// <summary>Returns when there may be a job that this thread has not seen.</summary>
    private void WaitForJob(uint lastGeneration)
    {
        long start = Stopwatch.GetTimestamp();
        do
        {
            for (int i = 0; i < 16; i++)
            {
                if (HasNewJob(lastGeneration))
                {
                    return;
                }

                Thread.SpinWait(8);
            }
        }
        while (Stopwatch.GetTimestamp() - start < s_spinTicks);

        // Announce first, look again after: a caller that opened a job in between either sees the announcement or is
        // seen here.
        Interlocked.Increment(ref _parked);
        if (HasNewJob(lastGeneration) && TryUnpark())
        {
            return;
        }

        _wake.Wait();
    }

    /// <summary>
    /// Takes back an announcement to sleep; false when a caller has already answered it, whose wake-up must then be
    /// consumed.
    /// </summary>
    private bool TryUnpark()
    {
        while (true)
        {
            int parked = Volatile.Read(ref _parked);
            if (parked == 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _parked, parked - 1, parked) == parked)
            {
                return true;
            }
        }
    }

    private bool HasNewJob(uint lastGeneration) =>
        (uint)(Volatile.Read(ref _state.Value) >> GenerationShift) != lastGeneration;

    /// <summary>A number with a cache line (two, for the adjacent-line prefetcher) to itself.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct PaddedLong
    {
        [FieldOffset(128)]
        public long Value;
    }
}
