using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Native;

/// <summary>Status of a native call, <c>hf_status</c>.</summary>
internal enum NativeStatus
{
    /// <summary>Success.</summary>
    Ok = 0,

    /// <summary>The variant cannot run here.</summary>
    Unsupported = 5,
}

/// <summary>What the native library knows of a variant, <c>hf_variant_info</c>. Strings are static UTF-8.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct NativeVariantInfo
{
    public readonly byte* Name;
    public readonly byte* Reason;
    public readonly int Compiled;
    public readonly int Supported;
    public readonly int Tested;
    public readonly int Offered;
    public readonly int TileVectors;
    public readonly int Reserved;
}

/// <summary>Sampled actions of a tile, <c>hf_action_share</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeActionShare
{
    public float* Action;
    public float* Weights;
    public int Count;
    public int ActionStride;
}

/// <summary>
/// The C ABI of native/include/hipifast/kernels.h, function by function; that header says what each does and needs.
/// </summary>
internal static unsafe partial class NativeMethods
{
    /// <summary>Name of the library, without the system's prefix and suffix.</summary>
    public const string Library = "hipifast";

    /// <summary><c>HF_ABI_VERSION</c> of the header that this file mirrors.</summary>
    public const int AbiVersion = 1;

    /// <summary><c>HF_MAX_ACTIONS</c>: most entries of an action.</summary>
    public const int MaxActions = 4096;

    [LibraryImport(Library, EntryPoint = "hf_abi_version")]
    public static partial int GetAbiVersion();

    [LibraryImport(Library, EntryPoint = "hf_status_message")]
    public static partial byte* GetStatusMessage(NativeStatus status);

    [LibraryImport(Library, EntryPoint = "hf_variant_count")]
    public static partial int GetVariantCount();

    [LibraryImport(Library, EntryPoint = "hf_variant")]
    public static partial NativeStatus GetVariant(int variant, NativeVariantInfo* info);

    [LibraryImport(Library, EntryPoint = "hf_network_bytes")]
    public static partial NativeStatus GetNetworkBytes(int variant, int hidden, int outputs, nuint* bytes);

    [LibraryImport(Library, EntryPoint = "hf_pack_network")]
    public static partial NativeStatus PackNetwork(
        int variant,
        int hidden,
        int outputs,
        float* weight2,
        float* bias2,
        float* weight3,
        int outputStride,
        float* bias3,
        void* network,
        nuint bytes);

    [LibraryImport(Library, EntryPoint = "hf_scratch_floats")]
    public static partial NativeStatus GetScratchFloats(int variant, int hidden, int actions, nuint* floats);

    [LibraryImport(Library, EntryPoint = "hf_arrange_lanes")]
    public static partial NativeStatus ArrangeLanes(int variant, float* share, int hiddenStride);

    [LibraryImport(Library, EntryPoint = "hf_softq_values")]
    public static partial NativeStatus SoftQValues(
        void* network, PairVector* pairs, int vectors, NativeActionShare* action, float* scratch, nuint scratchFloats,
        float* values);

    [LibraryImport(Library, EntryPoint = "hf_softq_head")]
    public static partial NativeStatus SoftQHead(
        void* network, PairVector* pairs, int vectors, float* scratch, nuint scratchFloats, float* head,
        int headStride);

    [LibraryImport(Library, EntryPoint = "hf_multiply_add_loop")]
    public static partial NativeStatus MultiplyAddLoop(int variant, long iterations, double* flops);

    /// <summary>Turns a status into an exception.</summary>
    /// <param name="status">What a call returned.</param>
    /// <param name="call">
    /// The call, in words that complete "... failed". A constant: it is made whether the call fails or not.
    /// </param>
    /// <exception cref="NotSupportedException">The variant cannot run here.</exception>
    /// <exception cref="InvalidOperationException">
    /// Anything else: the caller broke the contract of the header.
    /// </exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(NativeStatus status, string call)
    {
        if (status != NativeStatus.Ok)
        {
            Throw(status, call);
        }
    }

    private static void Throw(NativeStatus status, string call)
    {
        string message = $"Native {call} failed: {Marshal.PtrToStringUTF8((nint)GetStatusMessage(status))}.";
        throw status == NativeStatus.Unsupported
            ? new NotSupportedException(message)
            : new InvalidOperationException(message);
    }
}
