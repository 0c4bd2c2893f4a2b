using System.IO.Compression;
using HipiFast.Testing;

namespace HipiFast.Packages.Tests;

/// <summary>What a user has who has the packages and no repository.</summary>
public sealed class PackageTests(PackedFeed feed) : IClassFixture<PackedFeed>
{
    // Relabels with every bf16 backend that runs here, and says why the others do not.
    private const string Bf16 = """
        foreach (KernelBackend backend in KernelRegistry.Default.Backends.Where(backend => backend.Family == "native"))
        {
            if (!backend.IsSupported(out string reason))
            {
                Console.WriteLine($"{backend.Name}: {reason}");
                continue;
            }

            RelabelOptions bf16 = options with { Compute = new() { Backend = backend.Name } };
            using Relabeler native = new(family, agent, bf16);
            using TransitionBatch other = RandomBatch(shape, rows: 256);
            float entropy = native.Relabel(other).Diagnostics.PosteriorEntropy;
            float expected = result.Diagnostics.PosteriorEntropy;
            bool agrees = Math.Abs(entropy - expected) < 0.05f;
            Console.WriteLine($"{backend.Name}: {(agrees ? "relabels" : $"{entropy} nats")}");
        }


        """;

    private static readonly string[] s_packages =
    [
        "HipiFast", "HipiFast.Cli", "HipiFast.Formats", "HipiFast.Kernels", "HipiFast.Kernels.Cuda", "HipiFast.Kernels.Devices",
        "HipiFast.Kernels.Ilgpu", "HipiFast.Mujoco", "HipiFast.TorchSharp", "HipiFast.Training",
    ];

    // Where building the repository has put the packages that its own ask for.
    private static readonly string s_cache =
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } cache
        ? cache
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static readonly string s_native = Path.Combine(
        Repository.Root, "artifacts", "native", PackedFeed.Configuration);

    private static bool HasNativeLibrary { get; } =
        Directory.Exists(s_native) && Directory.GetFiles(s_native, "*hipifast.*").Length > 0;

    [Fact]
    public void EveryPackageHasWhatPackagesHave()
    {
        Assert.Equal(
            s_packages.Select(name => $"{name}.{PackedFeed.Version}"),
            Directory.GetFiles(feed.Feed, "*.nupkg").Select(Path.GetFileNameWithoutExtension).Order());
        foreach (string name in s_packages)
        {
            Assert.True(File.Exists(Path.Combine(feed.Feed, $"{name}.{PackedFeed.Version}.snupkg")), name);
            using ZipArchive package = ZipFile.OpenRead(Path.Combine(feed.Feed, $"{name}.{PackedFeed.Version}.nupkg"));
            string[] files = [.. package.Entries.Select(entry => entry.FullName)];
            Assert.Contains("package.md", files);
            Assert.Contains("icon.png", files);
            using StreamReader reader = new(package.GetEntry(name + ".nuspec")!.Open());
            string description = reader.ReadToEnd();
            Assert.Contains("<repository type=\"git\"", description, StringComparison.Ordinal);
            Assert.DoesNotContain(Repository.Root, description, StringComparison.Ordinal);
            Assert.DoesNotContain("<dependency id=\"libtorch", description, StringComparison.Ordinal);
            if (name != "HipiFast.Cli")
            {
                Assert.Contains($"lib/net10.0/{name}.dll", files);
                Assert.Contains($"lib/net10.0/{name}.xml", files);
            }

            if (name == "HipiFast.Kernels")
            {
                Assert.Equal(
                    HasNativeLibrary, files.Any(file => file.StartsWith("runtimes/", StringComparison.Ordinal)));
            }
        }
    }

    [Fact]
    public void AProjectElsewhereRunsTheReadmesCodeAndTheNativeKernels()
    {
        string example = Path.Combine(Repository.Root, "docs", "examples", "FirstRelabel", "Program.cs");
        string code = File.ReadAllText(example);
        const string Function = "static TransitionBatch RandomBatch";
        Assert.Contains(Function, code, StringComparison.Ordinal);
        string project = Directory.CreateDirectory(feed["app"]).FullName;
        File.WriteAllText(
            Path.Combine(project, "Program.cs"),
            "using HipiFast.Kernels.Backends;\n" + code.Replace(Function, Bf16 + Function, StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(project, "app.csproj"), ProjectFile());

        // Built as a beginner does: in Debug.
        PackedFeed.Succeed(project, "build", "-v", "quiet", "--nologo");
        string printed = PackedFeed.Succeed(project, Path.Combine(project, "bin", "Debug", "net10.0", "app.dll"));
        string[] lines = printed.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches("^transition 0 received candidate -?[0-9]+ ", lines[0]);
        Assert.Matches(@"^posterior entropy [0-9]\.[0-9]{2} nats$", lines[1]);
        Assert.StartsWith("512 candidates, ", lines[2], StringComparison.Ordinal);
        string[] native = lines[3..];
        Assert.Equal(3, native.Length);
        Assert.All(native, line => Assert.Matches(
            HasNativeLibrary
                ? "^native-[a-z0-9]+: (relabels$|the (processor|system|operating)|the native library was built without)"
                : "^native-[a-z0-9]+: the native library was not built", line));
    }

    [Fact]
    public void TheToolTrainsAndSaysHowAMissingPluginIsInstalled()
    {
        string folder = Directory.CreateDirectory(feed["elsewhere"]).FullName;
        PackedFeed.Succeed(
            folder, "tool", "install", "HipiFast.Cli", "--version", PackedFeed.Version, "--tool-path", feed["tool"],
            "--configfile", feed["NuGet.config"]);
        string tool = Path.Combine(feed["tool"], OperatingSystem.IsWindows() ? "hipifast.exe" : "hipifast");
        ProcessResult trained = PackedFeed.Run(
            tool, folder, "train", "nav2d", "--seed", "1", "--steps", "1100", "--initial-random-steps", "1000", "--out",
            "run");
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.True(File.Exists(Path.Combine(folder, "run", "checkpoint", "agent.safetensors")), trained.Output);

        ProcessResult ilgpu = PackedFeed.Run(tool, folder, "info");
        Assert.Matches("HipiFast.Kernels.Ilgpu +backend ilgpu +installed", ilgpu.Output);
        ProcessResult torch = PackedFeed.Run(tool, folder, "train", "nav2d", "--learner", "torch");
        Assert.NotEqual(0, torch.ExitCode);
        Assert.Contains(
            "Learner 'torch' is not installed ('dotnet publish' a project with the packages HipiFast.TorchSharp 0.1.0 "
            + "and libtorch-cpu-linux-x64 (or your system's) to '",
            torch.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", torch.Error.Trim(), StringComparison.Ordinal);
    }

    [Fact]
    public void TheEngineIsOptimisedInDebugBuilds()
    {
        foreach (string project in (string[])["kernels/HipiFast.Kernels", "src/HipiFast"])
        {
            string optimize = PackedFeed.Succeed(
                Path.Combine(Repository.Root, project), "msbuild", "-getProperty:Optimize", "-p:Configuration=Debug");
            Assert.Equal("true", optimize.Trim());
        }
    }

    private string ProjectFile() => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
            <NuGetAudit>false</NuGetAudit>
            <RestoreConfigFile>{feed["NuGet.config"]}</RestoreConfigFile>
            <RestorePackagesPath>{feed["packages"]}</RestorePackagesPath>
            <RestoreFallbackFolders>{s_cache}</RestoreFallbackFolders>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="HipiFast" Version="{PackedFeed.Version}" />
          </ItemGroup>
        </Project>
        """;
}
