namespace HipiFast.Formats;

/// <summary>
/// What a library says of a file that it cannot read, as one sentence of bad data: a library that trusts what it reads
/// fails in any way where it should not have.
/// </summary>
internal static class DamagedFile
{
    /// <summary>Calls a library.</summary>
    /// <typeparam name="T">What it returns.</typeparam>
    /// <param name="path">The file that it reads.</param>
    /// <param name="kind">What the file should be, such as <c>HDF5 file</c>.</param>
    /// <param name="call">The call.</param>
    /// <returns>What it returned.</returns>
    /// <exception cref="InvalidDataException">It threw anything.</exception>
    public static T Guard<T>(string path, string kind, Func<T> call)
    {
        try
        {
            return call();
        }
        catch (Exception error) when (error is not UnauthorizedAccessException)
        {
            Exception cause = error is AggregateException { InnerException: Exception inner } ? inner : error;
            if (cause is InvalidDataException && cause.Message.Contains(path, StringComparison.Ordinal))
            {
                // One of ours, which says more.
                throw;
            }

            string reason = Storage.DisplayText.Quote(cause.Message.ReplaceLineEndings(" "))[1..^1].TrimEnd('.', ' ');
            throw new InvalidDataException(
                $"'{path}' is a damaged {kind}, or holds what is not read here: {reason}.", cause);
        }
    }
}
