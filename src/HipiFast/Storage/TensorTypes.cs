namespace HipiFast.Storage;

/// <summary>Names and sizes of <see cref="TensorType"/>, and the C# types they go with.</summary>
internal static class TensorTypes
{
    /// <summary>The types read and written, in the order of <see cref="TensorType"/>.</summary>
    public const string Supported = "F32, F64, I32, I64, U64, U8 and BOOL";

    /// <summary>
    /// Bytes of one element; 1 for <see cref="TensorType.Other"/>, whose bytes are all that is known of it.
    /// </summary>
    public static int Size(TensorType type) => type switch
    {
        TensorType.Float32 or TensorType.Int32 => 4,
        TensorType.Float64 or TensorType.Int64 or TensorType.UInt64 => 8,
        TensorType.UInt8 or TensorType.Bool or TensorType.Other => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a tensor type."),
    };

    /// <summary>The name that the file format uses.</summary>
    public static string FormatName(TensorType type) => type switch
    {
        TensorType.Float32 => "F32",
        TensorType.Float64 => "F64",
        TensorType.Int32 => "I32",
        TensorType.Int64 => "I64",
        TensorType.UInt64 => "U64",
        TensorType.UInt8 => "U8",
        TensorType.Bool => "BOOL",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a tensor type."),
    };

    /// <summary>How a tensor of another type is made one of this type, for the end of an error's sentence.</summary>
    public static string CastTo(TensorType type)
    {
        string name = type switch
        {
            TensorType.Float32 => "float32",
            TensorType.Float64 => "float64",
            TensorType.Int32 => "int32",
            TensorType.Int64 => "int64",
            TensorType.UInt64 => "uint64",
            TensorType.UInt8 => "uint8",
            _ => "bool",
        };
        return $"cast it with .astype(numpy.{name}) or .to(torch.{name})";
    }

    /// <summary>
    /// The type whose elements are <typeparamref name="T"/>; <see cref="byte"/> is <see cref="TensorType.UInt8"/>.
    /// </summary>
    /// <exception cref="NotSupportedException">No tensor type has such elements.</exception>
    public static TensorType Of<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return TensorType.Float32;
        if (typeof(T) == typeof(double)) return TensorType.Float64;
        if (typeof(T) == typeof(int)) return TensorType.Int32;
        if (typeof(T) == typeof(long)) return TensorType.Int64;
        if (typeof(T) == typeof(ulong)) return TensorType.UInt64;
        if (typeof(T) == typeof(byte)) return TensorType.UInt8;
        if (typeof(T) == typeof(bool)) return TensorType.Bool;
        throw new NotSupportedException(
            $"Tensors cannot hold {typeof(T).Name}; use float, double, int, long, ulong, byte or bool ({Supported}).");
    }

    /// <summary>
    /// Tensors are copied between file and memory byte by byte, so memory must be little-endian like the file.
    /// </summary>
    /// <exception cref="NotSupportedException">The machine is big-endian.</exception>
    public static void RequireLittleEndian()
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new NotSupportedException(
                "Safetensors files are little-endian; this machine is big-endian, which is not supported.");
        }
    }

    /// <summary>All types but <see cref="TensorType.Other"/>.</summary>
    public static TensorType[] Ours { get; } = [.. Enum.GetValues<TensorType>().Where(
        static type => type != TensorType.Other)];
}
