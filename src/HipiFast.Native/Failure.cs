using System.Text;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Native;

/// <summary>The last error of every thread: exceptions become a status and a sentence.</summary>
internal static unsafe class Failure
{
    private const int MostBytes = 4096;

    [ThreadStatic]
    private static NativeBuffer<byte>? s_message;

    /// <summary>The sentence, UTF-8 with a final zero; empty where no call of this thread has failed.</summary>
    public static byte* Message => Buffer.Pointer;

    private static NativeBuffer<byte> Buffer => s_message ??= new NativeBuffer<byte>(MostBytes + 1);

    /// <summary>Keeps an exception's sentence.</summary>
    /// <param name="error">The exception.</param>
    /// <returns>Its status.</returns>
    public static Status Of(Exception error)
    {
        Status status = error switch
        {
            InvalidHandleException or ObjectDisposedException => Status.InvalidHandle,
            FunctionFailedException => Status.FunctionFailed,
            OutOfMemoryException or OverflowException => Status.OutOfMemory,
            NotSupportedException => Status.NotSupported,
            InvalidDataException => Status.InvalidData,
            ArgumentException => Status.InvalidArgument,
            IOException or UnauthorizedAccessException => Status.Io,
            InvalidOperationException => Status.Busy,
            _ => Status.Internal,
        };
        Keep(status == Status.Internal ? $"{error.GetType().Name}: {error.Message}" : Sentence(error));
        return status;
    }

    // Without the name of the parameter that .NET puts behind it, on the same line or the next.
    private static string Sentence(Exception error)
    {
        string message = error.Message;
        if (error is ArgumentException { ParamName.Length: > 0 } argument)
        {
            int suffix = message.IndexOf($" (Parameter '{argument.ParamName}')", StringComparison.Ordinal);
            message = suffix < 0 ? message : message.Remove(suffix);
        }

        return message.ReplaceLineEndings(" ");
    }

    private static void Keep(string message)
    {
        Span<byte> bytes = Buffer.Span[..MostBytes];
        Encoding.UTF8.GetEncoder().Convert(message, bytes, flush: true, out _, out int written, out _);
        Buffer.Span[written] = 0;
    }
}
