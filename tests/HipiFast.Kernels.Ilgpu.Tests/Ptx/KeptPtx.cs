using System.Runtime.CompilerServices;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Tasks;
using HipiFast.Tasks;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>The PTX files that are kept beside the CUDA launcher: every kernel, those that judge once for each built-in family.</summary>
internal static class KeptPtx
{
    /// <summary>The target that is kept: drivers compile it for this compute capability and every later one.</summary>
    public const int Capability = 80;

    /// <summary>The list of files.</summary>
    public const string Manifest = "manifest.txt";

    /// <summary>Where they lie.</summary>
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(SourceFolder(), "../../../kernels/HipiFast.Kernels.Cuda/Ptx"));

    /// <summary>One of every built-in family.</summary>
    public static TaskFamily[] Families { get; } =
    [
        TaskFamilies.Goal([0], 1f), TaskFamilies.GoalAndMargin([0]), TaskFamilies.Discrete([0], [1f], 1f), TaskFamilies.Linear([0]), TaskFamilies.Dense([0]),
    ];

    /// <summary>Each kernel with each family that it is compiled for.</summary>
    public static IEnumerable<(string Kernel, TaskFamily? Family)> Kernels
    {
        get
        {
            foreach (string kernel in PtxCompiler.Kernels.Order(StringComparer.Ordinal))
            {
                // Without a family, the estimates that need none.
                yield return (kernel, null);
                foreach (TaskFamily family in PtxCompiler.Judges(kernel) ? Families : [])
                {
                    yield return (kernel, family);
                }
            }
        }
    }

    /// <summary>Compiles all files.</summary>
    /// <returns>Text by file name, the manifest included.</returns>
    public static SortedDictionary<string, string> Compile()
    {
        PtxCompiler compiler = new();
        SortedDictionary<string, string> files = new(StringComparer.Ordinal);
        List<string> manifest = ["# kernel, task family or -, target, file, entry point"];
        foreach ((string kernel, TaskFamily? family) in Kernels)
        {
            PtxKernel compiled = compiler.Compile(kernel, family, Capability);
            Type? type = KernelTable.TypeOf(family);
            string file = type is null ? $"{kernel}.ptx" : $"{kernel}.{type.Name}.ptx";
            files.Add(file, compiled.Text);
            manifest.Add($"{kernel}\t{type?.FullName ?? "-"}\t{Capability}\t{file}\t{compiled.EntryPoint}");
        }

        files.Add(Manifest, string.Join('\n', manifest) + "\n");
        return files;
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
