using HipiFast.Storage;
using HipiFast.Tasks;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

/// <summary>
/// What is read at all: regular files of the right format, in time and memory that go with their size.
/// </summary>
public sealed class InputFileTests : IDisposable
{
    // No measure of speed: what ends does so in a thousandth of it on any machine, and what hangs fails instead of the run.
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(2);

    private readonly TemporaryDirectory _directory = new();

    private string FilePath => _directory["file"];

    public void Dispose() => _directory.Dispose();

    public static TheoryData<byte[], string> OtherFormats => new()
    {
        { [.. "PK"u8, 3, 4, 0x2D, 0, 0, 0, 8, 0, 1, 2], "a zip archive, as NumPy's .npz and PyTorch's .pt are" },
        { [0x93, .. "NUMPY"u8, 1, 0, 0x76, 0, (byte)'{'], "an array of NumPy (.npy)" },
        { [0x89, .. "HDF\r\n"u8, 0x1A, 10], "an HDF5 file" },
        { [0x80, 4, 0x95, 1, 2, 3], "a pickle of Python" },
        { [.. "PAR1"u8, 1, 2, 3, 4], "a Parquet file" },
        { [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], "a file compressed by gzip" },
        { [.. "version https://git-lfs.github.com/spec/v1\n"u8], "a pointer of Git LFS, without the file itself" },
    };

    [Theory]
    [MemberData(nameof(OtherFormats))]
    public void AnotherFormatIsNamedByWhateverReads(byte[] bytes, string format)
    {
        File.WriteAllBytes(FilePath, bytes);
        Assert.Equal(
            $"'{FilePath}' is {format}; expected a safetensors file (in Python, safetensors.numpy.save_file writes "
            + "one).",
            Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(FilePath)).Message);
        Assert.Equal(
            $"'{FilePath}' is {format}; expected a CSV file of metrics.",
            Assert.Throws<InvalidDataException>(() => MetricsLog.Load(FilePath)).Message);
        Assert.Equal(
            $"'{FilePath}' is {format}; expected a task family file (JSON).",
            Assert.Throws<InvalidDataException>(() => TaskFamilyJson.Read(FilePath)).Message);
    }

    [Fact]
    public void ASafetensorsFileIsNoText()
    {
        SafetensorsBytes.Sample().Save(FilePath);
        Assert.Contains("is a safetensors file; expected a CSV", Assert.Throws<InvalidDataException>(
            () => MetricsLog.Load(FilePath)).Message);
        File.WriteAllText(FilePath, "success,return\n1,2\n");
        Assert.Equal(
            $"'{FilePath}' begins with the text 'success,'; expected a safetensors file.",
            Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(FilePath)).Message);
    }

    [UnixFact]
    public void PipesAndDevicesAreRefusedByWhateverReads()
    {
        string pipe = NamedPipe.Create(_directory["pipe"]);
        foreach (string path in (string[])[pipe, "/dev/zero"])
        {
            foreach (Action read in (Action[])[
                () => SafetensorsFile.Open(path).Dispose(),
                () => MetricsLog.Load(path),
                () => TaskFamilyJson.Read(path),
                () => InputFile.ReadAllText(path, "text", 100)])
            {
                Assert.StartsWith(
                    $"'{path}' is empty or not a regular file; expected a ",
                    EndsWithin(s_hang, () => Assert.Throws<InvalidDataException>(read).Message));
            }
        }
    }

    [Fact]
    public void ALongFamilyIsReadInMemoryThatGoesWithItsSize()
    {
        // Two megabytes of indices, nearly as many as are read at all, with one nested element at the end, which is
        // found in one pass; a list that is counted anew for each of them takes a quarter of an hour.
        string json =
            $$"""{"kind": "linear", "features": [{{string.Join(",", Enumerable.Repeat("0", 1_000_000))}}, [0]]}""";
        File.WriteAllText(FilePath, json);
        Assert.InRange(
            EndsWithin(
                s_hang,
                () =>
                {
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    string message = Assert.Throws<InvalidDataException>(() => TaskFamilyJson.Read(FilePath)).Message;
                    Assert.EndsWith("'features[1000000]' is an array of 1; expected an integer.", message);
                    return GC.GetAllocatedBytesForCurrentThread() - before;
                }),
            0,
            4L * json.Length);
    }

    [Fact]
    public void AFamilyOfMoreNumbersThanAnyUseHasIsRefusedWithinItsSize()
    {
        string json = $$"""{"kind": "linear", "features": [0{{string.Concat(Enumerable.Repeat(",0", 3_000_000))}}]}""";
        File.WriteAllText(FilePath, json);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(() => TaskFamilyJson.Read(FilePath)).Message;
        Assert.EndsWith(
            "'features' is an array of 3000001; expected a list of indices of the state, 1 to 1048576.", message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2L * json.Length);
    }

    [Fact]
    public void ALongTableTakesFourTimesItsSize()
    {
        const int Rows = 2_000_000;
        File.WriteAllText(FilePath, "a\n" + string.Concat(Enumerable.Repeat("1\n", Rows)));
        long before = GC.GetAllocatedBytesForCurrentThread();
        MetricsLog log = MetricsLog.Load(FilePath);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (
            4L * new FileInfo(FilePath).Length * 11 / 10) + (1 << 20));
        Assert.Equal(Rows, log.Count);
        Assert.Equal(1, log.Row(Rows - 1)[0]);
    }

    // On a thread of its own, which a fault may leave behind: a test that hangs says nothing.
    private static T EndsWithin<T>(TimeSpan limit, Func<T> action)
    {
        Task<T> task = Task.Factory.StartNew(action, TaskCreationOptions.LongRunning);
        Assert.True(Task.WaitAny([task], limit) == 0, $"It has not ended after {limit.TotalSeconds} s.");
        return task.GetAwaiter().GetResult();
    }
}
