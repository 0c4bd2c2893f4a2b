using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>A format of files of arrays.</summary>
public abstract class DataFormat
{
    /// <summary>Name, such as <c>npz</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Endings of file names, with the dot, the usual one first.</summary>
    public abstract IReadOnlyList<string> Extensions { get; }

    /// <summary>What errors call an array of such a file.</summary>
    public virtual string ColumnNoun => "Column";

    /// <summary>Whether files can hold arrays with rows of their own (<see cref="DataTable.Extras"/>).</summary>
    public virtual bool HoldsExtras => true;

    /// <summary>Whether a file begins as those of this format do.</summary>
    /// <param name="first">Its first bytes, 16 or as many as there are.</param>
    /// <returns>Whether it does.</returns>
    public abstract bool Matches(ReadOnlySpan<byte> first);

    /// <summary>Opens a file.</summary>
    /// <param name="path">File.</param>
    /// <returns>The file, for the caller to dispose.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It breaks the format.</exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public abstract DataFile Open(string path);

    /// <summary>Writes a file, atomically (<see cref="AtomicFile"/>).</summary>
    /// <param name="path">File to make or replace.</param>
    /// <param name="table">What to write; its rows are asked for a block at a time.</param>
    /// <exception cref="ArgumentException">The format cannot hold it.</exception>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public abstract void Write(string path, DataTable table);
}
