using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>
/// Assemblies point one way: each may refer to those that its line names, all of which stand below it.
/// </summary>
public sealed class AssemblyTests
{
    /// <summary>Most public types of the kernels' contracts.</summary>
    private const int MostPublicTypes = 45;

    /// <summary>The program's assemblies from top to bottom, and what each may refer to.</summary>
    private static readonly (string Name, string[] Below)[] s_layers =
    [
        ("HipiFast.Cli",
        [
            "HipiFast.Experiments", "HipiFast.Benchmarking", "HipiFast.Training", "HipiFast", "HipiFast.Mujoco",
            "HipiFast.Kernels.Devices",
            "HipiFast.Kernels",
        ]),
        ("HipiFast.Benchmarking", ["HipiFast.Training", "HipiFast", "HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Experiments", ["HipiFast.Training", "HipiFast", "HipiFast.Kernels"]),
        ("HipiFast.TorchSharp", ["HipiFast.Training", "HipiFast", "HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Native", ["HipiFast", "HipiFast.Kernels"]),
        ("HipiFast.Training", ["HipiFast", "HipiFast.Kernels"]),
        ("HipiFast.Mujoco", ["HipiFast", "HipiFast.Kernels"]),
        ("HipiFast.Formats", ["HipiFast", "HipiFast.Kernels"]),
        ("HipiFast", ["HipiFast.Kernels"]),
        ("HipiFast.Kernels.Ptx", ["HipiFast.Kernels.Ilgpu", "HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Kernels.Cuda", ["HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Kernels.Ilgpu", ["HipiFast.Kernels.Devices", "HipiFast.Kernels"]),
        ("HipiFast.Kernels.Devices", ["HipiFast.Kernels"]),
        ("HipiFast.Kernels", []),
    ];

    // What is built beside, not referred to: plug-ins, and the program that compiles the kernels.
    private static readonly string[] s_builtBeside =
    [
        "HipiFast.TorchSharp", "HipiFast.Formats", "HipiFast.Kernels.Cuda", "HipiFast.Kernels.Ilgpu",
        "HipiFast.Kernels.Ptx",
    ];

    public static TheoryData<string> Projects => [.. Project.All.Where(IsOfTheProgram).Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectsReferOnlyToThoseBelow(string name)
    {
        string[] allowed = Below(name);
        foreach ((string file, bool isLinked) in Project.Named(name).References)
        {
            string reference = Path.GetFileNameWithoutExtension(file);
            Assert.True(
                allowed.Contains(reference) || (!isLinked && s_builtBeside.Contains(reference)),
                $"{name} refers to {reference}.");
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void AssembliesReferOnlyToThoseBelow(string name)
    {
        string[] allowed = Below(name);
        using PEReader reader = new(File.OpenRead(Repository.AssemblyOf(Project.Named(name).File)));
        MetadataReader metadata = reader.GetMetadataReader();
        foreach (AssemblyReferenceHandle handle in metadata.AssemblyReferences)
        {
            string reference = metadata.GetString(metadata.GetAssemblyReference(handle).Name);
            Assert.True(
                !reference.StartsWith(nameof(HipiFast), StringComparison.Ordinal) || allowed.Contains(reference),
                $"{name} uses {reference}.");
        }
    }

    [Fact]
    public void EveryLayerLiesAboveWhatItMayUse()
    {
        string[] order = [.. s_layers.Select(layer => layer.Name)];
        foreach ((string name, string[] below) in s_layers)
        {
            Assert.All(below, other => Assert.True(
                Array.IndexOf(order, other) > Array.IndexOf(order, name), $"{name} may use {other}."));
        }
    }

    [Fact]
    public void ThePublicSurfaceOfTheKernelsIsSmall()
    {
        string[] types = [.. typeof(
            Kernels.Backends.KernelBackend).Assembly.GetExportedTypes().Where(type =>
                !type.IsNested).Select(type => type.Name)];
        Assert.True(
            types.Length <= MostPublicTypes, $"{types.Length} public types: {string.Join(", ", types.Order())}.");
    }

    private static bool IsOfTheProgram(Project project) => project.Part is "src" or "kernels";

    private static string[] Below(string name)
    {
        Assert.Contains(s_layers, layer => layer.Name == name);
        return s_layers.Single(layer => layer.Name == name).Below;
    }
}
