using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace HipiFast.Data;

/// <summary>Sizes and names of <see cref="ElementType"/>, and conversions from raw elements.</summary>
public static class ElementTypes
{
    // What a flag becomes that is neither 0 nor 1.
    internal const byte NoFlag = byte.MaxValue;

    /// <summary>Bytes of one element.</summary>
    /// <param name="type">The type.</param>
    /// <returns>1, 2, 4 or 8.</returns>
    public static int Bytes(ElementType type) => type switch
    {
        ElementType.Int8 or ElementType.UInt8 or ElementType.Bool => 1,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
    };

    /// <summary>The type's name as NumPy has it, such as <c>float32</c>.</summary>
    /// <param name="type">The type.</param>
    /// <returns>The name.</returns>
    public static string Name(ElementType type) =>
        type == ElementType.Bool ? "bool" : type.ToString().ToLowerInvariant();

    /// <summary>The type whose elements are <typeparamref name="T"/>.</summary>
    /// <typeparam name="T">A primitive type or <see cref="Half"/>.</typeparam>
    /// <returns>The type.</returns>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static ElementType Of<T>()
        where T : unmanaged => Of(typeof(T)) ?? throw new NotSupportedException(
            $"A column cannot hold {typeof(T).Name}.");

    /// <summary>The type whose elements are of a C# type.</summary>
    /// <param name="type">A primitive type or <see cref="Half"/>.</param>
    /// <returns>The type, or null where there is none.</returns>
    public static ElementType? Of(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Single => ElementType.Float32,
        TypeCode.Double => ElementType.Float64,
        TypeCode.SByte => ElementType.Int8,
        TypeCode.Int16 => ElementType.Int16,
        TypeCode.Int32 => ElementType.Int32,
        TypeCode.Int64 => ElementType.Int64,
        TypeCode.Byte => ElementType.UInt8,
        TypeCode.UInt16 => ElementType.UInt16,
        TypeCode.UInt32 => ElementType.UInt32,
        TypeCode.UInt64 => ElementType.UInt64,
        TypeCode.Boolean => ElementType.Bool,
        _ when type == typeof(Half) => ElementType.Float16,
        _ => null,
    };

    /// <summary>Converts elements to 32-bit floats, rounding to nearest; what is beyond their range is
    /// infinite.</summary>
    /// <param name="type">Type of the elements.</param>
    /// <param name="raw">The elements.</param>
    /// <param name="values">Receives one float for each.</param>
    internal static void ToSingle(ElementType type, ReadOnlySpan<byte> raw, Span<float> values)
    {
        switch (type)
        {
            case ElementType.Float32:
                MemoryMarshal.Cast<byte, float>(raw).CopyTo(values);
                break;
            case ElementType.Float16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(raw), values);
                break;
            case ElementType.BFloat16:
                ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(raw);
                for (int i = 0; i < halves.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
                }

                break;
            case ElementType.Float64:
                Convert<double>(raw, values);
                break;
            case ElementType.Int8:
                Convert<sbyte>(raw, values);
                break;
            case ElementType.Int16:
                Convert<short>(raw, values);
                break;
            case ElementType.Int32:
                Convert<int>(raw, values);
                break;
            case ElementType.Int64:
                Convert<long>(raw, values);
                break;
            case ElementType.UInt16:
                Convert<ushort>(raw, values);
                break;
            case ElementType.UInt32:
                Convert<uint>(raw, values);
                break;
            case ElementType.UInt64:
                Convert<ulong>(raw, values);
                break;
            default:
                Convert<byte>(raw, values);
                break;
        }
    }

    /// <summary>Converts elements to 64-bit integers.</summary>
    /// <param name="type">Type of the elements.</param>
    /// <param name="raw">The elements.</param>
    /// <param name="values">Receives one for each.</param>
    /// <returns>Index of the first that is no whole number of their range, or -1; later ones are left as they
    /// were.</returns>
    internal static int ToInt64(ElementType type, ReadOnlySpan<byte> raw, Span<long> values)
    {
        int size = Bytes(type), count = raw.Length / size;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> element = raw.Slice(i * size, size);
            if (IsFloat(type))
            {
                double number = type == ElementType.Float64 ? MemoryMarshal.Read<double>(element) : Single(type, element);
                if (number != Math.Floor(number) || !(Math.Abs(number) < 1L << 53))
                {
                    return i;
                }

                values[i] = (long)number;
                continue;
            }

            values[i] = type switch
            {
                ElementType.Int8 => (sbyte)element[0],
                ElementType.Int16 => MemoryMarshal.Read<short>(element),
                ElementType.Int32 => MemoryMarshal.Read<int>(element),
                ElementType.UInt16 => MemoryMarshal.Read<ushort>(element),
                ElementType.UInt32 => MemoryMarshal.Read<uint>(element),
                ElementType.Int64 or ElementType.UInt64 => MemoryMarshal.Read<long>(element),
                _ => element[0],
            };
            if (type == ElementType.UInt64 && values[i] < 0)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Converts elements to flags.</summary>
    /// <param name="type">Type of the elements.</param>
    /// <param name="raw">The elements.</param>
    /// <param name="flags">Receives 0, 1, or <see cref="NoFlag"/> for what is neither.</param>
    internal static void ToFlags(ElementType type, ReadOnlySpan<byte> raw, Span<byte> flags)
    {
        int size = Bytes(type), count = raw.Length / size;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> element = raw.Slice(i * size, size);
            if (IsFloat(type))
            {
                double number = type == ElementType.Float64 ? MemoryMarshal.Read<double>(element) : Single(type, element);
                flags[i] = number == 0 ? (byte)0 : number == 1 ? (byte)1 : NoFlag;
            }
            else
            {
                flags[i] = element[0] <= 1 && element[1..].IndexOfAnyExcept((byte)0) < 0 ? element[0] : NoFlag;
            }
        }
    }

    /// <summary>Whether elements are floating-point numbers.</summary>
    internal static bool IsFloat(ElementType type) =>
        type is ElementType.Float16 or ElementType.BFloat16 or ElementType.Float32 or ElementType.Float64;

    private static float Single(ElementType type, ReadOnlySpan<byte> element)
    {
        float value = 0;
        ToSingle(type, element, new Span<float>(ref value));
        return value;
    }

    private static void Convert<T>(ReadOnlySpan<byte> raw, Span<float> values)
        where T : unmanaged, INumberBase<T> =>
        TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, T>(raw), values);
}
