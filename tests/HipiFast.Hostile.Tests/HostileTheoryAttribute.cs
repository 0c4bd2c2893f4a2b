namespace HipiFast.Hostile.Tests;

/// <summary>As <see cref="HostileFactAttribute"/>, for several cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class HostileTheoryAttribute : TheoryAttribute
{
    public HostileTheoryAttribute() => Skip = OperatingSystem.IsWindows()
        ? "Windows has neither signals nor descriptors to close."
        : null;
}
