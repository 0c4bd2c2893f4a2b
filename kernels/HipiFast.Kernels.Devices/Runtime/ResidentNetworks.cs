using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// The networks whose newest values lie in one device's memory. Those of the host may be older: they are the business
/// of whoever trains there. One thread at a time, as the runtime.
/// </summary>
internal sealed class ResidentNetworks
{
    private readonly Dictionary<MlpParameters, ResidentNetwork> _networks = [];

    /// <summary>Says that a network lies on the device from now on, equal to the host's values or newer.</summary>
    /// <param name="network">The network.</param>
    /// <param name="view">Its floats, padding zero; must stay where they are until <see cref="Remove"/>.</param>
    /// <returns>To say when the values change.</returns>
    /// <exception cref="ArgumentException">
    /// The view does not hold the network, or the network lies here already.
    /// </exception>
    public ResidentNetwork Add(MlpParameters network, DeviceView view)
    {
        if (view.Length != network.Shape.Length)
        {
            throw new ArgumentException(
                $"A network has {network.Shape.Length} floats; the memory on the device holds {view.Length}.",
                nameof(view));
        }

        ResidentNetwork resident = new(view);
        _networks.Add(network, resident);
        return resident;
    }

    /// <summary>
    /// Says that the host's values are the newest again; does nothing for networks that do not lie here.
    /// </summary>
    /// <param name="network">The network.</param>
    public void Remove(MlpParameters network) => _networks.Remove(network);

    /// <summary>Finds a network.</summary>
    /// <param name="network">The network.</param>
    /// <returns>Where it lies; null when the host's values are the newest.</returns>
    public ResidentNetwork? Find(MlpParameters network) => _networks.GetValueOrDefault(network);
}
