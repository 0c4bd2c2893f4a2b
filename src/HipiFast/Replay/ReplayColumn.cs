using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HipiFast.Replay;

/// <summary>One column within the records of a replay buffer.</summary>
internal sealed unsafe class ReplayColumn
{
    private readonly byte* _first;
    private readonly nint _stride;

    /// <summary>Describes a column.</summary>
    /// <param name="definition">What it is.</param>
    /// <param name="width">Elements per row.</param>
    /// <param name="first">Address of its first row, within the first record.</param>
    /// <param name="stride">Bytes between records.</param>
    public ReplayColumn(TransitionColumn definition, int width, byte* first, int stride)
    {
        Definition = definition;
        Width = width;
        RowBytes = width * definition.ElementBytes;
        _first = first;
        _stride = stride;
    }

    /// <summary>What it is.</summary>
    public TransitionColumn Definition { get; }

    /// <summary>Whether batches carry it.</summary>
    public bool IsInBatch => Definition.Index >= 0;

    /// <summary>Elements per row.</summary>
    public int Width { get; }

    /// <summary>Bytes per row.</summary>
    public int RowBytes { get; }

    /// <summary>Bytes between rows.</summary>
    public nint Stride => _stride;

    /// <summary>Address of a row.</summary>
    public byte* Row(long slot) => _first + (slot * _stride);

    /// <summary>Copies whole rows in.</summary>
    public void Write(long firstSlot, void* source, long rows)
    {
        byte* from = (byte*)source;
        for (long slot = firstSlot; slot < firstSlot + rows; slot++, from += RowBytes)
        {
            Buffer.MemoryCopy(from, Row(slot), RowBytes, RowBytes);
        }
    }

    /// <summary>
    /// Copies the rows in <paramref name="slots"/> to consecutive rows at <paramref name="destination"/>.
    /// </summary>
    public void Gather(ReadOnlySpan<int> slots, byte* destination)
    {
        // The common widths each get a loop without inner branches; what is wider copies in vectors whose last one
        // overlaps the one before.
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
            case 12:
                GatherWords(slots, destination);
                break;
            default:
                GatherBytes(slots, destination);
                break;
        }
    }

    private void GatherElements<T>(ReadOnlySpan<int> slots, byte* destination)
        where T : unmanaged
    {
        byte* source = _first;
        nint stride = _stride;
        T* target = (T*)destination;
        foreach (int slot in slots)
        {
            Unsafe.WriteUnaligned(target++, Unsafe.ReadUnaligned<T>(source + (slot * stride)));
        }
    }

    private void GatherOverlapping<T>(ReadOnlySpan<int> slots, byte* destination)
        where T : unmanaged
    {
        int last = RowBytes - sizeof(T);
        foreach (int slot in slots)
        {
            byte* row = Row(slot);
            for (int offset = 0; offset < last; offset += sizeof(T))
            {
                Unsafe.WriteUnaligned(destination + offset, Unsafe.ReadUnaligned<T>(row + offset));
            }

            Unsafe.WriteUnaligned(destination + last, Unsafe.ReadUnaligned<T>(row + last));
            destination += last + sizeof(T);
        }
    }

    // Three floats, the only width below 16 that rows of floats leave.
    private void GatherWords(ReadOnlySpan<int> slots, byte* destination)
    {
        foreach (int slot in slots)
        {
            byte* row = Row(slot);
            Unsafe.WriteUnaligned(destination, Unsafe.ReadUnaligned<long>(row));
            Unsafe.WriteUnaligned(destination + 8, Unsafe.ReadUnaligned<int>(row + 8));
            destination += 12;
        }
    }

    // Several flags.
    private void GatherBytes(ReadOnlySpan<int> slots, byte* destination)
    {
        foreach (int slot in slots)
        {
            Buffer.MemoryCopy(Row(slot), destination, RowBytes, RowBytes);
            destination += RowBytes;
        }
    }
}
