namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>What a chunk's steps take: constants to the kernel compiler, which leaves out what is not needed.</summary>
internal interface ITensorMode
{
    /// <summary>Whether W2 comes in slices.</summary>
    bool IsSliced { get; }

    /// <summary>Whether each pair has an action of its own.</summary>
    bool AddsActions { get; }
}

/// <summary>W2 whole in shared memory.</summary>
internal readonly struct WholeMode : ITensorMode
{
    /// <inheritdoc/>
    public bool IsSliced => false;

    /// <inheritdoc/>
    public bool AddsActions => false;
}

/// <summary>W2 in slices.</summary>
internal readonly struct SlicedMode : ITensorMode
{
    /// <inheritdoc/>
    public bool IsSliced => true;

    /// <inheritdoc/>
    public bool AddsActions => false;
}

/// <summary>W2 whole, and actions.</summary>
internal readonly struct WholeActionMode : ITensorMode
{
    /// <inheritdoc/>
    public bool IsSliced => false;

    /// <inheritdoc/>
    public bool AddsActions => true;
}

/// <summary>W2 in slices, and actions.</summary>
internal readonly struct SlicedActionMode : ITensorMode
{
    /// <inheritdoc/>
    public bool IsSliced => true;

    /// <inheritdoc/>
    public bool AddsActions => true;
}
