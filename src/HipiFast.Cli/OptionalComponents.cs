using System.Reflection;
using HipiFast.Kernels.Backends;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary>An assembly that may or may not lie beside the program.</summary>
/// <param name="Assembly">Its name without <c>.dll</c>.</param>
/// <param name="Provides">What it adds.</param>
/// <param name="Name">Name of the backend or learner.</param>
/// <param name="Needs">What a build needs to make it.</param>
internal sealed record OptionalComponent(string Assembly, string Provides, string Name, string Needs)
{
    /// <summary>Whether it is loaded and registered.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>How it was found, in a few words.</summary>
    public string Status { get; set; } = "not looked for";
}

/// <summary>
/// The one place that registers optional backends and learners: looks for their assemblies beside the program and calls the public static
/// method <c>Register()</c> of the type <c>ASSEMBLY.Registration</c> in each. A public static string property <c>WhyNot</c> there may say what the
/// part lacks at run time. An absent one is reported by <c>hipifast info</c>, never an error.
/// </summary>
internal static class OptionalComponents
{
    private const string EntryType = "Registration";
    private const string EntryMethod = "Register";
    private const string ReasonProperty = "WhyNot";

    public static IReadOnlyList<OptionalComponent> All { get; } =
    [
        new("HipiFast.Kernels.Cuda", "backend", "cuda", "an NVIDIA driver at run time"),
        new("HipiFast.Kernels.Ilgpu", "backend", "ilgpu", "the ILGPU package when building"),
        new("HipiFast.Mujoco", "environments", "of the paper's physics", "nothing"),
        new("HipiFast.TorchSharp", "learner", LearnerRegistry.Torch, "the TorchSharp package when building"),
    ];

    /// <summary>Loads and registers what is there; does so once.</summary>
    public static void Load()
    {
        foreach (OptionalComponent component in All)
        {
            string path = Path.Combine(AppContext.BaseDirectory, component.Assembly + ".dll");
            if (component.IsLoaded)
            {
                continue;
            }

            if (!File.Exists(path))
            {
                component.Status = $"not installed (no {component.Assembly}.dll beside the program; needs {component.Needs})";
                continue;
            }

            try
            {
                Type? type = System.Reflection.Assembly.LoadFrom(path).GetType($"{component.Assembly}.{EntryType}");
                MethodInfo entry = type?.GetMethod(EntryMethod, Type.EmptyTypes)
                    ?? throw new MissingMethodException($"{component.Assembly}.{EntryType}", EntryMethod);
                entry.Invoke(null, null);
                component.IsLoaded = true;
                component.Status = type.GetProperty(ReasonProperty)?.GetValue(null) is string reason ? "cannot run here: " + reason : "installed";
            }
            catch (Exception error)
            {
                // A broken optional part must not take the program down; info says what is wrong with it.
                component.Status = "does not load: " + ConsoleOutput.OneLine((error.InnerException ?? error).Message);
            }
        }
    }

    /// <summary>Finds a backend; throws, with what to install, when the name stands for an optional part that is not there.</summary>
    /// <param name="name">Backend name.</param>
    /// <param name="precision">Arithmetic allowed.</param>
    /// <param name="device">Device that it must have; null or empty for any.</param>
    /// <returns>The backend.</returns>
    /// <exception cref="ArgumentException">No backend has that name, or it computes in another precision, or lacks the device.</exception>
    /// <exception cref="NotSupportedException">It is not there, or cannot run here.</exception>
    public static KernelBackend RequireBackend(string name, PrecisionMode precision, string? device = null)
    {
        OptionalComponent? component = All.FirstOrDefault(candidate =>
            candidate.Name == name && candidate.Provides == "backend" && !candidate.IsLoaded);
        if (component is not null)
        {
            throw new NotSupportedException($"Backend '{name}' is {component.Status}; use --backend auto or --backend managed.");
        }

        return KernelRegistry.Default.Resolve(name, precision, device);
    }
}
