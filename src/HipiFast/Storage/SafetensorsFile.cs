using System.Buffers.Binary;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Storage;

/// <summary>
/// An open safetensors file: its header is read and checked when it is opened, its tensors when they are asked for.
/// </summary>
/// <remarks>
/// Nothing in the file is trusted. A file that breaks the format gives an <see cref="InvalidDataException"/> of one
/// sentence that names the file, the tensor, what was found and what was expected; opening never allocates more than a
/// small multiple of the header's bytes. A file that <see cref="SafetensorsWriter.Save"/> wrote is read once through
/// when it is opened, and refused when it is not as it was written. Files above 2 GB are fine. Reading is thread-safe.
/// </remarks>
/// <example>
/// <code>
/// using SafetensorsFile file = SafetensorsFile.Open("agent.safetensors");
/// TensorInfo weight = file.Require("actor.0.weight", TensorType.Float32, -1, 10);
/// var values = new float[weight.ElementCount];
/// file.Read&lt;float&gt;(weight.Name, values);
/// </code>
/// </example>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>What errors call such a file.</summary>
    internal const string Kind = "safetensors file";

    // A read takes at most this many elements, so that the byte length of one part fits an int.
    private const int ElementsPerRead = 1 << 27;

    private const int BytesPerCheck = 1 << 18;

    private readonly SafeFileHandle? _handle;
    private readonly byte[] _bytes = [];
    private bool _isDisposed;
    private readonly Dictionary<string, TensorInfo> _tensors;
    private readonly Dictionary<string, string> _metadata = [];

    private SafetensorsFile(string path, SafeFileHandle? handle, byte[] bytes, long length, bool verify = true)
    {
        TensorTypes.RequireLittleEndian();
        Path = path;
        _handle = handle;
        _bytes = bytes;
        if (length < SafetensorsHeader.PrefixBytes)
        {
            throw new InvalidDataException(
                $"'{path}' is {length} bytes long; a {Kind} begins with the {SafetensorsHeader.PrefixBytes} bytes of "
                + "its header's length.");
        }

        Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixBytes];
        ReadBytes(prefix, 0);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        ulong available = (ulong)(length - SafetensorsHeader.PrefixBytes);
        if (headerLength > available)
        {
            throw new InvalidDataException(
                prefix.ContainsAnyExceptInRange((byte)' ', (byte)'~')
                    ? $"'{path}' claims a header of {headerLength} bytes, but only {available} follow: it is truncated "
                        + $"or not a {Kind}."
                    : $"'{path}' begins with the text '{System.Text.Encoding.ASCII.GetString(prefix)}'; expected a "
                        + $"{Kind}.");
        }

        if (headerLength > SafetensorsHeader.MaxBytes)
        {
            throw new InvalidDataException(
                $"'{path}' claims a header of {headerLength} bytes; the format allows {SafetensorsHeader.MaxBytes}.");
        }

        byte[] header = new byte[headerLength];
        ReadBytes(header, SafetensorsHeader.PrefixBytes);
        _tensors = SafetensorsHeader.Parse(path, header, (long)(available - headerLength), _metadata);
        if (SafetensorsChecksum.TryTake(header, out uint? checksum))
        {
            _metadata.Remove(SafetensorsChecksum.Key);
            uint found = Crc32C.Append(Crc32C.Compute(prefix), header);
            if (verify && Checksum(found, SafetensorsHeader.PrefixBytes + (long)headerLength, length) != checksum)
            {
                throw new InvalidDataException(
                    $"'{path}' is not as it was written: its checksum does not match (a program that writes a {Kind} "
                    + "anew must leave out the "
                    + $"metadata '{SafetensorsChecksum.Key}').");
            }
        }
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>All tensors by name, in the order of the header.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>The header's <c>__metadata__</c>, without the file's checksum; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">File.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file breaks the format.</exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static SafetensorsFile Open(string path) => Open(path, verify: true);

    /// <summary>The same with words of how a file of another format is made a safetensors file.</summary>
    internal static SafetensorsFile Open(string path, string remedy) => Open(path, verify: true, remedy);

    /// <summary>Opens a file whose header alone is wanted, without going through its data.</summary>
    internal static SafetensorsFile OpenHeader(string path) => Open(path, verify: false);

    private static SafetensorsFile Open(string path, bool verify, string? remedy = null)
    {
        SafeFileHandle handle = InputFile.OpenHandle(path, Kind, anyFormat: false, out long length, remedy);
        try
        {
            return new SafetensorsFile(path, handle, [], length, verify);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Reads a file held in memory, with the same checks.</summary>
    internal static SafetensorsFile Open(string name, byte[] bytes) => new(name, null, bytes, bytes.Length);

    /// <summary>A tensor that must be there, with this type and shape.</summary>
    /// <param name="name">Name.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Extents, outermost first; -1 matches any.</param>
    /// <exception cref="InvalidDataException">
    /// It is missing, or of another type or shape; one sentence with what was found and expected.
    /// </exception>
    public TensorInfo Require(string name, TensorType type, params ReadOnlySpan<long> shape) =>
        Require(name, type, shape, string.Empty);

    /// <summary>
    /// <see cref="Require(string, TensorType, ReadOnlySpan{long})"/> with the reason for the shape, for the error.
    /// </summary>
    internal TensorInfo Require(string name, TensorType type, ReadOnlySpan<long> shape, string reason)
    {
        ThrowIfDisposed();
        TensorInfo tensor = Find(name);
        if (tensor.Type != type)
        {
            throw WrongType(tensor, type);
        }

        if (!tensor.HasShape(shape))
        {
            throw new InvalidDataException(
                $"{FileMessages.Tensor(name, Path)} has shape {TensorInfo.Describe([.. tensor.Shape])}; expected "
                + $"{TensorInfo.Describe(shape, -1)}"
                + $"{tensor.ReshapeTo(shape)}{reason}.");
        }

        return tensor;
    }

    /// <summary>Reads elements of a tensor straight from the file into the caller's memory.</summary>
    /// <typeparam name="T">
    /// Element type: float, double, int, long, ulong, or byte for <c>U8</c> and <c>BOOL</c>.
    /// </typeparam>
    /// <param name="name">Name.</param>
    /// <param name="destination">
    /// Receives its length's worth of elements; as long as the tensor to read the whole.
    /// </param>
    /// <param name="firstElement">First element to read, in row-major order.</param>
    /// <exception cref="InvalidDataException">
    /// No such tensor, not of <typeparamref name="T"/>, or the file has become shorter.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file has been closed.</exception>
    public void Read<T>(string name, Span<T> destination, long firstElement = 0)
        where T : unmanaged
    {
        ThrowIfDisposed();
        TensorInfo tensor = Find(name);
        TensorType wanted = TensorTypes.Of<T>();
        if (tensor.Type != wanted && !(tensor.Type == TensorType.Bool && wanted == TensorType.UInt8))
        {
            throw WrongType(tensor, wanted);
        }

        if (wanted == TensorType.Bool)
        {
            throw new NotSupportedException(
                $"{FileMessages.Tensor(name, Path)} is BOOL; read it as byte, for a file may hold more than 0 and 1.");
        }

        long count = tensor.ByteLength / TensorTypes.Size(tensor.Type);
        if (firstElement < 0 || firstElement > count - destination.Length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(firstElement),
                $"{FileMessages.Tensor(name, Path)} has {count} elements; asked for {destination.Length} from "
                + $"{firstElement}.");
        }

        long offset = tensor.Offset + (firstElement * TensorTypes.Size(tensor.Type));
        while (!destination.IsEmpty)
        {
            Span<byte> part = MemoryMarshal.AsBytes(destination[..Math.Min(destination.Length, ElementsPerRead)]);
            ReadBytes(part, offset);
            offset += part.Length;
            destination = destination[Math.Min(destination.Length, ElementsPerRead)..];
        }
    }

    /// <summary>Reads bytes of a tensor of any type.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="firstByte">First byte, counted from the tensor's; it and those that follow are the tensor's.</param>
    /// <param name="destination">Receives them.</param>
    /// <exception cref="InvalidDataException">The file has become shorter.</exception>
    internal void ReadBytes(TensorInfo tensor, long firstByte, Span<byte> destination)
    {
        ThrowIfDisposed();
        ReadBytes(destination, tensor.Offset + firstByte);
    }

    /// <summary><see cref="Read"/> of numbers that must be finite.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="name">Name.</param>
    /// <param name="destination">As for <see cref="Read"/>.</param>
    /// <param name="firstElement">As for <see cref="Read"/>.</param>
    /// <exception cref="InvalidDataException">
    /// As for <see cref="Read"/>, or a number is NaN or infinite; one sentence that says where.
    /// </exception>
    internal void ReadFinite<T>(string name, Span<T> destination, long firstElement = 0)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Read(name, destination, firstElement);
        if (!TensorPrimitives.IsFiniteAll<T>(destination))
        {
            int index = 0;
            while (T.IsFinite(destination[index]))
            {
                index++;
            }

            throw new InvalidDataException(
                $"{FileMessages.Tensor(name, Path)} holds {(T.IsNaN(destination[index]) ? "NaN" : "an infinity")} at "
                + $"{Place(name, firstElement + index)}; expected finite numbers.");
        }
    }

    /// <summary><see cref="Read"/> of flags, each 0 or 1.</summary>
    /// <param name="name">Name of a tensor of <c>U8</c> or <c>BOOL</c>.</param>
    /// <param name="destination">As for <see cref="Read"/>.</param>
    /// <param name="firstElement">As for <see cref="Read"/>.</param>
    /// <exception cref="InvalidDataException">As for <see cref="Read"/>, or a flag is neither 0 nor 1.</exception>
    internal void ReadFlags(string name, Span<byte> destination, long firstElement = 0)
    {
        Read(name, destination, firstElement);
        int wrong = destination.IndexOfAnyExceptInRange((byte)0, (byte)1);
        if (wrong >= 0)
        {
            throw new InvalidDataException(
                $"{FileMessages.Tensor(name, Path)} holds {destination[wrong]} at {Place(name, firstElement + wrong)}; "
                + "expected 0 or 1.");
        }
    }

    /// <summary>Closes the file; what its header says stays. A second call does nothing.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _handle?.Dispose();
    }

    /// <summary>Throws when the file has been closed.</summary>
    /// <exception cref="ObjectDisposedException">It has.</exception>
    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_isDisposed, this);

    private string Place(string name, long element)
    {
        IReadOnlyList<long> shape = Find(name).Shape;
        return shape.Count > 1 ? $"row {element / shape[^1]}, column {element % shape[^1]}" : $"row {element}";
    }

    private TensorInfo Find(string name)
    {
        if (_tensors.TryGetValue(name, out TensorInfo? tensor))
        {
            return tensor;
        }

        const int MostNames = 8;
        string present = _tensors.Count == 0
            ? "it has no tensors"
            : $"it has {string.Join(", ", _tensors.Keys.Take(MostNames).Select(DisplayText.Quote))}"
                + (_tensors.Count > MostNames ? ", ..." : string.Empty);
        throw new InvalidDataException($"'{Path}' has no tensor {DisplayText.Quote(name)}; {present}.");
    }

    private InvalidDataException WrongType(TensorInfo tensor, TensorType expected) => new(
        $"{FileMessages.Tensor(tensor.Name, Path)} is {FileMessages.Cut(tensor.TypeName)}; expected "
        + $"{TensorTypes.FormatName(expected)}: "
        + $"{TensorTypes.CastTo(expected)}.");

    private uint Checksum(uint before, long first, long end)
    {
        byte[] part = new byte[Math.Min(BytesPerCheck, end - first)];
        for (long offset = first; offset < end; offset += part.Length)
        {
            Span<byte> bytes = part.AsSpan(0, (int)Math.Min(part.Length, end - offset));
            ReadBytes(bytes, offset);
            before = Crc32C.Append(before, bytes);
        }

        return before;
    }

    private void ReadBytes(Span<byte> destination, long offset)
    {
        if (_handle is null)
        {
            _bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
            return;
        }

        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(_handle, destination, offset);
            if (read == 0)
            {
                throw new InvalidDataException(
                    $"'{Path}' ends at byte {offset}; it has become shorter since it was opened.");
            }

            offset += read;
            destination = destination[read..];
        }
    }
}
