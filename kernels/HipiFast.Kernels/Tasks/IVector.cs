namespace HipiFast.Kernels.Tasks;

/// <summary>A read-only vector that the CPU and a GPU kernel compiler can both specialise.</summary>
public interface IVector
{
    /// <summary>Number of entries.</summary>
    int Length { get; }

    /// <summary>One entry.</summary>
    /// <param name="index">In [0, <see cref="Length"/>).</param>
    float this[int index] { get; }
}
