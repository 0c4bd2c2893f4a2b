using HipiFast.Kernels.Memory;
using HipiFast.Storage;

namespace HipiFast.Replay;

/// <summary>One column of transitions: what it is called in files, what its entries are and what it is about.</summary>
/// <remarks>
/// Floats must be finite. Bytes are flags, 0 or 1. <see cref="TransitionBatch.Schema"/> lists the columns of a batch.
/// What came later than files that are read still has a <see cref="Default"/>, which stands for the column where a file
/// lacks it, and in a batch until somebody fills it.
/// </remarks>
public sealed class TransitionColumn
{
    internal TransitionColumn(
        int index, string name, TensorType type, ColumnExtent extent, ColumnOwner owner, bool isStored = true,
        float? defaultValue = null)
    {
        Index = index;
        Name = name;
        Type = type;
        Extent = extent;
        Owner = owner;
        IsStored = isStored;
        Default = defaultValue;
    }

    /// <summary>Name of the tensor that holds it in a file.</summary>
    public string Name { get; }

    /// <summary>Type of its entries, in memory and in a file.</summary>
    public TensorType Type { get; }

    /// <summary>Entries of a row.</summary>
    public ColumnExtent Extent { get; }

    /// <summary>What it is about.</summary>
    public ColumnOwner Owner { get; }

    /// <summary>Whether files and replay keep it; false for what a batch only says of its own rows.</summary>
    public bool IsStored { get; }

    /// <summary>What its entries are where nobody said; null for a column that every file has.</summary>
    public float? Default { get; }

    /// <summary>Whether it is a matrix, <c>[rows, width]</c>, rather than a vector.</summary>
    public bool IsMatrix => Extent != ColumnExtent.One;

    /// <summary>Whether NaN and infinities are refused.</summary>
    public bool IsFinite => Type == TensorType.Float32;

    /// <summary>Whether all but 0 and 1 are refused.</summary>
    public bool IsFlag => Type == TensorType.UInt8;

    /// <summary>Its place in <see cref="TransitionBatch.Schema"/>; -1 for a column that batches do not carry.</summary>
    internal int Index { get; }

    /// <summary>Bytes of one entry.</summary>
    internal int ElementBytes => TensorTypes.Size(Type);

    /// <summary>Its name in words, for messages.</summary>
    internal string Words => Name.Replace('_', ' ');

    /// <summary>Entries of a row.</summary>
    /// <param name="shape">Widths of the vectors.</param>
    /// <returns>1 or more.</returns>
    public int Width(TransitionShape shape) => Extent switch
    {
        ColumnExtent.Observation => shape.ObservationDimension,
        ColumnExtent.Action => shape.ActionDimension,
        ColumnExtent.Task => shape.TaskDimension,
        _ => 1,
    };

    /// <summary>Bytes of a row.</summary>
    /// <param name="shape">Widths of the vectors.</param>
    /// <returns>1 or more.</returns>
    public long RowBytes(TransitionShape shape) => (long)Width(shape) * ElementBytes;

    /// <summary>Adds rows to a file under the column's name; they are read when it is saved.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="values">First row; the others follow without gaps.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="shape">Widths of the vectors.</param>
    public unsafe void AddTo(SafetensorsWriter writer, byte* values, long rows, TransitionShape shape)
    {
        ArgumentNullException.ThrowIfNull(writer);
        AddTo(writer, Name, values, rows, Width(shape), (nint)RowBytes(shape));
    }

    /// <summary>The shape of its tensor.</summary>
    /// <param name="rows">Rows, or -1 for any number.</param>
    /// <param name="width">Entries of a row, or -1 for any number.</param>
    internal long[] TensorShape(long rows, long width) => IsMatrix ? [rows, width] : [rows];

    /// <summary>Adds rows to a file; they are read when it is saved.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="values">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="width">Entries of a row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="memory">What the rows lie in; null for memory of the caller's.</param>
    internal unsafe void AddTo(
        SafetensorsWriter writer, string name, void* values, long rows, int width, nint stride,
        NativeBuffer<byte>? memory = null) =>
        writer.AddRows(name, Type, values, stride, memory, TensorShape(rows, width));

    /// <summary>Finds the column's tensor.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="rows">Rows that it must have, or -1 for any number.</param>
    /// <param name="width">Entries that its rows must have, or -1 for any number.</param>
    /// <returns>The tensor; null where the file lacks it and a default stands for it.</returns>
    /// <exception cref="InvalidDataException">
    /// It is missing without a default, or has another type or shape.
    /// </exception>
    internal TensorInfo? Require(SafetensorsFile file, string name, long rows, long width)
    {
        if (!file.Tensors.TryGetValue(name, out TensorInfo? tensor) && Default is not null)
        {
            return null;
        }

        // Flags may be of either type of one byte.
        TensorType type = IsFlag && tensor?.Type == TensorType.Bool ? TensorType.Bool : Type;
        return file.Require(name, type, TensorShape(rows, width));
    }

    /// <summary>Fills rows with the default, if there is one.</summary>
    /// <param name="destination">The rows, side by side.</param>
    /// <param name="entries">Entries of all rows.</param>
    internal unsafe void FillDefault(void* destination, int entries)
    {
        if (Default is not float value)
        {
            return;
        }

        switch (Type)
        {
            case TensorType.Float32:
                new Span<float>(destination, entries).Fill(value);
                break;
            case TensorType.Int32:
                new Span<int>(destination, entries).Fill((int)value);
                break;
            case TensorType.Int64:
                new Span<long>(destination, entries).Fill((long)value);
                break;
            default:
                new Span<byte>(destination, entries).Fill((byte)value);
                break;
        }
    }

    /// <summary>
    /// Reads rows of a tensor and looks at their values; the default stands for a tensor that is missing.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="destination">Receives the rows, side by side.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="width">Entries of a row.</param>
    /// <exception cref="InvalidDataException">
    /// No such tensor and no default, or of another type, or with a value that it cannot have.
    /// </exception>
    internal unsafe void Read(SafetensorsFile file, string name, void* destination, long firstRow, int rows, int width)
    {
        int count = checked(rows * width);
        long first = firstRow * width;
        if (Default is not null && !file.Tensors.ContainsKey(name))
        {
            FillDefault(destination, count);
            return;
        }

        switch (Type)
        {
            case TensorType.Float32:
                file.ReadFinite(name, new Span<float>(destination, count), first);
                break;
            case TensorType.Int32:
                file.Read(name, new Span<int>(destination, count), first);
                break;
            case TensorType.Int64:
                file.Read(name, new Span<long>(destination, count), first);
                break;
            case TensorType.UInt8:
                file.ReadFlags(name, new Span<byte>(destination, count), first);
                break;
            default:
                throw new NotSupportedException($"A column of transitions cannot hold {Type}.");
        }
    }
}
