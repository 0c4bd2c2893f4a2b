using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Tests.Data;

/// <summary>
/// Floats that end where a page without access rights begins, so that a read or a write behind them stops the process instead of passing
/// unnoticed, with sentinels in front. Where pages cannot be protected (not Linux), sentinels lie behind too.
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

    public GuardedFloats(int length)
    {
        _length = length;
        nuint page = (nuint)Environment.SystemPageSize;
        nuint data = (((nuint)(length + (2 * SentinelCount)) * sizeof(float)) + page - 1) / page * page;
        _size = data + page;
        if (_pages)
        {
            nint mapped = MemoryMap(0, _size, ProtectReadWrite, PrivateAnonymous, -1, 0);
            Assert.NotEqual(-1, mapped);
            _memory = (byte*)mapped;
            Assert.Equal(0, MemoryProtect(mapped + (nint)data, page, ProtectNone));
            _first = (float*)(_memory + data) - length;
        }
        else
        {
            _memory = (byte*)NativeMemory.AllocZeroed(_size);
            _first = (float*)_memory + SentinelCount;
            new Span<float>(_first + length, SentinelCount).Fill(Sentinel);
        }

        new Span<float>(_first - SentinelCount, SentinelCount).Fill(Sentinel);
    }

    public GuardedFloats(ReadOnlySpan<float> values)
        : this(values.Length) => values.CopyTo(Span);

    public Span<float> Span => new(_first, _length);

    /// <summary>The same memory as integers.</summary>
    public Span<int> Integers => new(_first, _length);

    /// <summary>Fails when something was written around the floats.</summary>
    public void AssertSurroundingsUntouched()
    {
        Assert.Equal(-1, new Span<float>(_first - SentinelCount, SentinelCount).IndexOfAnyExcept(Sentinel));
        if (!_pages)
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

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static extern nint MemoryMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static extern int MemoryProtect(nint address, nuint length, int protection);

    [DllImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static extern int MemoryUnmap(nint address, nuint length);
}
