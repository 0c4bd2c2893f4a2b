using HipiFast.Kernels.Relabeling;
using HipiFast.Storage;

namespace HipiFast.Relabeling;

/// <summary>The partition that is kept across batches, in a checkpoint.</summary>
internal static class PartitionCheckpoint
{
    /// <summary>Adds the sums to a checkpoint.</summary>
    /// <param name="partition">The sums.</param>
    /// <param name="writer">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    public static void Save(RunningPartition partition, SafetensorsWriter writer, string prefix)
    {
        writer.Add<double>(prefix + "weight", [partition.Weight], 1);
        writer.Add<float>(prefix + "max", partition.Max, partition.Count);
        writer.Add<float>(prefix + "sum", partition.Sum, partition.Count);
    }

    /// <summary>Restores what <see cref="Save"/> wrote.</summary>
    /// <param name="partition">Receives the sums.</param>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="candidates">K.</param>
    /// <exception cref="InvalidDataException">Something is missing, has another shape, or cannot be.</exception>
    public static void Load(RunningPartition partition, SafetensorsFile file, string prefix, int candidates)
    {
        double weight = 0;
        file.Require(prefix + "weight", TensorType.Float64, 1);
        file.Read(prefix + "weight", new Span<double>(ref weight));
        if (!(weight >= 0) || double.IsInfinity(weight))
        {
            throw new InvalidDataException(
                $"{FileMessages.Tensor(prefix + "weight", file.Path)} is {weight}; expected a finite number of "
                + "rows, 0 or more.");
        }

        int count = weight == 0 ? 0 : candidates;
        file.Require(prefix + "max", TensorType.Float32, count);
        file.Require(prefix + "sum", TensorType.Float32, count);
        float[] max = new float[count], sum = new float[count];
        file.Read(prefix + "max", max);
        file.ReadFinite<float>(prefix + "sum", sum);
        if (Array.FindIndex(max, value => float.IsNaN(value) || float.IsPositiveInfinity(value)) is int bad and >= 0)
        {
            throw new InvalidDataException(
                $"{FileMessages.Tensor(prefix + "max", file.Path)} is {max[bad]} at entry {bad}; expected a "
                + "finite number or -infinity.");
        }

        if (Array.FindIndex(sum, value => value < 0) is int negative and >= 0)
        {
            throw new InvalidDataException(
                $"{FileMessages.Tensor(prefix + "sum", file.Path)} is {sum[negative]} at entry {negative}; "
                + "expected 0 or more.");
        }

        partition.Resize(weight, count);
        max.CopyTo(partition.Max);
        sum.CopyTo(partition.Sum);
    }
}
