namespace NeedsAccelerators;

/// <summary>Does not compile without the package.</summary>
public static class UsesIlgpu
{
    /// <summary>A type of the package.</summary>
    public static System.Type Context => typeof(ILGPU.Context);
}
