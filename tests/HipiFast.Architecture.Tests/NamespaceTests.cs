using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>
/// Within each library, namespaces have an order: one may use those before it and never those after it.
/// </summary>
public sealed class NamespaceTests
{
    /// <summary>Namespaces of HipiFast.Kernels from bottom to top.</summary>
    private static readonly string[] s_kernels =
    [
        "Memory", "Numerics", "Random", "Threading", "Tasks", "Networks", "Dense", "SoftQ", "LogPartition",
        "TaskSampling", "Replay",
        "Relabeling", "Native", "Backends",
    ];

    public static TheoryData<string> Libraries =>
    [
        "HipiFast.Kernels", "HipiFast.Kernels.Devices", "HipiFast.Kernels.Cuda", "HipiFast", "HipiFast.Training",
        "HipiFast.Experiments",
        "HipiFast.Mujoco",
    ];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void NamespacesHaveAnOrder(string library)
    {
        NamespaceGraph graph = new(library);
        Assert.NotEmpty(graph.Namespaces);
        string? cycle = graph.FindCycle();
        Assert.True(cycle is null, cycle);
    }

    [Fact]
    public void NamespacesOfTheKernelsHaveThisOrder()
    {
        NamespaceGraph graph = new("HipiFast.Kernels");
        Assert.Empty(graph.Namespaces.Select(Short).Except(s_kernels));
        foreach (((string from, string to), string where) in graph.Arrows)
        {
            Assert.True(
                Array.IndexOf(s_kernels, Short(to)) < Array.IndexOf(s_kernels, Short(from)),
                $"{Short(from)} uses {Short(to)} in {where}.");
        }

        static string Short(string name) => name["HipiFast.Kernels.".Length..];
    }

    // Where a batch or a network lies is the kernels' business.
    [Fact]
    public void LearningTrainingAndRelabelingKnowNoDevices()
    {
        string[] folders =
            ["src/HipiFast/Learning", "src/HipiFast/Relabeling", "src/HipiFast/Replay", "src/HipiFast.Training"];
        foreach (string file in folders.SelectMany(folder => Project.All
            .Where(project => project.Part == "src")
            .SelectMany(project => project.Sources)
            .Where(file => file.StartsWith(Path.Combine(Repository.Root, folder), StringComparison.Ordinal))))
        {
            Assert.DoesNotContain("Kernels.Devices", File.ReadAllText(file), StringComparison.Ordinal);
        }
    }
}
