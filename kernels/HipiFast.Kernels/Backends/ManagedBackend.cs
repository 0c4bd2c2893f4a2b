using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Backends;

/// <summary>
/// The backends that need nothing but .NET: C# on the CPU, one for each kind of vector. The portable one runs anywhere.
/// </summary>
public sealed class ManagedBackend : KernelBackend
{
    /// <summary>Name of the fastest managed backend that can run here.</summary>
    public const string FamilyName = "managed";

    private readonly VectorKind _kind;

    internal ManagedBackend(VectorKind kind)
    {
        _kind = kind;
        MultiplyAddLoop = new ManagedMultiplyAddLoop(kind);
    }

    /// <summary>The fastest managed backend that can run here.</summary>
    public static ManagedBackend Best => All[(int)VectorKinds.Best];

    /// <inheritdoc/>
    public override string Name => NameOf(_kind);

    /// <summary>Its vectors.</summary>
    internal VectorKind Kind => _kind;

    /// <inheritdoc/>
    public override string Family => FamilyName;

    /// <inheritdoc/>
    public override string Description =>
        $"C# fp32, {VectorKinds.Bits(_kind)}-bit vectors, {Environment.ProcessorCount} cores";

    /// <inheritdoc/>
    internal override IMultiplyAddLoop MultiplyAddLoop { get; }

    /// <summary>One backend for each kind of vector, fastest first.</summary>
    internal static IReadOnlyList<ManagedBackend> All { get; } = [.. Enum.GetValues<VectorKind>().Select(
        kind => new ManagedBackend(kind))];

    /// <inheritdoc/>
    public override bool IsSupported(out string reason)
    {
        reason = VectorKinds.WhyNot(_kind);
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

        return ManagedSession.Create(this, _kind, SoftQMicroKernel.For(_kind), options);
    }

    /// <summary>Name of the backend for a kind of vector.</summary>
    internal static string NameOf(VectorKind kind) => kind switch
    {
        VectorKind.Vector512 => "managed-512",
        VectorKind.Vector256 => "managed-256",
        _ => "managed-portable",
    };
}
