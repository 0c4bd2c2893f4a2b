using HipiFast.Kernels.Backends;
using HipiFast.SlowKernel;

/// <summary>
/// What .NET calls before a program's own start where the program's <c>runtimeconfig.json</c> names this assembly
/// (<c>STARTUP_HOOKS</c>): from then on <c>auto</c> takes the slow backend.
/// </summary>
internal static class StartupHook
{
    /// <summary>Registers the backend above all others.</summary>
    public static void Initialize() =>
        KernelRegistry.Default.Register(new SlowBackend(KernelRegistry.Default.Resolve()), int.MaxValue);
}
