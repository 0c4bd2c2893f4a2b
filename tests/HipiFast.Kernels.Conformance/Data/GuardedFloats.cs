using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Conformance.Data;

/// <summary>The end of <see cref="GuardedFloats"/> at which a page without access rights lies.</summary>
internal enum GuardSide
{
    /// <summary>Right behind the last float: catches reads and writes past the end.</summary>
    Behind,

    /// <summary>
    /// Right before the first float: catches those before the beginning. The first float is then aligned to a page.
    /// </summary>
    Before,
}

/// <summary>
/// Floats beside a page without access rights, so that a read or a write outside of them stops the process instead of
/// passing unnoticed, with sentinels at the other end. Where pages cannot be protected (not Linux), sentinels lie at
/// both.
/// </summary>
internal sealed unsafe class GuardedFloats : IDisposable
{
    private const float Sentinel = -123456.75f;
    private const int SentinelCount = 64;
    private const int ProtectNone = 0, ProtectReadWrite = 3, PrivateAnonymous = 0x22;

    private readonly byte* _memory;
    private readonly nuint _size;
    private readonly bool _pages = OperatingSystem.IsLinux();
    private readonly float* _first;
    private readonly int _length;
    private readonly GuardSide _side;

    public GuardedFloats(int length, GuardSide side = GuardSide.Behind)
    {
        _length = length;
        _side = side;
        nuint page = (nuint)Environment.SystemPageSize;
        nuint data = (((nuint)(length + (2 * SentinelCount)) * sizeof(float)) + page - 1) / page * page;
        _size = data + page;
        if (_pages)
        {
            nint mapped = MemoryMap(0, _size, ProtectReadWrite, PrivateAnonymous, -1, 0);
            Assert.NotEqual(-1, mapped);
            _memory = (byte*)mapped;
            Assert.Equal(0, MemoryProtect(side == GuardSide.Behind ? mapped + (nint)data : mapped, page, ProtectNone));
            _first = side == GuardSide.Behind ? (float*)(_memory + data) - length : (float*)(_memory + page);
        }
        else
        {
            _memory = (byte*)NativeMemory.AllocZeroed(_size);
            _first = (float*)_memory + SentinelCount;
        }

        if (HasSentinels(GuardSide.Before))
        {
            new Span<float>(_first - SentinelCount, SentinelCount).Fill(Sentinel);
        }

        if (HasSentinels(GuardSide.Behind))
        {
            new Span<float>(_first + length, SentinelCount).Fill(Sentinel);
        }
    }

    public GuardedFloats(ReadOnlySpan<float> values, GuardSide side = GuardSide.Behind)
        : this(values.Length, side) => values.CopyTo(Span);

    public Span<float> Span => new(_first, _length);

    /// <summary>The same memory as integers.</summary>
    public Span<int> Integers => new(_first, _length);

    /// <summary>Fails when something was written around the floats.</summary>
    public void AssertSurroundingsUntouched()
    {
        if (HasSentinels(GuardSide.Before))
        {
            Assert.Equal(-1, new Span<float>(_first - SentinelCount, SentinelCount).IndexOfAnyExcept(Sentinel));
        }

        if (HasSentinels(GuardSide.Behind))
        {
            Assert.Equal(-1, new Span<float>(_first + _length, SentinelCount).IndexOfAnyExcept(Sentinel));
        }
    }

    public void Dispose()
    {
        if (_pages)
        {
            _ = MemoryUnmap((nint)_memory, _size);
        }
        else
        {
            NativeMemory.Free(_memory);
        }
    }

    private bool HasSentinels(GuardSide side) => !_pages || side != _side;

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static extern nint MemoryMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static extern int MemoryProtect(nint address, nuint length, int protection);

    [DllImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static extern int MemoryUnmap(nint address, nuint length);
}
