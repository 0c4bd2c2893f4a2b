using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Devices.Learning;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Learning;
using HipiFast.Replay;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// What one SAC update reads, as torch wants it: the rows of a batch concatenated to network inputs, the noise, rewards
/// and discounts. Written by us into memory that torch reads in place: on the CPU by the processor; on a device by a
/// kernel, for a batch that is there, or else through one pinned block that is copied at once. No managed memory is
/// allocated.
/// </summary>
internal sealed unsafe class SacInputs : IDisposable
{
    /// <summary>
    /// log(2 pi) / 2 + log 4: what one action entry takes off its log-probability whatever the action.
    /// </summary>
    private const float EntryConstant = TanhGaussian.HalfLogTwoPi + (2f * TanhGaussian.LogTwo);

    private readonly TransitionShape _shape;
    private readonly Device? _device;
    private readonly NativeBuffer<float> _shared;
    private readonly DeviceRuntime? _kernels;
    private readonly DeviceLearnerInputs? _writer;
    private Tensor? _pinned;
    private Tensor? _onDevice;
    private Tensor? _host;
    private Tensor? _pinnedNoise;
    private Tensor? _noise;
    private DeviceBuffer? _resident;
    private float* _at;
    private int _rows;

    /// <summary>Allocates.</summary>
    /// <param name="shape">Widths.</param>
    /// <param name="capacity">Most rows.</param>
    /// <param name="device">The device to copy to; null for memory shared with torch.</param>
    /// <param name="kernels">
    /// The same device, for kernels that write to torch's memory in place; null where none can.
    /// </param>
    public SacInputs(TransitionShape shape, int capacity, Device? device, DeviceRuntime? kernels = null)
    {
        _shape = shape;
        _device = device;
        _kernels = kernels;
        _writer = kernels is null ? null : new DeviceLearnerInputs(kernels);
        _shared = new NativeBuffer<float>(device is null ? Floats(shape, capacity) : 0);
    }

    /// <summary>(state, task) of the rows, then (next state, task): <c>[2 B, S + P]</c>.</summary>
    public Tensor Actor { get; private set; } = null!;

    /// <summary>(state, action, task), <c>[B, S + A + P]</c>.</summary>
    public Tensor Critic { get; private set; } = null!;

    /// <summary>States, then next states, <c>[2 B, S]</c>: a part of <see cref="Actor"/>.</summary>
    public Tensor State { get; private set; } = null!;

    /// <summary>The rows' tasks, twice, <c>[2 B, P]</c>: a part of <see cref="Actor"/>.</summary>
    public Tensor Task { get; private set; } = null!;

    /// <summary>z, <c>[2 B, A]</c>: for actions at the states, then at the next states.</summary>
    public Tensor Noise { get; private set; } = null!;

    /// <summary>The share of the log-probability that depends on z alone, <c>[2 B]</c>.</summary>
    public Tensor NoiseTerm { get; private set; } = null!;

    /// <summary>r, <c>[B]</c>.</summary>
    public Tensor Reward { get; private set; } = null!;

    /// <summary>gamma, or 0 where the task terminated, <c>[B]</c>.</summary>
    public Tensor Discount { get; private set; } = null!;

    /// <summary>Writes the inputs of an update.</summary>
    /// <param name="batch">Transitions.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">B.</param>
    /// <param name="gamma">Discount.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="update">Number of the update.</param>
    public void Write(TransitionBatch batch, int firstRow, int rows, float gamma, ulong seed, uint update)
    {
        Reserve(rows);
        (int s, int a, int p) = (_shape.ObservationDimension, _shape.ActionDimension, _shape.TaskDimension);
        float* state = (float*)batch.Pointers.Observation + ((nint)firstRow * s);
        float* next = (float*)batch.Pointers.NextObservation + ((nint)firstRow * s);
        float* action = (float*)batch.Pointers.Action + ((nint)firstRow * a),
            task = batch.TaskPointer + ((nint)firstRow * p);
        float* actor = _at, nextActor = actor + ((nint)rows * (s + p)), critic = nextActor + ((nint)rows * (s + p));
        float* reward = critic + ((nint)rows * (s + a + p)), discount = reward + rows;
        for (int row = 0; row < rows; row++)
        {
            actor = Copy(task, p, Copy(state, s, actor));
            nextActor = Copy(task, p, Copy(next, s, nextActor));
            critic = Copy(task, p, Copy(action, a, Copy(state, s, critic)));
            state += s;
            next += s;
            action += a;
            task += p;
            reward[row] = batch.RewardPointer[firstRow + row];
            discount[row] = batch.TerminatedPointer[firstRow + row] == 0 ? gamma : 0f;
        }

        FillNoise(discount + rows, rows, a, seed, update);
        if (_onDevice is not null)
        {
            using DisposeScope scope = NewDisposeScope();
            _onDevice.copy_(_pinned!, true);
        }
    }

    /// <summary>Makes the tensors for so many rows, unless they are there.</summary>
    /// <param name="rows">B.</param>
    /// <returns>
    /// Whether they are new: torch's work on their memory, by this or an earlier owner, may be under way.
    /// </returns>
    public bool Reserve(int rows)
    {
        bool isNew = rows != _rows;
        if (isNew)
        {
            MakeViews(rows);
        }

        return isNew;
    }

    /// <summary>
    /// Queues, on the kernels' main stream, what of an update's inputs comes from a batch on the device.
    /// </summary>
    /// <param name="batch">Transitions; as many of its rows as were reserved.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="gamma">Discount.</param>
    public void Queue(DeviceBatch batch, int firstRow, float gamma)
    {
        LearnerInputShape shape = new()
        {
            FirstRow = firstRow,
            Rows = _rows,
            ObservationDimension = _shape.ObservationDimension,
            ActionDimension = _shape.ActionDimension,
            TaskDimension = _shape.TaskDimension,
            Gamma = gamma,
        };
        _writer!.Queue(batch, shape, _resident!.View<float>(0, DeviceLearnerInputs.Floats(shape)));
    }

    /// <summary>Writes the noise of an update whose rows <see cref="Queue"/> has seen to.</summary>
    /// <param name="seed">Philox key.</param>
    /// <param name="update">Number of the update.</param>
    public void WriteNoise(ulong seed, uint update)
    {
        FillNoise(TorchMemory.Address(_pinnedNoise!), _rows, _shape.ActionDimension, seed, update);
        using DisposeScope scope = NewDisposeScope();
        _noise!.copy_(_pinnedNoise!, true);
    }

    public void Dispose()
    {
        DisposeViews();
        _writer?.Dispose();
        _shared.Dispose();
    }

    private static long Floats(TransitionShape shape, int rows) =>
        (long)rows * ((2 * shape.ActorInputs) + shape.CriticInputs + (2 * shape.ActionDimension) + 4);

    private static float* Copy(float* source, int count, float* destination)
    {
        for (int i = 0; i < count; i++)
        {
            destination[i] = source[i];
        }

        return destination + count;
    }

    // z of all rows, then the shares of the log-probability. Actions at the states come from one range of counters,
    // those at the next states from another, as the embedded learner has it.
    private static void FillNoise(float* noise, int rows, int actions, ulong seed, uint update)
    {
        float* term = noise + (2 * (nint)rows * actions);
        FillNoise(rows, actions, seed, SacLearner.CurrentStateBlockOffset, update, noise, term);
        FillNoise(rows, actions, seed, 0, update, noise + ((nint)rows * actions), term + rows);
    }

    private static void FillNoise(
        int rows, int actions, ulong seed, uint blockOffset, uint update, float* noise, float* term)
    {
        Normals.Fill(new ActionNoise(seed, blockOffset, update, RandomPurpose.LearnerAction), rows, actions, noise);
        for (int row = 0; row < rows; row++)
        {
            float sum = 0;
            for (int d = 0; d < actions; d++)
            {
                float normal = *noise++;
                sum -= (0.5f * normal * normal) + EntryConstant;
            }

            term[row] = sum;
        }
    }

    private void MakeViews(int rows)
    {
        DisposeViews();
        using DisposeScope scope = NewDisposeScope();
        (int s, int a, int p) = (_shape.ObservationDimension, _shape.ActionDimension, _shape.TaskDimension);
        long floats = Floats(_shape, rows), at = 0;
        Tensor flat;
        if (_device is null)
        {
            _at = _shared.Pointer;
            flat = _host = TorchMemory.Share(_at, floats);
        }
        else
        {
            // Pinned memory is what the device copies from without a detour; a device without drivers of its own has
            // none.
            Tensor host = zeros(floats, ScalarType.Float32);
            _pinned = (_device.type == global::TorchSharp.DeviceType.CUDA ? host.pin_memory()
                : host).DetachFromDisposeScope();
            _at = TorchMemory.Address(_pinned);
            flat = _onDevice = zeros(floats, ScalarType.Float32, _device).DetachFromDisposeScope();
        }

        Actor = Take(2L * rows, s + p);
        Critic = Take(rows, s + a + p);
        Reward = Take(rows, 0);
        Discount = Take(rows, 0);
        long noise = at;
        Noise = Take(2L * rows, a);
        NoiseTerm = Take(2L * rows, 0);
        if (_kernels is not null)
        {
            _pinnedNoise = _pinned!.narrow(0, noise, floats - noise).DetachFromDisposeScope();
            _noise = flat.narrow(0, noise, floats - noise).DetachFromDisposeScope();
            _resident = _kernels.Share((ulong)TorchMemory.Address(flat), floats * sizeof(float));
        }

        State = Actor.narrow(1, 0, s).DetachFromDisposeScope();
        Task = Actor.narrow(1, s, p).DetachFromDisposeScope();
        _rows = rows;

        Tensor Take(long count, long columns)
        {
            Tensor part = flat.narrow(0, at, count * Math.Max(columns, 1));
            at += part.shape[0];
            return (columns == 0 ? part : part.view(count, columns)).DetachFromDisposeScope();
        }
    }

    private void DisposeViews()
    {
        if (_rows > 0)
        {
            foreach (
                Tensor view in (ReadOnlySpan<Tensor>)[Actor, Critic, State, Task, Noise, NoiseTerm, Reward, Discount])
            {
                view.Dispose();
            }
        }

        _resident?.Dispose();
        _pinnedNoise?.Dispose();
        _noise?.Dispose();
        _pinned?.Dispose();
        _onDevice?.Dispose();
        _host?.Dispose();
        _rows = 0;
    }
}
