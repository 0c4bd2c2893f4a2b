using HipiFast.Kernels.Devices.Learning;
using HipiFast.Kernels.Devices.Runtime;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.Learning;

/// <summary>What a learner in another library needs of a batch on the device.</summary>
public static class LearnerKernels
{
    /// <summary>
    /// Concatenates rows to network inputs (<see cref="LearnerInputShape"/>): neighbouring threads, neighbouring floats
    /// of a row.
    /// </summary>
    /// <param name="observation">s, <c>[rows, S]</c>.</param>
    /// <param name="action">a, <c>[rows, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[rows, S]</c>.</param>
    /// <param name="task">psi, <c>[rows, P]</c>.</param>
    /// <param name="reward">r, <c>[rows]</c>.</param>
    /// <param name="terminated">Not 0 where the task ended, <c>[rows]</c>.</param>
    /// <param name="inputs">Receives the inputs.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.LearnerInputs)]
    public static void WriteInputs(
        ArrayView<float> observation, ArrayView<float> action, ArrayView<float> nextObservation, ArrayView<float> task,
        ArrayView<float> reward,
        ArrayView<int> terminated, ArrayView<float> inputs, LearnerInputShape shape)
    {
        int s = shape.ObservationDimension, a = shape.ActionDimension, p = shape.TaskDimension;
        int actor = s + p, next0 = actor, critic0 = 2 * actor, critic = s + a + p, reward0 = critic0 + critic,
            width = reward0 + 2;
        long rows = shape.Rows, total = rows * width, step = (long)Grid.DimX * Group.DimX;
        for (long item = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; item < total; item += step)
        {
            long row = item / width, from = row + shape.FirstRow;
            int column = (int)(item - (row * width));
            if (column < next0)
            {
                inputs[(row * actor) + column] = column < s
                    ? observation[(from * s) + column]
                    : task[(from * p) + column - s];
            }
            else if (column < critic0)
            {
                int entry = column - next0;
                inputs[((rows + row) * actor) + entry] = entry < s
                    ? nextObservation[(from * s) + entry]
                    : task[(from * p) + entry - s];
            }
            else if (column < reward0)
            {
                int entry = column - critic0;
                float value = entry < s ? observation[(from * s) + entry]
                    : entry < s + a ? action[(from * a) + entry - s]
                    : task[(from * p) + entry - s - a];
                inputs[(2 * rows * actor) + (row * critic) + entry] = value;
            }
            else
            {
                float value = column == reward0 ? reward[from] : terminated[from] == 0 ? shape.Gamma : 0f;
                inputs[(rows * (column == reward0 ? reward0 : reward0 + 1)) + row] = value;
            }
        }
    }
}
