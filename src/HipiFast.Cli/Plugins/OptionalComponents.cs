using System.Reflection;
using System.Runtime.InteropServices;
using HipiFast.Data;
using HipiFast.Kernels.Backends;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary>
/// The one place that registers optional backends, environments and learners: loads their assemblies and calls the
/// public static method <c>Register()</c> of the type <c>ASSEMBLY.Registration</c> in each. A public static string
/// property <c>WhyNot</c> there may say what the part lacks at run time, one called <c>Remark</c> what it does
/// differently on this machine. Plug-ins are loaded from where they are built, and built when something first asks for
/// them; those of an NVIDIA GPU as soon as its driver is found. What is absent is reported by <c>hipifast info</c>, and
/// an error only where it was asked for.
/// </summary>
/// <param name="components">The parts.</param>
/// <param name="folder">Where plug-ins lie.</param>
/// <param name="build">Builds a plug-in: why it could not, or null; null where nothing can be built.</param>
/// <param name="say">Receives a line before a plug-in is built.</param>
internal sealed class OptionalComponents(
    IReadOnlyList<OptionalComponent> components, PluginFolder folder, Func<OptionalComponent, string?>? build,
    Action<string> say)
{
    private const string EntryType = "Registration";
    private const string EntryMethod = "Register";
    private const string ReasonProperty = "WhyNot";
    private const string RemarkProperty = "Remark";

    // What the status of a part begins with that is not there; others have a verb.
    private const string Not = "not ";

    private static readonly PluginBuilder s_builder = new(PluginFolder.OfProgram);

    private static readonly OptionalComponents s_program = new(
        [
            new(
                "HipiFast.Kernels.Cuda", OptionalComponent.Backend, "cuda", "kernels/HipiFast.Kernels.Cuda",
                "7 MB of packages"),
            new(
                "HipiFast.Kernels.Ilgpu", OptionalComponent.Backend, "ilgpu", "kernels/HipiFast.Kernels.Ilgpu",
                "7 MB of packages"),
            new("HipiFast.Mujoco", "environments", "of the paper's physics"),
            new(
                "HipiFast.Formats", OptionalComponent.Formats, "HDF5 or Parquet", "src/HipiFast.Formats",
                "4 MB of packages"),
            new(
                "HipiFast.TorchSharp", OptionalComponent.Learner, LearnerRegistry.Torch, "src/HipiFast.TorchSharp",
                "libtorch, 130 MB", "libtorch-cpu-linux-x64 (or your system's)"),
        ],
        PluginFolder.OfProgram,
        s_builder.CanBuild ? s_builder.Build : null,
        line => Console.Error.WriteLine("hipifast: " + line));

    private readonly Lock _loading = new();

    /// <summary>The parts of this program.</summary>
    public static IReadOnlyList<OptionalComponent> All => s_program.Components;

    /// <summary>The parts.</summary>
    public IReadOnlyList<OptionalComponent> Components { get; } = components;

    /// <summary>Loads and registers what is there; does so once.</summary>
    public static void Load() => s_program.LoadAll();

    /// <summary>
    /// Builds what an NVIDIA GPU wants where there is a driver for one, so that <c>auto</c> takes it; once, whether it
    /// succeeds or not.
    /// </summary>
    public static void BuildForGpu()
    {
        if (HasNvidiaDriver())
        {
            foreach (OptionalComponent component in All)
            {
                if (component.Provides == OptionalComponent.Backend && !s_builder.HasFailed(component))
                {
                    s_program.Obtain(component);
                }
            }
        }
    }

    /// <summary>
    /// Finds a backend, which may have to be built first; throws, with what to do, when the name stands for an optional
    /// part that is not to be had.
    /// </summary>
    /// <param name="name">Backend name.</param>
    /// <param name="precision">Arithmetic allowed.</param>
    /// <param name="device">Device that it must have; null or empty for any.</param>
    /// <returns>The backend.</returns>
    /// <exception cref="ArgumentException">
    /// No backend has that name, or it computes in another precision, or lacks the device.
    /// </exception>
    /// <exception cref="NotSupportedException">It is not there, or cannot run here.</exception>
    public static KernelBackend RequireBackend(string name, PrecisionMode precision, string? device = null)
    {
        s_program.ObtainBackend(name, device);
        return KernelRegistry.Default.Resolve(name, precision, device);
    }

    /// <summary>
    /// Builds and loads the part that a backend is of, where there is one that can be; whether it succeeded shows in
    /// the registry.
    /// </summary>
    /// <param name="backend">Name of the backend.</param>
    public static void Prepare(string backend)
    {
        if (All.FirstOrDefault(part => part.HasBackend(backend)) is OptionalComponent component)
        {
            s_program.Obtain(component);
        }
    }

    /// <summary>Sees to it that a learner is registered, which may have to be built first.</summary>
    /// <param name="name">Its name; one that no part provides is none of this method's business.</param>
    /// <exception cref="NotSupportedException">It is an optional part that is not to be had.</exception>
    public static void RequireLearner(string name)
    {
        if (All.FirstOrDefault(
            part => part.Provides == OptionalComponent.Learner && part.Name == name) is OptionalComponent component)
        {
            s_program.Require(component, $"Learner '{name}'", "--learner " + LearnerRegistry.Embedded);
        }
    }

    /// <summary>Sees to it that a file can be read whose format a part provides, which may have to be built first.</summary>
    /// <param name="path">The file; one that is not there is none of this method's business.</param>
    /// <exception cref="NotSupportedException">It is of a format of an optional part that is not to be had.</exception>
    public static void RequireFormat(string path)
    {
        if (File.Exists(path) && DataFormats.LacksFormatOf(path) is string format
            && All.FirstOrDefault(part => part.Provides == OptionalComponent.Formats) is OptionalComponent component)
        {
            s_program.Require(
                component, $"'{path}' is {format}, and what reads it",
                "a safetensors or npz file, which need nothing");
        }
    }

    /// <summary>Loads and registers what is there; does so once.</summary>
    public void LoadAll()
    {
        lock (_loading)
        {
            foreach (OptionalComponent component in Components)
            {
                Load(component);
            }
        }
    }

    /// <summary>Builds and loads what a backend's name, or that of a device with <c>auto</c>, stands for.</summary>
    /// <param name="name">
    /// Backend name; with <c>auto</c>, that in <see cref="KernelRegistry.EnvironmentVariable"/>.
    /// </param>
    /// <param name="device">Device that it must have; null or empty for any.</param>
    /// <exception cref="NotSupportedException">It is not to be had.</exception>
    public void ObtainBackend(string name, string? device)
    {
        string? forced = name == KernelRegistry.Auto
            ? Environment.GetEnvironmentVariable(KernelRegistry.EnvironmentVariable)
            : null;
        string wanted = string.IsNullOrEmpty(forced) ? name : forced;
        if (wanted == KernelRegistry.Auto)
        {
            // Of the GPUs' interfaces only CUDA has a backend of its own, which a driver brings with it (BuildForGpu).
            wanted = device?.StartsWith("opencl:", StringComparison.Ordinal) == true ? "ilgpu" : wanted;
        }

        if (Components.FirstOrDefault(part => part.HasBackend(wanted)) is OptionalComponent component)
        {
            Require(
                component, $"Backend '{wanted}'",
                $"--backend {KernelRegistry.Auto} or --backend {ManagedBackend.FamilyName}");
        }
    }

    /// <summary>
    /// Builds a part where that is needed and can be done, and loads it; its status says what came of it.
    /// </summary>
    /// <param name="component">The part.</param>
    public void Obtain(OptionalComponent component)
    {
        lock (_loading)
        {
            bool builds = !component.IsLoaded && component.Project is not null && build is not null
                && folder.Find(component.Assembly, out _) is null;
            if (builds)
            {
                say($"building {component.Assembly}, once (fetches {component.Fetches}, unless they are there) ...");
            }

            if (builds && build!(component) is string reason)
            {
                component.Status = "could not be built: " + reason;
            }
            else
            {
                Load(component);
            }
        }
    }

    private void Require(OptionalComponent component, string what, string instead)
    {
        Obtain(component);
        if (!component.IsLoaded)
        {
            string verb = component.Status.StartsWith(Not, StringComparison.Ordinal) ? "is " : string.Empty;
            throw new NotSupportedException($"{what} {verb}{component.Status}; use {instead}.");
        }
    }

    private void Load(OptionalComponent component)
    {
        if (component.IsLoaded)
        {
            return;
        }

        string? path = Path.Combine(AppContext.BaseDirectory, component.Assembly + ".dll");
        if (component.Project is not null)
        {
            path = folder.Find(component.Assembly, out string reason);
            component.Status = build is null
                ? $"not installed ({component.HowToInstall(folder.Root)})"
                : $"{reason}; is built when {component.Option} first asks for it";
        }

        if (path is null)
        {
            return;
        }

        try
        {
            Assembly assembly = component.Project is null
                ? Assembly.LoadFrom(path)
                : new PluginContext(path).LoadFromAssemblyPath(path);
            Type? type = assembly.GetType($"{component.Assembly}.{EntryType}");
            MethodInfo entry = type?.GetMethod(EntryMethod, Type.EmptyTypes)
                ?? throw new MissingMethodException($"{component.Assembly}.{EntryType}", EntryMethod);
            entry.Invoke(null, null);
            component.IsLoaded = true;
            component.Status = type.GetProperty(ReasonProperty)?.GetValue(null) is string whyNot
                ? "cannot run here: " + whyNot
                : type.GetProperty(RemarkProperty)?.GetValue(null) is string remark
                ? "installed; " + remark
                : "installed";
        }
        catch (Exception error)
        {
            // A broken optional part must not take the program down; info says what is wrong with it.
            component.Status = "does not load: " + ConsoleOutput.OneLine((error.InnerException ?? error).Message);
        }
    }

    private static bool HasNvidiaDriver()
    {
        bool found = NativeLibrary.TryLoad(
            OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint library);
        if (found)
        {
            NativeLibrary.Free(library);
        }

        return found;
    }
}
