using HipiFast.Replay;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>Batches of transitions over torch tensors.</summary>
public static unsafe class TorchTransitions
{
    /// <summary>
    /// A batch over the memory of tensors, which is read, and written by relabeling, where it lies: no copy is made.
    /// </summary>
    /// <param name="observation">s, <c>[B, S]</c>, like all others float32, contiguous and on the CPU.</param>
    /// <param name="action">a, <c>[B, A]</c>, entries in [-1, 1].</param>
    /// <param name="nextObservation">s', <c>[B, S]</c>.</param>
    /// <param name="task">psi, <c>[B, P]</c>: the commanded tasks, and after relabeling the new ones.</param>
    /// <param name="reward">r, <c>[B]</c>, written by relabeling; null for memory of the batch's own.</param>
    /// <param name="terminated">
    /// 1 or 0, <c>[B]</c>, uint8 or bool, written by relabeling; null for memory of the batch's own.
    /// </param>
    /// <returns>
    /// The batch, all rows in use; dispose it. The tensors must live as long, and not be resized meanwhile.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// A tensor has another shape or type, is not contiguous, or lies on another device.
    /// </exception>
    public static TransitionBatch Wrap(
        Tensor observation, Tensor action, Tensor nextObservation, Tensor task, Tensor? reward = null,
        Tensor? terminated = null)
    {
        ArgumentNullException.ThrowIfNull(observation);
        ArgumentNullException.ThrowIfNull(action);
        ArgumentNullException.ThrowIfNull(nextObservation);
        ArgumentNullException.ThrowIfNull(task);
        long rows = observation.dim() == 2 ? observation.shape[0] : 0;
        TransitionAddresses columns = new()
        {
            Observation = Matrix(observation, rows, nameof(observation)),
            Action = Matrix(action, rows, nameof(action)),
            NextObservation = Matrix(nextObservation, rows, nameof(nextObservation)),
            Task = Matrix(task, rows, nameof(task)),
            Reward = reward is null ? null : Vector(reward, rows, nameof(reward), ScalarType.Float32),
            Terminated = terminated is null
                ? null
                : (byte*)Vector(
                    terminated, rows, nameof(terminated),
                    terminated.dtype == ScalarType.Bool ? ScalarType.Bool : ScalarType.Byte),
        };
        TransitionShape shape = new((int)observation.shape[1], (int)action.shape[1], (int)task.shape[1]);
        if (nextObservation.shape[1] != observation.shape[1])
        {
            throw new ArgumentException(
                $"The tensor has the shape [{string.Join(", ", nextObservation.shape)}]; expected that of observation, "
                + $"[{string.Join(", ", observation.shape)}].",
                nameof(nextObservation));
        }

        return TransitionBatch.Wrap(shape, columns, checked((int)rows));
    }

    private static float* Matrix(Tensor tensor, long rows, string name)
    {
        if (tensor.dim() != 2 || tensor.shape[0] != rows || tensor.numel() == 0)
        {
            throw new ArgumentException(
                $"The tensor has the shape [{string.Join(", ", tensor.shape)}]; expected "
                + $"[{(rows > 0 ? rows : "rows")}, entries].",
                name);
        }

        return Memory(tensor, name, ScalarType.Float32);
    }

    private static float* Vector(Tensor tensor, long rows, string name, ScalarType type) =>
        tensor.dim() == 1 && tensor.shape[0] == rows
            ? Memory(tensor, name, type)
            : throw new ArgumentException(
                $"The tensor has the shape [{string.Join(", ", tensor.shape)}]; expected [{rows}].", name);

    private static float* Memory(Tensor tensor, string name, ScalarType type)
    {
        if (tensor.dtype != type || tensor.device.type != DeviceType.CPU || !tensor.is_contiguous())
        {
            string order = tensor.is_contiguous() ? "contiguous" : "not contiguous";
            throw new ArgumentException(
                $"The tensor is {tensor.dtype} on {tensor.device}, {order}; expected {type} on the CPU, contiguous.",
                name);
        }

        return TorchMemory.Address(tensor);
    }
}
