namespace HipiFast.Formats;

/// <summary>
/// Goes through a structure of Thrift's compact protocol, in which Parquet describes itself, and makes sure that it
/// ends
/// within its bytes: the library that reads it believes every count.
/// </summary>
internal ref struct ThriftWalk(ReadOnlySpan<byte> bytes)
{
    private const int MostDepth = 24;
    private const int TrueType = 1;
    private const int FalseType = 2;
    private const int ByteType = 3;
    private const int WideType = 6;
    private const int DoubleType = 7;
    private const int BinaryType = 8;
    private const int ListType = 9;
    private const int SetType = 10;
    private const int MapType = 11;
    private const int StructType = 12;
    private const int UuidType = 13;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes gone through so far.</summary>
    public int Position { get; private set; }

    /// <summary>Goes through a structure.</summary>
    /// <param name="numbers">
    /// Receives whole numbers among its own fields, by the fields' numbers; other entries stay as they are.
    /// </param>
    /// <returns>Whether it is one.</returns>
    public bool TrySkip(scoped Span<long> numbers) => Struct(0, numbers);

    private bool Struct(int depth, scoped Span<long> numbers)
    {
        if (depth > MostDepth)
        {
            return false;
        }

        long field = 0;
        while (true)
        {
            if (!Byte(out int header))
            {
                return false;
            }

            if (header == 0)
            {
                return true;
            }

            if (header >> 4 != 0)
            {
                field += header >> 4;
            }
            else if (!Number(out field))
            {
                return false;
            }

            int type = header & 0xF;
            if (type is > ByteType and <= WideType)
            {
                if (!Number(out long value))
                {
                    return false;
                }

                if (field >= 0 && field < numbers.Length)
                {
                    numbers[(int)field] = value;
                }
            }
            else if (type is not (TrueType or FalseType) && !Value(type, depth))
            {
                return false;
            }
        }
    }

    private bool Value(int type, int depth)
    {
        switch (type)
        {
            case TrueType or FalseType or ByteType:
                return Skip(1);
            case > ByteType and <= WideType:
                return Number(out _);
            case DoubleType:
                return Skip(8);
            case UuidType:
                return Skip(16);
            case BinaryType:
                return Unsigned(out ulong length) && length <= int.MaxValue && Skip((int)length);
            case ListType or SetType:
                return List(depth);
            case MapType:
                return Map(depth);
            case StructType:
                return Struct(depth + 1, default);
            default:
                return false;
        }
    }

    // No element takes less than a byte.
    private bool List(int depth)
    {
        if (!Byte(out int header))
        {
            return false;
        }

        ulong count = (ulong)(header >> 4);
        if ((count == 15 && !Unsigned(out count)) || count > (ulong)(_bytes.Length - Position))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!Value(header & 0xF, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private bool Map(int depth)
    {
        if (!Unsigned(out ulong count) || count > (ulong)(_bytes.Length - Position))
        {
            return false;
        }

        if (count == 0)
        {
            return true;
        }

        if (!Byte(out int types))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!Value(types >> 4, depth + 1) || !Value(types & 0xF, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private bool Skip(int count)
    {
        if (count > _bytes.Length - Position)
        {
            return false;
        }

        Position += count;
        return true;
    }

    private bool Byte(out int value)
    {
        bool there = Position < _bytes.Length;
        value = there ? _bytes[Position++] : 0;
        return there;
    }

    private bool Number(out long value)
    {
        bool there = Unsigned(out ulong zigzag);
        value = (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
        return there;
    }

    private bool Unsigned(out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (!Byte(out int part))
            {
                return false;
            }

            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
