namespace HipiFast.Kernels.Tasks;

/// <summary>
/// Receives the struct behind a <see cref="TaskFamily"/>, for backends that compile it for their device.
/// </summary>
/// <typeparam name="TResult">What the visit returns.</typeparam>
internal interface ITaskFamilyVisitor<out TResult>
{
    /// <summary>Called with the struct.</summary>
    /// <typeparam name="TFamily">Its type.</typeparam>
    /// <param name="definition">Its value.</param>
    /// <param name="constants">
    /// The numbers its methods read through <see cref="TaskPair{TVector}.Constants"/>; may be empty.
    /// </param>
    /// <returns>Whatever the visitor makes of it.</returns>
    TResult Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
        where TFamily : unmanaged, ITaskFamily;
}
