namespace HipiFast.Kernels.Replay;

/// <summary>
/// A column of transitions as memory takes it that carries it along whatever it holds: the columns of
/// <see cref="KernelColumn"/> come first in a list of them, any others behind.
/// </summary>
/// <param name="Address">The rows in host memory, side by side; 0 where only their form matters.</param>
/// <param name="Width">Entries of a row, 1 or more.</param>
/// <param name="EntryBytes">
/// Bytes of an entry in host memory: 4 or 8; 1 for a flag, which takes a word of its own on a device.
/// </param>
internal readonly unsafe record struct ColumnRows(nint Address, int Width, int EntryBytes)
{
    /// <summary>Words of 32 bits that a row takes on a device.</summary>
    public int Words => EntryBytes == 1 ? Width : Width * EntryBytes / sizeof(int);

    /// <summary>Writes rows as a device has them.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="words">Receives the rows, <see cref="Words"/> each.</param>
    /// <param name="stride">Words from row to row.</param>
    public void WriteTo(long firstRow, int rows, int* words, int stride)
    {
        byte* source = (byte*)Address + (firstRow * Width * EntryBytes);
        long bytes = (long)Words * sizeof(int);
        for (int row = 0; row < rows; row++, words += stride)
        {
            if (EntryBytes == 1)
            {
                for (int i = 0; i < Width; i++)
                {
                    words[i] = *source++;
                }
            }
            else
            {
                Buffer.MemoryCopy(source, words, bytes, bytes);
                source += bytes;
            }
        }
    }

    /// <summary>Takes over what a device has.</summary>
    /// <param name="words">The rows, side by side.</param>
    public void ReadFrom(ReadOnlySpan<int> words)
    {
        if (EntryBytes == 1)
        {
            byte* target = (byte*)Address;
            foreach (int word in words)
            {
                *target++ = (byte)word;
            }
        }
        else
        {
            words.CopyTo(new Span<int>((void*)Address, words.Length));
        }
    }
}
