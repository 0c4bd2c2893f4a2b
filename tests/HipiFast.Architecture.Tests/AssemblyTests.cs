namespace HipiFast.Architecture.Tests;

/// <summary>Assemblies point one way: each may refer to those that its line names, all of which stand below it.</summary>
public sealed class AssemblyTests
{
    /// <summary>Most public types of the kernels' contracts.</summary>
    private const int MostPublicTypes = 45;

    /// <summary>The program's assemblies from top to bottom, and what each may refer to.</summary>
    private static readonly (string Name, string[] Below)[] s_layers =
    [
        ("HipiFast.Cli",
        [
            "HipiFast.Experiments", "HipiFast.Benchmarking", "HipiFast.Training", "HipiFast", "HipiFast.Mujoco", "HipiFast.Kernels.Devices",
            "HipiFast.Kernels",
        ]),
        ("HipiFast.Benchmarking", ["HipiFast.Training", "HipiFast", "HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Experiments", ["HipiFast.Training", "HipiFast", "HipiFast.Kernels"]),
        ("HipiFast.TorchSharp", ["HipiFast.Training", "HipiFast", "HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Training", ["HipiFast", "HipiFast.Kernels"]),
        ("HipiFast.Mujoco", ["HipiFast", "HipiFast.Kernels"]),
        ("HipiFast", ["HipiFast.Kernels"]),
        ("HipiFast.Kernels.Ptx", ["HipiFast.Kernels.Ilgpu", "HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Kernels.Cuda", ["HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Kernels.Ilgpu", ["HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Kernels.Devices", ["HipiFast.Kernels"]),
        ("HipiFast.Kernels", []),
    ];

    [Fact]
    public void EveryLayerLiesAboveWhatItMayUse()
    {
        string[] order = [.. s_layers.Select(layer => layer.Name)];
        foreach ((string name, string[] below) in s_layers)
        {
            Assert.All(below, other => Assert.True(Array.IndexOf(order, other) > Array.IndexOf(order, name), $"{name} may use {other}."));
        }
    }

    [Fact]
    public void ThePublicSurfaceOfTheKernelsIsSmall()
    {
        string[] types = [.. typeof(Kernels.Backends.KernelBackend).Assembly.GetExportedTypes().Where(type => !type.IsNested).Select(type => type.Name)];
        Assert.True(types.Length <= MostPublicTypes, $"{types.Length} public types: {string.Join(", ", types.Order())}.");
    }
}
