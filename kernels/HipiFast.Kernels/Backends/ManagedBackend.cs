using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.Backends;

/// <summary>The backends that need nothing but .NET: C# on the CPU, one for each kind of vector. The portable one runs anywhere.</summary>
public sealed class ManagedBackend : KernelBackend
{
    /// <summary>Name of the fastest managed backend that can run here.</summary>
    public const string FamilyName = "managed";

    private readonly ManagedVariant _variant;

    internal ManagedBackend(ManagedVariant variant)
    {
        _variant = variant;
        MultiplyAddLoop = new ManagedMultiplyAddLoop(variant);
    }

    /// <summary>The fastest variant that can run here.</summary>
    internal static ManagedVariant BestVariant { get; } = Enum.GetValues<ManagedVariant>().First(variant => WhyNot(variant).Length == 0);

    /// <inheritdoc/>
    public override string Name => NameOf(_variant);

    /// <inheritdoc/>
    public override string Family => FamilyName;

    /// <inheritdoc/>
    public override string Description => $"C# fp32, {Bits(_variant)}-bit vectors, {Environment.ProcessorCount} cores";

    /// <inheritdoc/>
    public override IMultiplyAddLoop MultiplyAddLoop { get; }

    /// <inheritdoc/>
    public override bool IsSupported(out string reason)
    {
        reason = WhyNot(_variant);
        return reason.Length == 0;
    }

    /// <inheritdoc/>
    public override ComputeSession CreateSession(SessionOptions options)
    {
        if (!IsSupported(out string reason))
        {
            throw new NotSupportedException($"Backend '{Name}' cannot run here: {reason}");
        }

        ThrowIfNotHere(options.Device);

        return new ManagedSession(this, _variant, options);
    }

    /// <summary>Name of a variant's backend.</summary>
    internal static string NameOf(ManagedVariant variant) => variant switch
    {
        ManagedVariant.Vector512 => "managed-512",
        ManagedVariant.Vector256 => "managed-256",
        _ => "managed-portable",
    };

    private static int Bits(ManagedVariant variant) => variant switch
    {
        ManagedVariant.Vector512 => 512,
        ManagedVariant.Vector256 => 256,
        _ => Vector<byte>.Count * 8,
    };

    private static string WhyNot(ManagedVariant variant) => variant switch
    {
        ManagedVariant.Vector512 when !Vector512.IsHardwareAccelerated => "the processor (or the .NET runtime's settings) has no 512-bit vectors.",
        ManagedVariant.Vector256 when !Avx2.IsSupported || !Fma.IsSupported => "the processor (or the .NET runtime's settings) lacks AVX2 or FMA.",
        _ => string.Empty,
    };
}

/// <summary>Managed kernels with their scratch memory.</summary>
internal class ManagedSession : ComputeSession
{
    private readonly ManagedSoftQ _softQ;

    public ManagedSession(KernelBackend backend, ManagedVariant variant, SessionOptions options)
        : this(backend, variant, SoftQMicroKernel.For(variant), options)
    {
    }

    /// <summary>A session whose soft-Q matrix comes from another micro-kernel.</summary>
    internal ManagedSession(KernelBackend backend, ManagedVariant variant, SoftQMicroKernel softQ, SessionOptions options)
    {
        int threads = options.MaxThreads > 0 ? options.MaxThreads : Environment.ProcessorCount;
        Backend = backend;
        MicroKernel = softQ;
        _softQ = new ManagedSoftQ(threads, softQ, variant, WorkerPool.Shared);
        (Dense, LogPartition, TaskSampling) = variant switch
        {
            ManagedVariant.Vector512 => Kernels<Simd512, Vector512<float>>(threads),
            ManagedVariant.Vector256 => Kernels<Simd256, Vector256<float>>(threads),
            _ => Kernels<SimdPortable, Vector<float>>(threads),
        };
    }

    public override KernelBackend Backend { get; }

    /// <summary>The leaves of <see cref="SoftQ"/>.</summary>
    internal SoftQMicroKernel MicroKernel { get; }

    public override ISoftQKernel SoftQ => _softQ;

    public override ILogPartitionKernel LogPartition { get; }

    public override ITaskSamplingKernel TaskSampling { get; }

    public override IDenseKernel Dense { get; }

    protected override void Dispose(bool disposing)
    {
        _softQ.Dispose();
        ((IDisposable)LogPartition).Dispose();
        ((IDisposable)TaskSampling).Dispose();
        base.Dispose(disposing);
    }

    private static (IDenseKernel Dense, ILogPartitionKernel LogPartition, ITaskSamplingKernel TaskSampling) Kernels<TSimd, TVector>(int threads)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        (new ManagedDense<TSimd, TVector>(), new ManagedLogPartition<TSimd, TVector>(threads), new ManagedTaskSampling<TSimd, TVector>(threads));
}
