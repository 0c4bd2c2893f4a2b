namespace HipiFast.Hostile.Tests;

/// <summary>A test that needs a shell, signals and descriptors, and so is left out on Windows.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class HostileFactAttribute : FactAttribute
{
    public HostileFactAttribute() => Skip = OperatingSystem.IsWindows()
        ? "Windows has neither signals nor descriptors to close."
        : null;
}
