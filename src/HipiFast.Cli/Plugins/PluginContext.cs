using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace HipiFast.Cli;

/// <summary>
/// Loads a plug-in's assembly and what it needs from its own folder, as its <c>.deps.json</c> says: packages and native
/// libraries. What the program has (the contracts, the engine, the framework) is found first and shared, so that types
/// and registries are the same on both sides.
/// </summary>
internal sealed class PluginContext : AssemblyLoadContext
{
    private readonly AssemblyDependencyResolver _resolver;

    /// <summary>Makes the context of one plug-in.</summary>
    /// <param name="assembly">Path of its assembly.</param>
    /// <exception cref="InvalidOperationException">Its <c>.deps.json</c> cannot be read.</exception>
    public PluginContext(string assembly)
        : base(Path.GetFileNameWithoutExtension(assembly))
    {
        _resolver = new AssemblyDependencyResolver(assembly);

        // Asked only for what the program does not have.
        Resolving += (context, name) => _resolver.ResolveAssemblyToPath(name) is string path
            ? context.LoadFromAssemblyPath(path)
            : null;
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName) => null;

    /// <inheritdoc/>
    /// <remarks>
    /// A file that this system cannot load is as good as none, so that the plug-in can bring another of its name
    /// (<see cref="AssemblyLoadContext.ResolvingUnmanagedDll"/>).
    /// </remarks>
    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is string path
        && NativeLibrary.TryLoad(path, out nint library)
            ? library
            : nint.Zero;
}
