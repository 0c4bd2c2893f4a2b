namespace HipiFast.Storage;

/// <summary>
/// Element type of a tensor in a safetensors file. Little-endian; the name in the file stands in brackets.
/// </summary>
public enum TensorType
{
    /// <summary>IEEE 754 binary32 (<c>F32</c>); <see cref="float"/>.</summary>
    Float32,

    /// <summary>IEEE 754 binary64 (<c>F64</c>); <see cref="double"/>.</summary>
    Float64,

    /// <summary>Signed 32-bit integer (<c>I32</c>); <see cref="int"/>.</summary>
    Int32,

    /// <summary>Signed 64-bit integer (<c>I64</c>); <see cref="long"/>.</summary>
    Int64,

    /// <summary>Unsigned 64-bit integer (<c>U64</c>); <see cref="ulong"/>.</summary>
    UInt64,

    /// <summary>Unsigned byte (<c>U8</c>); <see cref="byte"/>.</summary>
    UInt8,

    /// <summary>
    /// One byte, 0 or 1 (<c>BOOL</c>); read as <see cref="byte"/>, whatever its value, and written from
    /// <see cref="bool"/>.
    /// </summary>
    Bool,

    /// <summary>
    /// Any other type (<c>F16</c>, <c>BF16</c>, <c>I8</c>, ...): such a tensor is left alone, neither read nor written.
    /// </summary>
    Other,
}
