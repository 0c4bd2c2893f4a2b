using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.TorchSharp.Loading;

/// <summary>
/// TorchSharp's native library on Linux whose C++ runtime is older than the compiler that it was built by.
/// </summary>
/// <remarks>
/// <para>It asks libstdc++ for two versions that old systems lack. <c>GLIBCXX_3.4.32</c> (GCC 13) stands in it without
/// use: the header <c>iostream</c> names <c>std::ios_base_library_init</c> so that a library which leaves the
/// initialisation of the streams to libstdc++ is refused where that does not do it. Where it does not, libtorch, which
/// was built by an older compiler and is initialised before, has initialised them. <c>GLIBCXX_3.4.30</c> (GCC 12) is
/// that of <c>std::condition_variable::wait</c> since it is noexcept; the function before has the same arguments and
/// is in every libstdc++ as of <c>GLIBCXX_3.4.11</c>.</para>
/// <para>So a copy that asks for the older function, and may do without those two versions, is loaded in the library's
/// place. It exists in memory alone (<c>memfd_create</c>): no file is changed, none is left, and processes do not meet.
/// A copy of a library which uses the versions otherwise is refused.</para>
/// </remarks>
internal static partial class CompatibleLibrary
{
    /// <summary>Name of the library in calls.</summary>
    public const string Name = "LibTorchSharp";

    /// <summary>Its file.</summary>
    public const string FileName = "lib" + Name + ".so";

    private const string Runtime = "libstdc++.so.6";
    private const string Marker = "GLIBCXX_3.4.32", MarkerSymbol = "_ZSt21ios_base_library_initv";

    private static readonly (string Symbol, string Version, string Before)[] s_functions =
        [("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE", "GLIBCXX_3.4.30", "GLIBCXX_3.4.11")];

    private static readonly string[] s_versions = [Marker, .. s_functions.Select(function => function.Version)];

    /// <summary>Whether this is Linux with a libstdc++ older than GCC 13's.</summary>
    public static bool IsNeeded { get; } = OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad(Runtime, out nint runtime)
        && !NativeLibrary.TryGetExport(runtime, MarkerSymbol, out _);

    /// <summary>Loads a copy of the library, and has it found under its name.</summary>
    /// <param name="folders">Where the library's file may lie.</param>
    /// <param name="callers">Assemblies that call it.</param>
    /// <returns>Its handle.</returns>
    /// <exception cref="DllNotFoundException">There is no such file, or the loader refuses it.</exception>
    /// <exception cref="InvalidDataException">It is not a library for which a copy is of help.</exception>
    public static nint Load(IEnumerable<string> folders, IReadOnlyList<Assembly> callers)
    {
        string file = folders.Select(folder => Path.Combine(folder, FileName)).FirstOrDefault(File.Exists)
            ?? throw new DllNotFoundException($"{FileName} was not found.");
        byte[] image = Adapt(File.ReadAllBytes(file));
        foreach (string library in new ElfSymbolVersions(image).Libraries)
        {
            // The copy lies in no folder. The loader knows libraries that are loaded by their names.
            string beside = Path.Combine(Path.GetDirectoryName(file)!, library);
            if (File.Exists(beside))
            {
                NativeLibrary.Load(beside);
            }
        }

        nint handle = LoadImage(image);
        foreach (Assembly caller in callers)
        {
            try
            {
                NativeLibrary.SetDllImportResolver(caller, (name, _, _) => Find(name));
            }
            catch (InvalidOperationException)
            {
                // It has a resolver already. The context below is asked for what that one does not find.
            }

            // TorchSharp looks for the library by name, too, for which nobody asks a resolver of calls.
            if (AssemblyLoadContext.GetLoadContext(caller) is AssemblyLoadContext context)
            {
                context.ResolvingUnmanagedDll += (_, name) => Find(name);
            }
        }

        return handle;

        nint Find(string name) => name == Name ? handle : nint.Zero;
    }

    /// <summary>The library as an older C++ runtime can load it.</summary>
    /// <param name="library">The file's bytes; stay as they are.</param>
    /// <returns>A copy, with nothing changed where nothing needs to be.</returns>
    /// <exception cref="InvalidDataException">
    /// It is damaged, or calls what an older runtime does not have; the message says what.
    /// </exception>
    public static byte[] Adapt(ReadOnlySpan<byte> library)
    {
        byte[] copy = library.ToArray();
        ElfSymbolVersions versions = new(copy);
        foreach ((string symbol, string version, string before) in s_functions)
        {
            versions.Rebind(symbol, version, before);
        }

        foreach (string version in s_versions)
        {
            if (versions.Uses(version) is [string used, ..])
            {
                throw new InvalidDataException(
                    $"The file calls {used} of {version}, which a C++ runtime older than GCC 13's may not have.");
            }

            versions.Weaken(version);
        }

        return copy;
    }

    /// <summary>Loads a library whose file exists in memory alone.</summary>
    /// <param name="image">The file.</param>
    /// <returns>Its handle; it stays loaded when nobody frees it.</returns>
    /// <exception cref="DllNotFoundException">The loader refuses it; or the system makes no such file.</exception>
    public static nint LoadImage(ReadOnlySpan<byte> image)
    {
        int descriptor = CreateMemoryFile(FileName, CloseOnExecute);
        if (descriptor < 0)
        {
            throw new DllNotFoundException(
                $"A copy of {FileName} in memory could not be made (memfd_create: "
                + $"{Marshal.GetLastPInvokeErrorMessage()}).");
        }

        // It stays open: the loader takes a path that it has loaded before for the same library, so that the number
        // must not come again.
        using SafeFileHandle file = new(descriptor, ownsHandle: false);
        RandomAccess.Write(file, image, 0);
        return NativeLibrary.Load($"/proc/self/fd/{descriptor}");
    }

    private const uint CloseOnExecute = 1;

    [LibraryImport(
        "libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
