using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>The PTX that the build put into the launcher, as hashes.</summary>
internal static class EmbeddedPtx
{
    private const string Folder = "Ptx/";

    /// <summary>A line for each kernel, and for their list: SHA-256 and name, in the order of the names.</summary>
    public static IReadOnlyList<string> Hashes()
    {
        Assembly launcher = typeof(CudaBackend).Assembly;
        return
        [
            .. launcher.GetManifestResourceNames()
                .Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
                .Select(name => $"{Hash(launcher, name)}  {name[Folder.Length..]}"),
        ];
    }

    /// <summary>All of it in one: SHA-256 of the lines.</summary>
    public static string Hash() =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Hashes()))));

    private static string Hash(Assembly assembly, string name)
    {
        using Stream stream = assembly.GetManifestResourceStream(name)!;
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
