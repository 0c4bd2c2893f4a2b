using System.CommandLine;
using System.Reflection;
using HipiFast.Environments;

namespace HipiFast.Cli;

/// <summary>
/// Environments of the user's own: an assembly that is named on the command line, whose class <c>Registration</c> has a
/// public static method <c>Register()</c> that adds them to <see cref="EnvironmentRegistry"/>.
/// </summary>
internal static class EnvironmentAssembly
{
    private const string EntryType = "Registration";
    private const string EntryMethod = "Register";

    /// <summary>The option, for every command that knows environments by name.</summary>
    public static Option<string[]> Option { get; } = new("--environment-assembly")
    {
        Description =
            "Assembly with environments of your own, which a class Registration adds by a method Register(); its code "
            + "runs with your rights. May be given several times.",
        HelpName = "MY.dll",
    };

    /// <summary>Loads the assemblies that a command line names, in their order.</summary>
    /// <param name="parsed">The command line.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is no assembly, has nothing that registers environments, or that failed; the message says why.
    /// </exception>
    public static void Load(ParseResult parsed)
    {
        foreach (string path in parsed.GetValue(Option) ?? [])
        {
            int before = EnvironmentRegistry.Names.Count;
            Register(path);
            if (EnvironmentRegistry.Names.Count == before)
            {
                throw new InvalidDataException(
                    $"{EntryType}.{EntryMethod}() of '{path}' added no environment; expected a call of "
                    + $"{nameof(EnvironmentRegistry)}.{nameof(EnvironmentRegistry.Register)}.");
            }
        }
    }

    private static void Register(string path)
    {
        if (!File.Exists(path))
        {
            throw Directory.Exists(path)
                ? new IOException($"'{path}' is a directory; expected an assembly, such as bin/Release/net10.0/My.dll.")
                : new FileNotFoundException($"There is no file '{path}'; expected an assembly (build your project).");
        }

        MethodInfo entry;
        try
        {
            string full = Path.GetFullPath(path);
            Assembly assembly = new PluginContext(full).LoadFromAssemblyPath(full);
            entry = assembly.GetTypes().Where(type => type.Name == EntryType).Select(
                type => type.GetMethod(EntryMethod, BindingFlags.Public | BindingFlags.Static, Type.EmptyTypes))
                .FirstOrDefault(method => method is not null)
                ?? throw new InvalidDataException(
                    $"'{path}' has no class {EntryType} with a public static method {EntryMethod}() without "
                    + "parameters.");
        }
        catch (BadImageFormatException error)
        {
            throw new InvalidDataException($"'{path}' is not a .NET assembly.", error);
        }
        catch (Exception error) when (error is FileLoadException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' does not load: {ConsoleOutput.OneLine(error.Message)}", error);
        }
        catch (ReflectionTypeLoadException error)
        {
            // What the first type lacks says more than that some could not be loaded.
            Exception reason = error.LoaderExceptions.FirstOrDefault(inner => inner is not null) ?? error;
            throw new InvalidDataException($"'{path}' does not load: {ConsoleOutput.OneLine(reason.Message)}", error);
        }

        try
        {
            entry.Invoke(null, null);
        }
        catch (TargetInvocationException error)
        {
            throw new InvalidDataException(
                $"{EntryType}.{EntryMethod}() of '{path}' failed: "
                + ConsoleOutput.OneLine(error.InnerException!.Message), error);
        }
    }
}
