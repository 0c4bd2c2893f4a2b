using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Ilgpu;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Ptx;

/// <summary>
/// The PTX files that the CUDA launcher takes: every kernel, those that judge once for each built-in family.
/// </summary>
internal static class PtxFiles
{
    /// <summary>The target: drivers compile it for this compute capability and every later one.</summary>
    public const int Capability = 80;

    /// <summary>The list of files.</summary>
    public const string Manifest = "manifest.txt";

    /// <summary>What the other files' names end in.</summary>
    public const string Extension = ".ptx";

    /// <summary>Stands for no family in the list.</summary>
    private const string NoFamily = "-";

    /// <summary>Each kernel with each family that it is compiled for.</summary>
    public static IEnumerable<(string Kernel, TaskFamily? Family)> Kernels
    {
        get
        {
            TaskFamily[] families =
            [
                TaskFamilies.Goal([0], 1f), TaskFamilies.GoalAndMargin([0]), TaskFamilies.Discrete([0], [1f], 1f),
                TaskFamilies.Linear([0]),
                TaskFamilies.Dense([0]),
            ];
            foreach (string kernel in PtxCompiler.Kernels.Order(StringComparer.Ordinal))
            {
                // Without a family, the estimates that need none; what states reach always needs one that says so.
                bool reaches = kernel == DeviceKernelNames.ReachedTasks;
                if (!reaches)
                {
                    yield return (kernel, null);
                }

                foreach (TaskFamily family in PtxCompiler.Judges(kernel) ? families : [])
                {
                    if (!reaches || family.HasAchievedTask)
                    {
                        yield return (kernel, family);
                    }
                }
            }
        }
    }

    /// <summary>Compiles all files and writes them, the list last; files of kernels that are no more go.</summary>
    /// <param name="folder">Where to; made where it is missing.</param>
    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        PtxCompiler compiler = new();
        SortedDictionary<string, string> files = new(StringComparer.Ordinal);
        List<string> manifest = ["# kernel, task family or -, target, file, entry point"];
        foreach ((string kernel, TaskFamily? family) in Kernels)
        {
            TypeVisitor visitor = default;
            Type? type = family?.Accept<TypeVisitor, Type>(ref visitor);
            PtxKernel compiled = Compile(compiler, kernel, family, type);
            string file = (type is null ? kernel : $"{kernel}.{type.Name}") + Extension;
            files.Add(file, compiled.Text);
            manifest.Add($"{kernel}\t{type?.FullName ?? NoFamily}\t{Capability}\t{file}\t{compiled.EntryPoint}");
        }

        foreach (string old in Directory.GetFiles(folder, "*" + Extension).Where(
            old => !files.ContainsKey(Path.GetFileName(old))))
        {
            File.Delete(old);
        }

        foreach ((string name, string text) in files)
        {
            File.WriteAllText(Path.Combine(folder, name), text);
        }

        File.WriteAllText(Path.Combine(folder, Manifest), string.Join('\n', manifest) + "\n");
    }

    private static PtxKernel Compile(PtxCompiler compiler, string kernel, TaskFamily? family, Type? type)
    {
        try
        {
            return compiler.Compile(kernel, family, Capability);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            string what = type is null ? string.Empty : $" for the task family {type.Name}";
            throw new InvalidOperationException(
                $"The kernel '{kernel}'{what} does not compile to PTX: {error.GetBaseException().Message}", error);
        }
    }

    private struct TypeVisitor : ITaskFamilyVisitor<Type>
    {
        public readonly Type Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, ITaskFamily => typeof(TFamily);
    }
}
