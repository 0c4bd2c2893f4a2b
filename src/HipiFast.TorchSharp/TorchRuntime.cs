using System.Runtime.InteropServices;
using TorchSharp;

namespace HipiFast.TorchSharp;

/// <summary>Whether libtorch, the native half of TorchSharp, can be used here.</summary>
public static class TorchRuntime
{
    private static readonly Lazy<string> s_reason = new(FindReason);

    /// <summary>Versions of TorchSharp and libtorch, for messages.</summary>
    public static string Version =>
        $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}";

    /// <summary>Whether libtorch loads. Loads it; does so once.</summary>
    /// <param name="reason">Why not, in one sentence without its full stop; empty when it does.</param>
    /// <returns>True when it does.</returns>
    public static bool IsSupported(out string reason)
    {
        reason = s_reason.Value;
        return reason.Length == 0;
    }

    /// <summary>Throws, with what to install, unless libtorch loads and has the device.</summary>
    /// <param name="device"><c>cpu</c> or <c>cuda</c>.</param>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    /// <exception cref="NotSupportedException">It cannot be used here; the message says why and what to do.</exception>
    public static void Require(string device)
    {
        if (device is not (TorchOptions.Cpu or TorchOptions.Cuda))
        {
            throw new ArgumentException(
                $"Unknown torch device '{device}'; expected {TorchOptions.Cpu} or {TorchOptions.Cuda}.",
                nameof(device));
        }

        if (!IsSupported(out string reason))
        {
            throw new NotSupportedException(
                $"The learner 'torch' cannot load libtorch: {reason}; use --learner embedded.");
        }

        if (device == TorchOptions.Cuda && !torch.cuda.is_available())
        {
            throw new NotSupportedException(
                "The torch device 'cuda' needs an NVIDIA driver and a build with libtorch for CUDA (dotnet build "
                + "-p:TorchDevice=cuda); "
                + "use --torch-device cpu.");
        }
    }

    // TorchSharp itself, when libtorch does not load, prints its search to the console and copies half a gigabyte into
    // the program's folder; so the loader is asked first.
    private static string FindReason()
    {
        try
        {
            NativeLibrary.Load("LibTorchSharp", typeof(torch).Assembly, null);
            return string.Empty;
        }
        catch (Exception error) when (
            error is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            string[] lines = error.Message.Split(
                '\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            string? missing = lines.FirstOrDefault(line => line.Contains("GLIBC", StringComparison.Ordinal));
            return missing is not null
                ? "it needs a newer C++ runtime than this system has, libstdc++ of GCC 13 or later (Debian 13, Ubuntu "
                    + "24.04): "
                    + missing[(missing.IndexOf("version", StringComparison.Ordinal) is >= 0 and int at ? at : 0)..]
                : "a build with the TorchSharp and libtorch packages for this system puts it beside the program: "
                    + lines[0].TrimEnd('.');
        }
    }
}
