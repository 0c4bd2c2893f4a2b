using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary>
/// The directories of a command's runs, all held from its start on, so that a run whose turn comes late finds its own
/// free.
/// </summary>
internal sealed class HeldDirectories : IDisposable
{
    private readonly List<DirectoryLock> _common = [], _runs = [];

    /// <summary>Takes hold of all, or of none.</summary>
    /// <param name="common">Directories that several runs share.</param>
    /// <param name="runs">The runs.</param>
    /// <exception cref="DirectoryInUseException">Another run holds one of them.</exception>
    public HeldDirectories(IEnumerable<string> common, IEnumerable<RunDirectory> runs)
    {
        try
        {
            foreach (string directory in common)
            {
                _common.Add(DirectoryLock.Take(directory));
            }

            foreach (RunDirectory run in runs)
            {
                _runs.Add(run.Hold());
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What holds the directory of a run.</summary>
    /// <param name="run">Its number, in the order they were given.</param>
    public DirectoryLock Of(int run) => _runs[run];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DirectoryLock held in _common.Concat(_runs))
        {
            held.Dispose();
        }
    }
}
