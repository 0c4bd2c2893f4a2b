using System.Runtime.InteropServices;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Native;

/// <summary>One variant of the native library, or the reason why it cannot be had.</summary>
internal sealed unsafe class NativeVariant : IMultiplyAddLoop
{
    private static readonly Lazy<string> s_whyNoLibrary = new(Probe);

    private NativeVariant(string name, int number, int tileVectors, bool isTested, string whyNot)
    {
        Name = name;
        Number = number;
        TileVectors = tileVectors;
        IsTested = isTested;
        WhyNot = whyNot;
    }

    /// <summary>Name in the library's table, such as <c>amxbf16</c>.</summary>
    public string Name { get; }

    /// <summary>Number in the library's table; -1 when it cannot run here.</summary>
    public int Number { get; }

    /// <summary>Most vectors of 16 pairs in a tile.</summary>
    public int TileVectors { get; }

    /// <summary>Whether its code has ever run on the hardware it is for.</summary>
    public bool IsTested { get; }

    /// <summary>Why it cannot run here, one sentence; empty when it can.</summary>
    public string WhyNot { get; }

    /// <summary>Looks a variant up.</summary>
    /// <param name="name">Its name in the library's table.</param>
    /// <returns>
    /// The variant, with <see cref="WhyNot"/> set when it, or the whole library, is missing or cannot run here.
    /// </returns>
    public static NativeVariant Find(string name)
    {
        string whyNot = s_whyNoLibrary.Value;
        for (int number = 0; whyNot.Length == 0 && number < NativeMethods.GetVariantCount(); number++)
        {
            NativeVariantInfo info;
            NativeMethods.Check(NativeMethods.GetVariant(number, &info), "look-up of a variant");
            if (Marshal.PtrToStringUTF8((nint)info.Name) == name)
            {
                bool isSupported = info.Supported != 0;
                string reason = isSupported ? string.Empty : Marshal.PtrToStringUTF8((nint)info.Reason)!;
                return new NativeVariant(name, isSupported ? number : -1, info.TileVectors, info.Tested != 0, reason);
            }
        }

        return new NativeVariant(
            name, -1, 1, false, whyNot.Length > 0 ? whyNot : $"the native library knows no variant '{name}'.");
    }

    /// <inheritdoc/>
    public double Run(int iterations)
    {
        double flops;
        NativeMethods.Check(NativeMethods.MultiplyAddLoop(Number, iterations, &flops), "multiply-add loop");
        return flops;
    }

    /// <summary>Why the library cannot be used; empty when it can.</summary>
    private static string Probe()
    {
        if (!NativeLibrary.TryLoad(NativeMethods.Library, typeof(NativeMethods).Assembly, null, out nint library))
        {
            return "the native library was not built (it takes CMake and a C++ compiler).";
        }

        // The handle is kept: calls resolve to the same library.
        if (!NativeLibrary.TryGetExport(library, "hf_abi_version", out _))
        {
            return $"a library named '{NativeMethods.Library}' was found that is not HipiFast's.";
        }

        int version = NativeMethods.GetAbiVersion();
        return version == NativeMethods.AbiVersion
            ? string.Empty
            : $"the native library has ABI version {version}, not {NativeMethods.AbiVersion}: build again.";
    }
}
