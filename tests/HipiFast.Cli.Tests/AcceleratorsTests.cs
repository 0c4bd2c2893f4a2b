using System.Diagnostics;

namespace HipiFast.Cli.Tests;

/// <summary>The rule for packages that a feed may lack: one MSBuild property leaves the projects that need them out.</summary>
public sealed class AcceleratorsTests
{
    private static readonly string s_fixture = Path.Combine(
        RepositoryRoot(), "tests", "HipiFast.Cli.Tests", "Fixtures", "NeedsAccelerators", "NeedsAccelerators.csproj");

    [Fact]
    public void A_project_that_needs_a_missing_package_builds_empty_with_none()
    {
        string artifacts = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            (int code, string output) = Build("none", artifacts);
            Assert.True(code == 0, output);
            string assembly = Directory.GetFiles(artifacts, "NeedsAccelerators.dll", SearchOption.AllDirectories).First();
            System.Reflection.AssemblyName name = System.Reflection.AssemblyName.GetAssemblyName(assembly);
            Assert.Equal("NeedsAccelerators", name.Name);
            Assert.Empty(Directory.GetFiles(artifacts, "ILGPU*.dll", SearchOption.AllDirectories));
        }
        finally
        {
            if (Directory.Exists(artifacts))
            {
                Directory.Delete(artifacts, recursive: true);
            }
        }
    }

    [Fact]
    public void An_unknown_choice_is_one_clear_error()
    {
        string artifacts = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            (int code, string output) = Build("some", artifacts);
            Assert.NotEqual(0, code);
            Assert.Contains("The property Accelerators is 'some'; expected 'all' or 'none'.", output, StringComparison.Ordinal);
        }
        finally
        {
            if (Directory.Exists(artifacts))
            {
                Directory.Delete(artifacts, recursive: true);
            }
        }
    }

    private static (int Code, string Output) Build(string accelerators, string artifacts)
    {
        ProcessStartInfo start = new(
            "dotnet", ["build", s_fixture, "--nologo", $"-p:Accelerators={accelerators}", "--artifacts-path", artifacts, "-nodeReuse:false"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "HipiFast.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("HipiFast.sln was not found above the test assembly.");
    }
}
