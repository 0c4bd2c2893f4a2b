using HipiFast.Kernels.Native;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Backends;

/// <summary>
/// The backends whose soft-Q kernel is the native library's: products in bf16 by instructions that .NET cannot emit,
/// sums in fp32. Everything else they do in C#.
/// </summary>
internal sealed class NativeBackend : KernelBackend
{
    /// <summary>Name of the fastest native backend that can run here.</summary>
    public const string FamilyName = "native";

    /// <summary>
    /// The variants of the library that users are offered, fastest first, how they are described, and their
    /// <see cref="SoftQ.SoftQMicroKernel.Speed"/>.
    /// </summary>
    private static readonly (string Name, string Instructions, double Speed)[] s_variants =
    [
        ("amxbf16", "AMX tiles", 5),
        ("avx512bf16", "512-bit dot products", 1),
        ("neonbf16", "NEON dot products", 1),
    ];

    private readonly string _instructions;
    private readonly double _speed;
    private readonly Lazy<NativeVariant> _variant;

    private NativeBackend(string variant, string instructions, double speed)
    {
        Name = $"{FamilyName}-{variant}";
        _instructions = instructions;
        _speed = speed;
        _variant = new Lazy<NativeVariant>(() => NativeVariant.Find(variant));
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override string Family => FamilyName;

    /// <inheritdoc/>
    public override KernelPrecision Precision => KernelPrecision.Bf16;

    /// <inheritdoc/>
    public override string Description =>
        $"C++ bf16, {_instructions}, {Environment.ProcessorCount} "
        + $"cores{(IsSupported(out _) && !Variant.IsTested ? ", untested" : string.Empty)}";

    /// <inheritdoc/>
    internal override IMultiplyAddLoop? MultiplyAddLoop => IsSupported(out _) ? Variant : null;

    /// <summary>The library's variant; also when it cannot run here.</summary>
    internal NativeVariant Variant => _variant.Value;

    /// <inheritdoc/>
    public override bool IsSupported(out string reason)
    {
        reason = Variant.WhyNot;
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

        return ManagedSession.Create(this, VectorKinds.Best, new NativeMicroKernel(Variant, _speed), options);
    }

    /// <summary>One backend for each variant that the library may have, fastest first.</summary>
    internal static IEnumerable<NativeBackend> All() =>
        s_variants.Select(v => new NativeBackend(v.Name, v.Instructions, v.Speed));
}
