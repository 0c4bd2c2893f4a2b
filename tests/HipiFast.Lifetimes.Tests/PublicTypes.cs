using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using HipiFast.Testing;

namespace HipiFast.Lifetimes.Tests;

/// <summary>The public disposable types of everything that is shipped, and their members by key.</summary>
internal static class PublicTypes
{
    private static readonly string[] s_ofRecords =
        ["ToString", "GetHashCode", "Equals", "<Clone>$", "Deconstruct", "PrintMembers"];

    /// <summary>Every public type that can be disposed of.</summary>
    public static IReadOnlyList<Type> Disposable { get; } =
        [.. Assemblies().SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => typeof(IDisposable).IsAssignableFrom(type)
                && !typeof(Delegate).IsAssignableFrom(type))];

    /// <summary>
    /// Public instance members of a type and its bases, but for disposal and what every object or record has, and those
    /// that it implements for a public interface alone.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <returns>A key for each: <c>Name</c> and <c>Name=</c> of properties, <c>Name(Types)</c> of methods.</returns>
    public static IEnumerable<string> MembersOf(Type type)
    {
        IEnumerable<MethodInfo> own = type.GetMethods(BindingFlags.Public | BindingFlags.Instance)
            .Where(method => IsOurs(method.DeclaringType!));
        IEnumerable<string> keys = own.Select(method => Key(method, string.Empty));
        if (!type.IsInterface)
        {
            keys = keys.Concat(type.GetInterfaces().Where(contract => contract.IsPublic && IsOurs(contract))
                .SelectMany(contract => ForInterfaceAlone(type, contract)));
        }

        return keys.Where(key => key.Length > 0).Distinct();
    }

    private static IEnumerable<string> ForInterfaceAlone(Type type, Type contract)
    {
        InterfaceMapping map = type.GetInterfaceMap(contract);
        for (int i = 0; i < map.InterfaceMethods.Length; i++)
        {
            // A private method that only calls the public one of the same form stands for parameters by reference.
            Type[] parameters =
                [.. map.InterfaceMethods[i].GetParameters().Select(parameter => parameter.ParameterType)];
            if ((!map.TargetMethods[i].IsPublic || map.TargetMethods[i].DeclaringType == contract)
                && type.GetMethod(map.InterfaceMethods[i].Name, parameters) is null)
            {
                yield return Key(map.InterfaceMethods[i], contract.Name + ".");
            }
        }
    }

    private static string Key(MethodInfo method, string prefix)
    {
        ParameterInfo[] parameters = method.GetParameters();
        if (s_ofRecords.Contains(method.Name) || (method.Name == nameof(IDisposable.Dispose) && parameters.Length == 0)
            || method.Name == "get_EqualityContract")
        {
            return string.Empty;
        }

        if (method.IsSpecialName && method.Name.StartsWith("get_", StringComparison.Ordinal))
        {
            return prefix + method.Name["get_".Length..];
        }

        if (method.IsSpecialName && method.Name.StartsWith("set_", StringComparison.Ordinal))
        {
            // What can only be set while the object is made is not called afterwards.
            bool isInit = method.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
            return isInit ? string.Empty : prefix + method.Name["set_".Length..] + "=";
        }

        string types = string.Join(", ", parameters.Select(parameter => Name(parameter.ParameterType)));
        return $"{prefix}{method.Name}({types})";
    }

    private static string Name(Type type) => type.Name.Split('`')[0].TrimEnd('&');

    private static bool IsOurs(Type type) =>
        type.Assembly.GetName().Name!.StartsWith(nameof(HipiFast), StringComparison.Ordinal);

    // Of every project but programs, which have no public types.
    private static IEnumerable<Assembly> Assemblies()
    {
        foreach (string project in new[] { "kernels", "src" }.SelectMany(part => Directory.EnumerateFiles(
            Path.Combine(Repository.Root, part), "*.csproj", SearchOption.AllDirectories)).Where(IsNoProgram))
        {
            // Those that nothing here refers to are loaded from where they were built.
            string built = Repository.AssemblyOf(project);
            yield return Path.GetDirectoryName(built) == Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)
                ? Assembly.Load(Path.GetFileNameWithoutExtension(built))
                : Assembly.LoadFrom(built);
        }
    }

    private static bool IsNoProgram(string project) =>
        XDocument.Load(project).Descendants("OutputType").All(type => type.Value != "Exe");
}
