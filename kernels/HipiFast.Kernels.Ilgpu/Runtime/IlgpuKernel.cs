using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using HipiFast.Kernels.Devices.Runtime;
using ILGPU;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.Runtime;

/// <summary>
/// A kernel that ILGPU has loaded. Its launcher takes typed parameters; a method made once for the kernel's own types
/// reads them from <see cref="LaunchArguments"/>, so that a launch neither boxes nor allocates.
/// </summary>
internal sealed class IlgpuKernel : DeviceKernel
{
    private readonly Action<AcceleratorStream, KernelConfig, LaunchArguments, ArrayView<byte>> _launch;
    private readonly Kernel _kernel;
    private readonly int _parameters;

    public IlgpuKernel(string name, Kernel kernel, MethodInfo method)
        : base(name)
    {
        _kernel = kernel;
        _parameters = method.GetParameters().Length;
        _launch = MakeLauncher(kernel, method);
    }

    public override KernelResources Resources =>
        KernelResources.Unknown with { SharedBytes = _kernel.Info?.SharedAllocations.TotalSize ?? -1 };

    /// <summary>Queues the kernel.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="shape">Groups and threads.</param>
    /// <param name="arguments">Its parameters.</param>
    /// <param name="nothing">Memory that stands for views without any.</param>
    public void Launch(
        AcceleratorStream stream, in LaunchShape shape, LaunchArguments arguments, ArrayView<byte> nothing)
    {
        if (arguments.Count != _parameters)
        {
            throw new ArgumentException(
                $"The kernel '{Name}' has {_parameters} parameters; found {arguments.Count}.", nameof(arguments));
        }

        Index3D grid = new(
            shape.Grid.X, shape.Grid.Y, shape.Grid.Z), group = new(shape.Group.X, shape.Group.Y, shape.Group.Z);
        KernelConfig config = shape.DynamicSharedBytes > 0
            ? new KernelConfig(grid, group, SharedMemoryConfig.RequestDynamic<byte>(shape.DynamicSharedBytes))
            : new KernelConfig(grid, group);
        _launch(stream, config, arguments, nothing);
    }

    /// <summary>A parameter that is a view.</summary>
    internal static ArrayView<T> ReadView<T>(LaunchArguments arguments, int index, ArrayView<byte> nothing)
        where T : unmanaged
    {
        DeviceView view = arguments.View(index);
        if (view.ByteOffset % Unsafe.SizeOf<T>() != 0)
        {
            // ILGPU counts a view's beginning in elements.
            throw new ArgumentException(
                $"Parameter {index} begins at byte {view.ByteOffset}; expected a multiple of {Unsafe.SizeOf<T>()}.");
        }

        return (view.Buffer is null ? nothing.SubView(0, 0) : IlgpuBuffer.Of(view)).Cast<T>();
    }

    private static Action<AcceleratorStream, KernelConfig, LaunchArguments, ArrayView<byte>> MakeLauncher(
        Kernel kernel, MethodInfo method)
    {
        Type[] types = [.. method.GetParameters().Select(parameter => parameter.ParameterType)];

        // Not an Action, which ends at 16 parameters.
        Type launcherType = Expression.GetDelegateType(
            [typeof(AcceleratorStream), typeof(KernelConfig), .. types, typeof(void)]);
        object launcher = typeof(Kernel).GetMethod(nameof(Kernel.CreateLauncherDelegate), Type.EmptyTypes)!
            .MakeGenericMethod(launcherType).Invoke(kernel, null)!;
        ParameterExpression stream = Expression.Parameter(
            typeof(AcceleratorStream)), config = Expression.Parameter(typeof(KernelConfig));
        ParameterExpression arguments = Expression.Parameter(typeof(LaunchArguments)),
            nothing = Expression.Parameter(typeof(ArrayView<byte>));
        IEnumerable<Expression> values = types.Select((type, index) =>
            type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>)
                ? (Expression)Expression.Call(
                    typeof(IlgpuKernel), nameof(ReadView), type.GetGenericArguments(), arguments,
                    Expression.Constant(index), nothing)
                : Expression.Call(arguments, nameof(LaunchArguments.Struct), [type], Expression.Constant(index)));
        Expression body = Expression.Invoke(Expression.Constant(launcher, launcherType), [stream, config, .. values]);
        return Expression.Lambda<Action<AcceleratorStream, KernelConfig, LaunchArguments, ArrayView<byte>>>(
            body, stream, config, arguments, nothing)
            .Compile();
    }
}
