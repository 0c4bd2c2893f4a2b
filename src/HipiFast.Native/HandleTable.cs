using System.Collections.Concurrent;

namespace HipiFast.Native;

/// <summary>A handle stands for nothing of the kind that was asked for.</summary>
/// <param name="message">One sentence.</param>
internal sealed class InvalidHandleException(string message) : Exception(message);

/// <summary>
/// What callers hold: numbers, none of which ever comes twice, so that one that was freed or made up stands for nothing
/// instead of something else.
/// </summary>
internal static class HandleTable
{
    // Odd, so that multiplying by it maps numbers one to one; its multiples are not what anybody makes up.
    private const ulong Spread = 0x9E37_79B9_7F4A_7C15;

    private static readonly ConcurrentDictionary<ulong, object> s_objects = new();
    private static ulong s_last;

    /// <summary>How many are in use.</summary>
    public static int Count => s_objects.Count;

    /// <summary>Gives an object a handle.</summary>
    /// <param name="value">The object.</param>
    /// <returns>The handle, never 0.</returns>
    public static ulong Add(object value)
    {
        ulong handle = Interlocked.Increment(ref s_last) * Spread;
        s_objects[handle] = value;
        return handle;
    }

    /// <summary>The object of a handle.</summary>
    /// <typeparam name="T">What it must be.</typeparam>
    /// <param name="handle">The handle.</param>
    /// <param name="what">What it must be, in words.</param>
    /// <returns>The object.</returns>
    /// <exception cref="InvalidHandleException">It is nothing, or something else.</exception>
    public static T Get<T>(ulong handle, string what)
        where T : class => s_objects.TryGetValue(handle, out object? value) && value is T typed
            ? typed
            : throw new InvalidHandleException(
                $"The handle {handle:x16} is {(value is null ? "nothing, or destroyed" : "of another kind")}; expected "
                + $"that of {what}.");

    /// <summary>Disposes of an object and forgets its handle.</summary>
    /// <param name="handle">The handle; 0 for nothing.</param>
    /// <exception cref="InvalidHandleException">It is nothing.</exception>
    /// <exception cref="InvalidOperationException">It is in use, and stays.</exception>
    public static void Remove(ulong handle)
    {
        if (handle == 0)
        {
            return;
        }

        object value = Get<object>(handle, "something that is not destroyed");
        (value as IDisposable)?.Dispose();
        s_objects.TryRemove(handle, out _);
    }
}
