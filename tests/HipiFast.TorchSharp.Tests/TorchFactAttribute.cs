namespace HipiFast.TorchSharp.Tests;

/// <summary>A test that needs libtorch; skipped with the reason where it does not load.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute() => Skip = WhyNot;

    /// <summary>Why libtorch does not load here; null when it does.</summary>
    internal static string? WhyNot => TorchRuntime.IsSupported(out string reason)
        ? null
        : $"libtorch does not load here: {reason}";
}

/// <summary>A theory that needs libtorch; skipped with the reason where it does not load.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute() => Skip = TorchFactAttribute.WhyNot;
}
