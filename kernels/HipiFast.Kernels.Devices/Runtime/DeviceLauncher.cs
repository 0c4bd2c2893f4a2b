using System.Numerics;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>Launches kernels of one runtime: their parameters, and how many groups of how many threads.</summary>
internal sealed class DeviceLauncher : IDisposable
{
    /// <summary>Most threads of a group: what the kernels' shared memory is declared for.</summary>
    public const int MaxGroupSize = 256;

    /// <summary>Most groups along an axis; kernels go around again where there are more.</summary>
    private const int MaxGroups = int.MaxValue;

    private readonly int _maxGroups;
    private UseGuard _use;

    public DeviceLauncher(DeviceRuntime runtime)
    {
        Runtime = runtime;
        GroupSize = 1 << BitOperations.Log2((uint)Math.Min(MaxGroupSize, runtime.Device.MaxGroupSize));

        // A processor that plays a device runs one group after the other and pays for each.
        _maxGroups = runtime.Device.Id == DeviceInfo.Cpu ? Math.Max(runtime.Device.Multiprocessors, 1) : MaxGroups;
    }

    public DeviceRuntime Runtime { get; }

    /// <summary>Threads of a group of the other kernels; a power of two.</summary>
    public int GroupSize { get; }

    /// <summary>Parameters of the next launch.</summary>
    public LaunchArguments Arguments { get; } = new();

    /// <summary>
    /// Begins a call of one of the kernels, which share <see cref="Arguments"/> and the main stream; see
    /// <see cref="UseGuard.Enter"/>.
    /// </summary>
    public UseGuard.Scope Enter() => _use.Enter(UseGuard.Session);

    /// <summary>
    /// How many of a group's threads lie side by side where they share columns: as many as there are columns, as far as
    /// they are half the group at most, so that columns are always shared.
    /// </summary>
    /// <param name="columns">Columns, or blocks of them.</param>
    /// <param name="most">Most threads side by side, a power of two.</param>
    /// <returns>A power of two.</returns>
    public int WidthFor(int columns, int most)
    {
        int width = 1, widest = Math.Min(most, Math.Max(GroupSize / 2, 1));
        while (width < widest && width < columns)
        {
            width *= 2;
        }

        return width;
    }

    /// <summary>Queues a kernel with one thread to an entry, or fewer threads that go around.</summary>
    public void RunEntries(DeviceKernel kernel, long entries) =>
        RunGroups(kernel, (entries + GroupSize - 1) / GroupSize);

    /// <summary>Queues a kernel of so many groups, or fewer that go around.</summary>
    public void RunGroups(DeviceKernel kernel, long groups) => RunGroups(kernel, groups, GroupSize);

    /// <summary>The same with groups of another size.</summary>
    public void RunGroups(DeviceKernel kernel, long groups, int groupSize) => Runtime.Launch(
        kernel, new LaunchShape(new DeviceExtent((int)Math.Min(groups, _maxGroups)), new DeviceExtent(groupSize)),
        Arguments);

    /// <summary>
    /// Queues a kernel of as many groups as run at once, which keep what lies in their shared memory and go around.
    /// </summary>
    public void RunResidentGroups(DeviceKernel kernel, long groups, int groupSize, int sharedBytes) => Runtime.Launch(
        kernel,
        new LaunchShape(
            new DeviceExtent((int)Math.Min(groups, Math.Max(Runtime.Device.Multiprocessors, 1))),
            new DeviceExtent(groupSize), sharedBytes),
        Arguments);

    public void Dispose()
    {
        if (_use.Close(UseGuard.Session))
        {
            Arguments.Dispose();
        }
    }
}
