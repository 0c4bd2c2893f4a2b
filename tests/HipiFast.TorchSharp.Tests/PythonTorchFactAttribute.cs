using System.ComponentModel;
using System.Diagnostics;

namespace HipiFast.TorchSharp.Tests;

/// <summary>
/// A test that needs python3 with the packages torch and safetensors; skipped with the reason where they are not.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PythonTorchFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_whyNot = new(FindReason);

    public PythonTorchFactAttribute() => Skip = s_whyNot.Value;

    /// <summary>Runs python3.</summary>
    /// <returns>Exit code and standard output; both outputs when the code is not 0.</returns>
    public static (int Code, string Output) Run(params string[] arguments)
    {
        using Process process = Process.Start(
            new ProcessStartInfo("python3", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + errors.Result);
    }

    private static string? FindReason()
    {
        try
        {
            (int code, string output) = Run("-c", "import torch, safetensors.torch");
            return code == 0 ? null : $"python3 cannot import torch and safetensors: {output.Trim().Split('\n')[^1]}";
        }
        catch (Win32Exception)
        {
            return "python3 was not found";
        }
    }
}
