using System.Numerics;

namespace HipiFast.Kernels.Devices;

/// <summary>Launches kernels of one runtime: their parameters, and how many groups of how many threads.</summary>
internal sealed class DeviceLauncher : IDisposable
{
    /// <summary>Most threads of a group: what the kernels' shared memory is declared for.</summary>
    private const int MaxGroupSize = 256;

    /// <summary>Most groups along an axis; kernels go around again where there are more.</summary>
    private const int MaxGroups = int.MaxValue;

    private readonly int _maxGroups;

    public DeviceLauncher(DeviceRuntime runtime)
    {
        Runtime = runtime;
        Tile = SoftQTile.For(runtime.Device);
        GroupSize = 1 << BitOperations.Log2((uint)Math.Min(MaxGroupSize, runtime.Device.MaxGroupSize));

        // A processor that plays a device runs one group after the other and pays for each.
        _maxGroups = runtime.Device.Id == DeviceInfo.Cpu ? Math.Max(runtime.Device.Multiprocessors, 1) : MaxGroups;
    }

    public DeviceRuntime Runtime { get; }

    /// <summary>The soft-Q kernels' tile.</summary>
    public SoftQTile Tile { get; }

    /// <summary>Threads of a group of the other kernels; a power of two.</summary>
    public int GroupSize { get; }

    /// <summary>Parameters of the next launch.</summary>
    public LaunchArguments Arguments { get; } = new();

    /// <summary>Queues a kernel with one thread to an entry, or fewer threads that go around.</summary>
    public void RunEntries(DeviceKernel kernel, long entries) => RunGroups(kernel, (entries + GroupSize - 1) / GroupSize);

    /// <summary>Queues a kernel of so many groups, or fewer that go around.</summary>
    public void RunGroups(DeviceKernel kernel, long groups) => Launch(kernel, groups, GroupSize);

    /// <summary>Queues a soft-Q kernel.</summary>
    public void RunTiles(DeviceKernel kernel, long tiles) => Launch(kernel, tiles, Tile.GroupSize);

    /// <summary>Queues a soft-Q kernel on tensor cores: as many groups as run at once, which keep their weights and go around.</summary>
    public void RunTensorTiles(DeviceKernel kernel, TensorTile tile, long tiles) => Runtime.Launch(
        kernel,
        new LaunchShape(
            new DeviceExtent((int)Math.Min(tiles, Math.Max(Runtime.Device.Multiprocessors, 1))), new DeviceExtent(tile.GroupSize), tile.SharedBytes),
        Arguments);

    public void Dispose() => Arguments.Dispose();

    private void Launch(DeviceKernel kernel, long groups, int groupSize) => Runtime.Launch(
        kernel, new LaunchShape(new DeviceExtent((int)Math.Min(groups, _maxGroups)), new DeviceExtent(groupSize)), Arguments);
}
