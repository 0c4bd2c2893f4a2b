using System.Diagnostics;
using HipiFast.Testing;

namespace HipiFast.TorchSharp.Tests;

/// <summary>A test that runs Python programs; skipped with the reason where there is no python3.</summary>
/// <remarks>
/// Programs that import torch and safetensors have those of the machine; where there are none, what
/// <c>docs/torch.md</c> uses of them in Python alone, from the folder <c>Python</c>.
/// </remarks>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PythonFactAttribute : FactAttribute
{
    private static readonly Lazy<(string? WhyNot, string? Modules)> s_python = new(Find);

    public PythonFactAttribute() => Skip = s_python.Value.WhyNot;

    /// <summary>Runs python3.</summary>
    /// <returns>Exit code and standard output; both outputs when the code is not 0.</returns>
    public static (int Code, string Output) Run(params string[] arguments) => Run(arguments, s_python.Value.Modules);

    private static (int Code, string Output) Run(string[] arguments, string? modules)
    {
        ProcessStartInfo start = new(ChildProgram.Find("python3"), arguments);
        if (modules is not null)
        {
            start.Environment["PYTHONPATH"] = modules;
            start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        }

        using ChildProcess process = new(start);
        ProcessResult result = process.End();
        return (result.ExitCode, result.ExitCode == 0 ? result.Output : result.Output + result.Error);
    }

    private static (string? WhyNot, string? Modules) Find()
    {
        try
        {
            (int code, _) = Run(["-c", "import torch, safetensors.torch"], modules: null);
            return (null, code == 0 ? null : Path.Combine(AppContext.BaseDirectory, "Python"));
        }
        catch (FileNotFoundException)
        {
            return ("python3 was not found", null);
        }
    }
}
