namespace HipiFast.Kernels.Networks;

/// <summary>A network that somebody trains in a device's memory, where kernels of that device read it in place.</summary>
internal abstract record ResidentParameters
{
    /// <summary>Copies the values to the host.</summary>
    /// <param name="values">Receives the floats in the layout of <see cref="MlpShape"/>.</param>
    public abstract void Download(Span<float> values);
}
