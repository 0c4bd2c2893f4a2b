namespace HipiFast.Testing;

/// <summary>A test that needs links, pipes, signals or a shell, and so is left out on Windows.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class UnixFactAttribute : FactAttribute
{
    /// <summary>Why such tests are left out; null where they run.</summary>
    internal static string? WhyNot { get; } = OperatingSystem.IsWindows()
        ? "Windows has other links, pipes, signals and shells."
        : null;

    public UnixFactAttribute() => Skip = WhyNot;
}
