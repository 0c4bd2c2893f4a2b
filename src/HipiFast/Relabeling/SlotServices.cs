using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;

namespace HipiFast.Relabeling;

/// <summary>
/// Which slots of a call (rows or trajectories) are served how: every slot is decided independently, from its counter.
/// </summary>
/// <param name="options">Strategy, probabilities and seed.</param>
internal sealed class SlotServices(RelabelOptions options) : IDisposable
{
    private readonly NativeBuffer<RowService> _service = new(0);
    private int _slots;

    /// <summary>Whether inverse RL serves any slot.</summary>
    public bool Infers { get; private set; }

    /// <summary>How a slot is served.</summary>
    /// <param name="slot">Number of the slot.</param>
    public RowService this[int slot] => _service[slot];

    /// <summary>Decides for all slots of a call.</summary>
    /// <param name="slots">Number of slots.</param>
    /// <param name="call">Number of the call.</param>
    public void Decide(int slots, uint call)
    {
        RowService main = options.Strategy switch
        {
            RelabelStrategy.InverseRl => RowService.Infer,
            RelabelStrategy.Random => RowService.Random,
            _ => RowService.Goal,
        };
        float fraction = options.Strategy == RelabelStrategy.None ? 0 : options.RelabelFraction;
        ServiceRule rule = new(options.Seed, call, fraction, options.GoalMix, main);
        _service.EnsureLength(slots);
        Infers = false;
        _slots = slots;
        for (int slot = 0; slot < slots; slot++)
        {
            RowService service = rule.Of(slot);
            _service[slot] = service;
            Infers |= service == RowService.Infer;
        }
    }

    /// <summary>A task of an earlier call serves a slot.</summary>
    /// <param name="slot">Number of the slot.</param>
    public void Recall(int slot) => _service[slot] = RowService.Recall;

    /// <summary>Looks again whether inverse RL serves any slot (<see cref="Infers"/>).</summary>
    public void Review() => Infers = _service.Slice(0, _slots).Contains(RowService.Infer);

    /// <inheritdoc/>
    public void Dispose() => _service.Dispose();
}
