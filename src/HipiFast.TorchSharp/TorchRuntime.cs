using System.Runtime.InteropServices;
using HipiFast.TorchSharp.Loading;
using TorchSharp;

namespace HipiFast.TorchSharp;

/// <summary>Whether libtorch, the native half of TorchSharp, can be used here.</summary>
/// <remarks>
/// Where Linux has a libstdc++ older than GCC 13's (Debian 12, Ubuntu 22.04, RHEL 9), TorchSharp's library is loaded as
/// a copy in memory that asks less of it. So ask here before anything of TorchSharp is used: TorchSharp by itself would
/// look for its library in vain.
/// </remarks>
public static class TorchRuntime
{
    private static readonly Lazy<string> s_reason = new(FindReason);

    /// <summary>Versions of TorchSharp and libtorch, for messages.</summary>
    public static string Version =>
        $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}";

    /// <summary>
    /// Why libtorch cannot be used on a system like this, in one sentence without its full stop; null where nothing is
    /// known to stand in its way. Loads nothing of it.
    /// </summary>
    public static string? WhyNot { get; } = Refusal(
        OperatingSystem.IsLinux() && !HasGlibc(), OperatingSystem.IsMacOS(), RuntimeInformation.ProcessArchitecture);

    /// <summary>
    /// What is done differently on this system, in a few words; null where TorchSharp is loaded as it is. Loads nothing
    /// of it.
    /// </summary>
    public static string? Remark => WhyNot is null && CompatibleLibrary.IsNeeded
        ? "loads a copy of TorchSharp's library made in memory for this system's libstdc++, older than GCC 13's"
        : null;

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

    /// <summary>Why there is no libtorch for a kind of system.</summary>
    /// <param name="lacksGlibc">Whether it is Linux with another C library.</param>
    /// <param name="isMac">Whether it is macOS.</param>
    /// <param name="architecture">That of the process.</param>
    /// <returns>A sentence without its full stop; null where there is.</returns>
    internal static string? Refusal(bool lacksGlibc, bool isMac, Architecture architecture) =>
        lacksGlibc
            ? "libtorch is built for the C library glibc, and this system has another, such as Alpine's musl"
            : architecture != (isMac ? Architecture.Arm64 : Architecture.X64)
            ? $"there is no package of libtorch for {(isMac ? "macOS" : "this system")} on {architecture}; there are "
                + "those for Linux and Windows on x64 and for macOS on Arm64"
            : null;

    /// <summary>What the loader's complaint means for the user.</summary>
    /// <param name="message">What it said, on one line or several.</param>
    /// <returns>A sentence without its full stop.</returns>
    internal static string Explain(string message)
    {
        string[] lines = message.Split(
            '\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Find("GLIBCXX_", "CXXABI_") is string compiler
                ? $"it needs a newer C++ runtime than this system has, libstdc++ of GCC 11 or later: {compiler}"
            : Find("GLIBC_") is string library
                ? $"it needs a newer C library than this system has, glibc 2.34 or later: {library}"
            : Find("undefined symbol") is string symbol
                ? $"the libtorch that was found is not the one that TorchSharp was built for: {symbol}"
            : "a build with the TorchSharp and libtorch packages for this system puts it beside the program: "
                + lines[0].TrimEnd('.');

        string? Find(params ReadOnlySpan<string> words)
        {
            foreach (string word in words)
            {
                string? line = lines.FirstOrDefault(line => line.Contains(word, StringComparison.Ordinal));
                if (line is not null)
                {
                    int start = line.IndexOf("version `", StringComparison.Ordinal) is >= 0 and int version
                        ? version
                        : Math.Max(0, line.IndexOf("undefined symbol", StringComparison.Ordinal));
                    return line[start..].TrimEnd('.');
                }
            }

            return null;
        }
    }

    private static bool HasGlibc() =>
        NativeLibrary.TryLoad("libc.so.6", out nint library)
        && NativeLibrary.TryGetExport(library, "gnu_get_libc_version", out _);

    // TorchSharp itself, when libtorch does not load, prints its search to the console and copies half a gigabyte into
    // the program's folder; so the loader is asked first.
    private static string FindReason()
    {
        if (WhyNot is string refusal)
        {
            return refusal;
        }

        try
        {
            if (CompatibleLibrary.IsNeeded)
            {
                CompatibleLibrary.Load(Folders(), [typeof(torch).Assembly, typeof(TorchRuntime).Assembly]);
            }
            else
            {
                NativeLibrary.Load(CompatibleLibrary.Name, typeof(torch).Assembly, null);
            }

            return string.Empty;
        }
        catch (Exception error) when (
            error is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            return Explain(error.Message);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return $"a copy of {CompatibleLibrary.FileName} for this system's libstdc++, older than GCC 13's, cannot "
                + $"be made: {error.Message.TrimEnd('.')}";
        }
    }

    // Where the host looks for native libraries, and where a plug-in has its own.
    private static IEnumerable<string> Folders()
    {
        string own = Path.GetDirectoryName(typeof(torch).Assembly.Location) is { Length: > 0 } folder
            ? folder
            : AppContext.BaseDirectory;
        string listed = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? string.Empty;
        return
        [
            own, Path.Combine(own, "runtimes", "linux-x64", "native"),
            .. listed.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        ];
    }
}
