using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Memory;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>One column of the replay buffer: what it is called, how wide it is, and where a batch keeps it.</summary>
/// <param name="Name">Name in a checkpoint.</param>
/// <param name="Type">Element type.</param>
/// <param name="Width">Elements per row, from the shape.</param>
/// <param name="BatchPointer">Where a batch wants the column, or null when batches do not carry it.</param>
/// <param name="IsMatrix">Whether the tensor in a checkpoint is <c>[rows, width]</c> rather than <c>[rows]</c>.</param>
internal sealed record ReplayColumnDefinition(
    string Name, TensorType Type, Func<TransitionShape, int> Width, Func<TransitionBatch, nint>? BatchPointer, bool IsMatrix)
{
    /// <summary>Bytes of one element.</summary>
    public int ElementBytes => Type == TensorType.UInt8 ? sizeof(byte) : sizeof(float);
}

/// <summary>The memory of one column: one row per transition.</summary>
internal sealed unsafe class ReplayColumn : IDisposable
{
    private readonly NativeBuffer<byte> _values;

    public ReplayColumn(ReplayColumnDefinition definition, TransitionShape shape, long capacity)
    {
        Definition = definition;
        Width = definition.Width(shape);
        RowBytes = Width * definition.ElementBytes;
        _values = new NativeBuffer<byte>(checked(capacity * RowBytes));
    }

    public ReplayColumnDefinition Definition { get; }

    public int Width { get; }

    public int RowBytes { get; }

    /// <summary>Address of a row.</summary>
    public byte* Row(long slot) => _values.Pointer + (slot * RowBytes);

    /// <summary>Copies whole rows in.</summary>
    public void Write(long firstSlot, void* source, long rows) =>
        Buffer.MemoryCopy(source, Row(firstSlot), rows * RowBytes, rows * RowBytes);

    /// <summary>Copies the rows in <paramref name="slots"/> to consecutive rows at <paramref name="destination"/>.</summary>
    public void Gather(ReadOnlySpan<int> slots, byte* destination)
    {
        // The common widths each get a loop without inner branches; what is wider copies in vectors whose last one overlaps the one before.
        switch (RowBytes)
        {
            case 1:
                GatherElements<byte>(slots, destination);
                break;
            case 4:
                GatherElements<int>(slots, destination);
                break;
            case 8:
                GatherElements<long>(slots, destination);
                break;
            case 16:
                GatherElements<Vector128<byte>>(slots, destination);
                break;
            case 32:
                GatherElements<Vector256<byte>>(slots, destination);
                break;
            case > 16 and < 32:
                GatherOverlapping<Vector128<byte>>(slots, destination);
                break;
            case > 32:
                GatherOverlapping<Vector256<byte>>(slots, destination);
                break;
            default:
                GatherWords(slots, destination);
                break;
        }
    }

    public void Dispose() => _values.Dispose();

    private void GatherElements<T>(ReadOnlySpan<int> slots, byte* destination)
        where T : unmanaged
    {
        T* source = (T*)_values.Pointer, target = (T*)destination;
        for (int i = 0; i < slots.Length; i++)
        {
            Unsafe.WriteUnaligned(target + i, Unsafe.ReadUnaligned<T>(source + slots[i]));
        }
    }

    private void GatherOverlapping<T>(ReadOnlySpan<int> slots, byte* destination)
        where T : unmanaged
    {
        byte* source = _values.Pointer;
        int last = RowBytes - sizeof(T);
        for (int i = 0; i < slots.Length; i++, destination += last + sizeof(T))
        {
            byte* row = source + ((long)slots[i] * (last + sizeof(T)));
            for (int offset = 0; offset < last; offset += sizeof(T))
            {
                Unsafe.WriteUnaligned(destination + offset, Unsafe.ReadUnaligned<T>(row + offset));
            }

            Unsafe.WriteUnaligned(destination + last, Unsafe.ReadUnaligned<T>(row + last));
        }
    }

    // Rows of 12 bytes (three floats): the only width below 16 that is left, since rows are whole floats or one byte.
    private void GatherWords(ReadOnlySpan<int> slots, byte* destination)
    {
        System.Diagnostics.Debug.Assert(RowBytes == 12);
        byte* source = _values.Pointer;
        for (int i = 0; i < slots.Length; i++, destination += 12)
        {
            byte* row = source + (slots[i] * 12L);
            Unsafe.WriteUnaligned(destination, Unsafe.ReadUnaligned<long>(row));
            Unsafe.WriteUnaligned(destination + 8, Unsafe.ReadUnaligned<int>(row + 8));
        }
    }
}
