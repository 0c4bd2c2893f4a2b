using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Loader;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>The program without its plug-ins, and how it comes by them.</summary>
public sealed class PluginTests
{
    private static readonly OptionalComponent s_moon = new(
        "HipiFast.Moon", OptionalComponent.Backend, "moon", "src/Moon", "nothing");

    [Fact]
    public void TheProgramBringsNoPackageOfAPlugin()
    {
        string program = Path.GetDirectoryName(typeof(CommandLineProgram).Assembly.Location)!;
        string dependencies = File.ReadAllText(Path.Combine(program, "HipiFast.Cli.deps.json"));
        Assert.Contains("HipiFast.Kernels", dependencies, StringComparison.Ordinal);
        Assert.All(
            (string[])["ILGPU", "TorchSharp", "libtorch", "HipiFast.Kernels.Cuda"],
            name => Assert.DoesNotContain(name, dependencies, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void APluginHasItsOwnContextAndSharesWhatTheProgramHas()
    {
        KernelBackend backend = OptionalComponents.RequireBackend("ilgpu", PrecisionMode.Auto);
        AssemblyLoadContext context = AssemblyLoadContext.GetLoadContext(backend.GetType().Assembly)!;
        Assert.NotSame(AssemblyLoadContext.Default, context);

        // Asked for by name: the runtime loads a reference only when a method that uses it is first compiled.
        Assembly package = context.LoadFromAssemblyName(new AssemblyName("ILGPU"));
        Assert.Same(context, AssemblyLoadContext.GetLoadContext(package));

        // The copy of the contracts in the plug-in's folder is not loaded: the backend would be of another
        // KernelBackend, and of another registry.
        Assert.Same(
            typeof(KernelBackend).Assembly, context.LoadFromAssemblyName(new AssemblyName("HipiFast.Kernels")));
        Assert.True(
            File.Exists(Path.Combine(PluginFolder.OfProgram.Root, "HipiFast.Kernels.Ilgpu", "HipiFast.Kernels.dll")));
    }

    [Fact]
    public void NothingIsBuiltUntilItIsAskedFor()
    {
        using TemporaryDirectory directory = new();
        List<string> built = [], said = [];
        OptionalComponents parts = new([s_moon with { }], new PluginFolder(directory.Root), Build, said.Add);
        parts.LoadAll();
        parts.ObtainBackend("managed", null);
        parts.ObtainBackend("auto", "cuda:0");
        Assert.Empty(built);
        Assert.Empty(said);
        Assert.Equal("not built; is built when --backend moon first asks for it", parts.Components[0].Status);

        foreach (string name in (string[])["moon", "moon-bf16"])
        {
            NotSupportedException refusal = Assert.Throws<NotSupportedException>(() => parts.ObtainBackend(name, null));
            Assert.Equal(
                $"Backend '{name}' could not be built: no rocket; use --backend auto or --backend managed.",
                refusal.Message);
        }

        Assert.Equal([s_moon.Assembly, s_moon.Assembly], built);
        Assert.Equal("building HipiFast.Moon, once (fetches nothing, unless they are there) ...", said[0]);

        string? Build(OptionalComponent component)
        {
            built.Add(component.Assembly);
            return "no rocket";
        }
    }

    [Fact]
    public void WithoutARepositoryAMissingPluginSaysHowItIsInstalled()
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory["plugins"]);
        PluginFolder folder = new(directory.Root);
        Assert.Null(folder.Repository);
        OptionalComponents parts = new([s_moon with { }], folder, build: null, Assert.Fail);
        parts.LoadAll();
        Assert.Equal(
            "not installed ('dotnet publish' a project with the package HipiFast.Moon 0.1.0 to "
            + $"'{Path.Combine(directory["plugins"], "HipiFast.Moon")}')",
            parts.Components[0].Status);
        Assert.StartsWith(
            "Backend 'moon' is not installed", Assert.Throws<NotSupportedException>(
                () => parts.ObtainBackend("moon", null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APluginOfOtherSourcesIsNotTaken()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["HipiFast.sln"], string.Empty);
        string program = Directory.CreateDirectory(directory["bin"]).FullName;
        PluginFolder folder = new(program);
        Assert.Equal(directory.Root, folder.Repository);
        Assert.Null(folder.Find(s_moon.Assembly, out string reason));
        Assert.Equal("not built", reason);

        string plugin = Directory.CreateDirectory(Path.Combine(folder.Root, s_moon.Assembly)).FullName;
        string assembly = Path.Combine(plugin, s_moon.Assembly + ".dll");
        File.WriteAllText(assembly, "moon");
        File.WriteAllText(Path.Combine(program, "HipiFast.Kernels.dll"), "one");
        File.WriteAllText(Path.Combine(plugin, "HipiFast.Kernels.dll"), "two");
        Assert.Null(folder.Find(s_moon.Assembly, out reason));
        Assert.Equal("not built from the program's sources", reason);

        File.WriteAllText(Path.Combine(plugin, "HipiFast.Kernels.dll"), "one");
        Assert.Equal(assembly, folder.Find(s_moon.Assembly, out reason));

        // It is no assembly: said, not thrown.
        OptionalComponents parts = new(
            [s_moon with { }], folder, _ => throw new InvalidOperationException("It is built."), Assert.Fail);
        parts.LoadAll();
        Assert.StartsWith("does not load: ", parts.Components[0].Status, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, "installed")]
    [InlineData(null, "with a smaller rocket", "installed; with a smaller rocket")]
    [InlineData("no air", "with a smaller rocket", "cannot run here: no air")]
    public void APluginSaysWhatItLacksAndWhatItDoesDifferently(string? whyNot, string? remark, string status)
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(Path.Combine(directory["plugins"], s_moon.Assembly));
        SaveMoon(Path.Combine(directory["plugins"], s_moon.Assembly, s_moon.Assembly + ".dll"), whyNot, remark);
        OptionalComponents parts = new([s_moon with { }], new PluginFolder(directory.Root), build: null, Assert.Fail);
        parts.LoadAll();
        Assert.Equal(status, parts.Components[0].Status);
        Assert.True(parts.Components[0].IsLoaded);
    }

    [Fact]
    public void APackageThatTheFeedLacksIsOneSentence()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["HipiFast.sln"], string.Empty);
        string project = Directory.CreateDirectory(Path.Combine(directory.Root, s_moon.Project!)).FullName;
        File.WriteAllText(Path.Combine(project, "Moon.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="HipiFast.Rocket" Version="1.0.0" /></ItemGroup>
            </Project>
            """);
        Directory.CreateDirectory(directory["feed"]);
        File.WriteAllText(directory["nuget.config"], """
            <configuration><packageSources><clear /><add key="empty" value="feed" /></packageSources></configuration>
            """);
        PluginBuilder builder = new(new PluginFolder(Directory.CreateDirectory(directory["bin"]).FullName));
        Assert.True(builder.CanBuild);
        Assert.False(builder.HasFailed(s_moon));
        string reason = builder.Build(s_moon)!;
        Assert.StartsWith("Unable to find package HipiFast.Rocket", reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', reason);
        Assert.True(builder.HasFailed(s_moon));
    }

    [Fact]
    public void AFolderThatCannotBeWrittenIsAReasonNotToBuild()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["HipiFast.sln"], string.Empty);
        File.WriteAllText(directory["artifacts"], "a file where the folder of plug-ins should be");
        PluginBuilder builder = new(new PluginFolder(Directory.CreateDirectory(directory["bin"]).FullName));
        string reason = builder.Build(s_moon)!;
        Assert.Contains("cannot be written", reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', reason);
        Assert.False(reason.EndsWith('.'));
    }

    [Fact]
    public void ALockFileThatCannotBeOpenedIsAReasonNotToBuild()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["HipiFast.sln"], string.Empty);
        PluginFolder folder = new(Directory.CreateDirectory(directory["bin"]).FullName);
        Directory.CreateDirectory(Path.Combine(folder.Root, DirectoryLock.FileName));
        Assert.Contains("cannot be written", new PluginBuilder(folder).Build(s_moon)!, StringComparison.Ordinal);
    }

    // An assembly with a class Registration, whose properties are constants.
    private static void SaveMoon(string path, string? whyNot, string? remark)
    {
        PersistedAssemblyBuilder assembly = new(new AssemblyName(s_moon.Assembly), typeof(object).Assembly);
        TypeBuilder type = assembly.DefineDynamicModule(s_moon.Assembly).DefineType(
            s_moon.Assembly + ".Registration", TypeAttributes.Public | TypeAttributes.Class);
        const MethodAttributes PublicStatic = MethodAttributes.Public | MethodAttributes.Static;
        type.DefineMethod("Register", PublicStatic, typeof(void), []).GetILGenerator().Emit(OpCodes.Ret);
        foreach ((string name, string? value) in ((string, string?)[])[("WhyNot", whyNot), ("Remark", remark)])
        {
            MethodBuilder getter = type.DefineMethod("get_" + name, PublicStatic, typeof(string), []);
            ILGenerator code = getter.GetILGenerator();
            if (value is null)
            {
                code.Emit(OpCodes.Ldnull);
            }
            else
            {
                code.Emit(OpCodes.Ldstr, value);
            }

            code.Emit(OpCodes.Ret);
            type.DefineProperty(name, PropertyAttributes.None, typeof(string), null).SetGetMethod(getter);
        }

        type.CreateType();
        assembly.Save(path);
    }
}
