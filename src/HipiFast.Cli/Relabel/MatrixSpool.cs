using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using HipiFast.Storage;

namespace HipiFast.Cli.Relabel;

/// <summary>
/// A matrix that grows by rows in a temporary file, and is mapped into memory when it is written out.
/// </summary>
/// <param name="path">The file that the matrix is to be written to; the temporary one lies beside it.</param>
/// <param name="name">Name of the tensor.</param>
internal sealed unsafe class MatrixSpool(string path, string name) : IDisposable
{
    private readonly FileStream _stream = OpenWithoutName($"{Path.GetFullPath(path)}.{name}");

    private MemoryMappedFile? _map;
    private MemoryMappedViewAccessor? _view;
    private long _rows;
    private int _columns;

    /// <summary>Adds rows, all of equally many columns.</summary>
    public void Append(ReadOnlySpan<float> block, int rows, int columns)
    {
        _stream.Write(MemoryMarshal.AsBytes(block));
        _rows += rows;
        _columns = columns;
    }

    /// <summary>Adds the tensor to a file that is written before this object is disposed.</summary>
    public void AddTo(SafetensorsWriter writer)
    {
        _stream.Flush();
        _map = MemoryMappedFile.CreateFromFile(
            _stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* values = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref values);
        writer.AddReference(name, (float*)values, _rows, _columns);
    }

    // Nothing is left of it, however the process ends: Windows deletes it then, other systems let go of the name at
    // once.
    private static FileStream OpenWithoutName(string path)
    {
        string temporary = TemporaryName.Beside(path);
        FileStream stream = new(
            temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(temporary);
        }

        return stream;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }

        _map?.Dispose();
        _stream.Dispose();
    }
}
