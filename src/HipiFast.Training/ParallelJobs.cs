using System.Runtime.ExceptionServices;

namespace HipiFast.Training;

/// <summary>
/// Independent jobs (runs of several seeds, say) on threads of their own, at most one per core at a time.
/// </summary>
/// <remarks>The first job that fails asks the others to stop. Safe to watch from the thread that started it.</remarks>
public sealed class ParallelJobs
{
    private readonly Thread[] _threads;
    private readonly Exception?[] _errors;

    private ParallelJobs(int count, Action<int> job, CancellationTokenSource stop)
    {
        _errors = new Exception?[count];
        SemaphoreSlim cores = new(Math.Max(1, Environment.ProcessorCount));
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            int index = i;
            _threads[i] = new Thread(() =>
            {
                cores.Wait();
                try
                {
                    // A job whose turn never came before the stop has nothing to save.
                    if (!stop.IsCancellationRequested)
                    {
                        job(index);
                    }
                }
                catch (Exception error)
                {
                    _errors[index] = error;
                    stop.Cancel();
                }
                finally
                {
                    cores.Release();
                }
            })
            { IsBackground = true, Name = $"job {index}" };
        }
    }

    /// <summary>Whether some job runs or waits for its turn.</summary>
    public bool IsRunning => _threads.Any(thread => thread.IsAlive);

    /// <summary>Starts jobs.</summary>
    /// <param name="count">Number of jobs, 0 or more.</param>
    /// <param name="job">Does the job of a number in [0, count); called on a thread of its own.</param>
    /// <param name="stop">
    /// Cancelled when a job fails; jobs watch its token, and those that have not begun when it is cancelled never do.
    /// </param>
    /// <returns>The jobs, running.</returns>
    public static ParallelJobs Start(int count, Action<int> job, CancellationTokenSource stop)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(stop);
        ParallelJobs jobs = new(count, job, stop);
        foreach (Thread thread in jobs._threads)
        {
            thread.Start();
        }

        return jobs;
    }

    /// <summary>Waits for all jobs; throws what the first of them (by number) that failed threw.</summary>
    public void Join()
    {
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        Exception? first = _errors.FirstOrDefault(error => error is not null);
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }
}
