using System.Reflection;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Ilgpu;

/// <summary>The kernels of this assembly by name: every method with a <see cref="DeviceKernelAttribute"/>.</summary>
internal static class KernelTable
{
    /// <summary>The assembly that ILGPU emits its launchers to.</summary>
    private const string RuntimeAssemblyName = "ILGPURuntime";

    private static readonly Dictionary<string, MethodInfo> s_methods = typeof(KernelTable).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
        .Select(method => (Method: method, Attribute: method.GetCustomAttribute<DeviceKernelAttribute>()))
        .Where(entry => entry.Attribute is not null)
        .ToDictionary(entry => entry.Attribute!.Name, entry => entry.Method);

    /// <summary>The kernels' names.</summary>
    public static IReadOnlyCollection<string> Names => s_methods.Keys;

    /// <summary>Whether a kernel judges by a task family.</summary>
    public static bool Judges(string name) => Method(name).GetGenericArguments().Any(IsFamily);

    /// <summary>A kernel's method, specialised.</summary>
    /// <param name="name">One of <see cref="DeviceKernelNames"/>.</param>
    /// <param name="family">The struct of a task family; null for kernels that judge nothing.</param>
    /// <param name="tile">The tile that the device uses.</param>
    /// <returns>The method, without open type parameters.</returns>
    /// <exception cref="NotSupportedException">The family's struct cannot be handed to a device.</exception>
    public static MethodInfo Find(string name, Type? family, SoftQTile tile)
    {
        MethodInfo method = Method(name);
        if (!method.IsGenericMethodDefinition)
        {
            return method;
        }

        if (family is not null)
        {
            CheckVisible(family);
            CheckFields(family, family);
        }

        Type tileType = tile.PairThreads switch
        {
            SoftQTile.WideThreads => typeof(WideTile),
            SoftQTile.NarrowThreads => typeof(NarrowTile),
            _ => typeof(SingleTile),
        };
        return method.MakeGenericMethod(
            [.. method.GetGenericArguments().Select(argument => IsFamily(argument) ? family ?? typeof(NoFamily)
                : tileType)]);
    }

    /// <summary>The struct behind a family; null for null.</summary>
    public static Type? TypeOf(TaskFamily? family)
    {
        TypeVisitor visitor = default;
        return family?.Accept<TypeVisitor, Type>(ref visitor);
    }

    private static MethodInfo Method(string name) => s_methods.TryGetValue(name, out MethodInfo? method)
        ? method
        : throw new ArgumentException($"There is no kernel named '{name}'.", nameof(name));

    private static bool IsFamily(Type argument) =>
        argument.GetGenericParameterConstraints().Contains(typeof(ITaskFamily));

    // ILGPU's launchers are code of another assembly, which must see the parameters' types.
    private static void CheckVisible(Type family)
    {
        bool isPrivate = false;
        for (Type? type = family; type is not null; type = type.DeclaringType)
        {
            isPrivate |= type.IsNestedPrivate || type.IsNestedFamily || type.IsNestedFamANDAssem;
        }

        bool isShown = family.Assembly.GetCustomAttributes<InternalsVisibleToAttribute>().Any(
            shown => shown.AssemblyName == RuntimeAssemblyName);
        if (!family.IsVisible && (isPrivate || !isShown))
        {
            throw new NotSupportedException(
                $"The task family {family.Name} is not public; a device takes public structs, or internal ones of an "
                + "assembly with "
                + $"[assembly: InternalsVisibleTo(\"{RuntimeAssemblyName}\")].");
        }
    }

    private static void CheckFields(Type family, Type type)
    {
        foreach (
            FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            Type fieldType = field.FieldType;
            if (fieldType == typeof(bool) || fieldType == typeof(char))
            {
                throw new NotSupportedException(
                    $"The task family {family.Name} has a field of type {fieldType.Name}, which has no fixed layout on "
                    + "a device; "
                    + "expected an int or a byte.");
            }

            if (fieldType is { IsValueType: true, IsPrimitive: false, IsEnum: false })
            {
                CheckFields(family, fieldType);
            }
        }
    }

    private struct TypeVisitor : ITaskFamilyVisitor<Type>
    {
        public readonly Type Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, ITaskFamily => typeof(TFamily);
    }
}
