using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>A task family as a kernel's parameters: its struct, and a view of its constants.</summary>
internal sealed class DeviceFamily(DeviceRuntime runtime) : IDisposable
{
    private readonly DeviceArray _constants = new(runtime);
    private TaskFamily? _family;
    private DeviceView _view;

    /// <inheritdoc cref="DeviceArray.Generation"/>
    public int Generation => _constants.Generation;

    /// <summary>Copies the constants over unless that has been done.</summary>
    public void Update(TaskFamily family)
    {
        if (ReferenceEquals(family, _family))
        {
            return;
        }

        _family = null;
        Uploader uploader = new(this);
        family.Accept<Uploader, bool>(ref uploader);
        _family = family;
    }

    /// <summary>Adds the parameters.</summary>
    public void AddTo(LaunchArguments arguments)
    {
        Adder adder = new(arguments);
        _family!.Accept<Adder, bool>(ref adder);
        arguments.Add(_view);
    }

    /// <summary>Adds the parameters of a family, or those that stand for none.</summary>
    public static void AddTo(LaunchArguments arguments, DeviceFamily? family)
    {
        if (family is null)
        {
            arguments.Add(default(NoFamily)).Add(default(DeviceView));
        }
        else
        {
            family.AddTo(arguments);
        }
    }

    public void Dispose() => _constants.Dispose();

    private readonly struct Uploader(DeviceFamily owner) : ITaskFamilyVisitor<bool>
    {
        public bool Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, ITaskFamily
        {
            owner._view = owner._constants.Ensure<float>(constants.Length);
            owner.Upload(constants);
            return true;
        }
    }

    private readonly struct Adder(LaunchArguments arguments) : ITaskFamilyVisitor<bool>
    {
        public bool Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, ITaskFamily
        {
            arguments.Add(definition);
            return true;
        }
    }

    private void Upload(ReadOnlySpan<float> constants) => runtime.Upload(constants, _view);
}
