using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// Copies that a thread of ILGPU's CPU accelerator has begun. They are made as late as can be, so that reading too
/// early shows.
/// </summary>
internal static unsafe class PendingCopies
{
    [ThreadStatic]
    private static List<(nint Source, nint Target)>? s_copies;

    /// <summary>Begins a copy; both ends are native memory.</summary>
    public static void Add(ref FourWords source, ref FourWords target) =>
        (s_copies ??= []).Add(((nint)Unsafe.AsPointer(ref source), (nint)Unsafe.AsPointer(ref target)));

    /// <summary>Makes all that were begun.</summary>
    public static void Run()
    {
        if (s_copies is null)
        {
            return;
        }

        foreach ((nint source, nint target) in s_copies)
        {
            *(FourWords*)target = *(FourWords*)source;
        }

        s_copies.Clear();
    }
}
