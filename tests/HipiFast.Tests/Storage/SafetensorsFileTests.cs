using HipiFast.Kernels.Memory;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        string path = _directory["sample.safetensors"];
        SafetensorsBytes.Sample().Save(path);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(path, file.Path);
        Assert.Equal(8, file.Tensors.Count);
        Assert.Equal([1f, -2f, 3.5f, float.MinValue, float.Epsilon, 0f], ReadAll<float>(file, "actor.0.weight"));
        Assert.Equal([12345.678], ReadAll<double>(file, "optim.step"));
        Assert.Equal([-1, 0, int.MaxValue], ReadAll<int>(file, "task_index"));
        Assert.Equal([long.MinValue, 7L], ReadAll<long>(file, "episode"));
        Assert.Equal([ulong.MaxValue], ReadAll<ulong>(file, "seed"));
        Assert.Equal([0, 1, 255], ReadAll<byte>(file, "relabeled"));
        Assert.Equal([1, 0], ReadAll<byte>(file, "terminated"));
        Assert.Empty(ReadAll<float>(file, "none"));
        Assert.Equal([0L, 4L], file.Tensors["none"].Shape);
        Assert.Empty(file.Tensors["seed"].Shape);
        Assert.Equal(TensorType.Bool, file.Tensors["terminated"].Type);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal("tab\t \"quoted\" é 漢 🙂", file.Metadata["note"]);
        Assert.Equal([path], Directory.GetFiles(_directory.Root));
    }

    [Fact]
    public void RangesAreReadFromAnyElement()
    {
        string path = _directory["range.safetensors"];
        var writer = new SafetensorsWriter();
        writer.Add<int>("x", Enumerable.Range(0, 1000).ToArray(), 10, 100);
        writer.Save(path);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        var part = new int[3];
        file.Read<int>("x", part, 997);
        Assert.Equal([997, 998, 999], part);
        file.Read<int>("x", [], 1000);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read<int>("x", part, 998));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read<int>("x", part, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read<int>("x", part, long.MaxValue));
    }

    [Fact]
    public unsafe void AReferenceIsReadWhenItIsSaved()
    {
        using var buffer = new NativeBuffer<float>(4);
        var writer = new SafetensorsWriter();
        writer.AddReference("x", buffer.Pointer, 2, 2);
        buffer.Span.Fill(7f);
        using SafetensorsFile file = SafetensorsFile.Open("memory", SafetensorsBytes.Of(writer));
        Assert.Equal([7f, 7f, 7f, 7f], ReadAll<float>(file, "x"));
        Assert.Throws<ArgumentNullException>(() => writer.AddReference<float>("null", null, 1));
        writer.AddReference<float>("empty", null, 0);
    }

    [Fact]
    public void RequireChecksNameTypeAndShape()
    {
        using SafetensorsFile file = SafetensorsFile.Open(
            "a.safetensors", SafetensorsBytes.Of(SafetensorsBytes.Sample()));
        Assert.Equal(6, file.Require("actor.0.weight", TensorType.Float32, 2, 3).ElementCount);
        Assert.Equal(6, file.Require("actor.0.weight", TensorType.Float32, -1, -1).ElementCount);
        Assert.Equal(1, file.Require("seed", TensorType.UInt64).ElementCount);
        Expect(
            "Tensor 'actor.0.weight' of 'a.safetensors' is F32; expected F64: cast it with .astype(numpy.float64) or "
            + ".to(torch.float64).",
            () => file.Require("actor.0.weight", TensorType.Float64, 2, 3));
        Expect(
            "Tensor 'actor.0.weight' of 'a.safetensors' has shape [2, 3]; expected [*, 4].",
            () => file.Require("actor.0.weight", TensorType.Float32, -1, 4));
        Expect(
            "Tensor 'actor.0.weight' of 'a.safetensors' has shape [2, 3]; expected [6].",
            () => file.Require("actor.0.weight", TensorType.Float32, 6));
        string message = Assert.Throws<InvalidDataException>(
            () => file.Require("critic1.0.weight", TensorType.Float32, 2)).Message;
        Assert.StartsWith("'a.safetensors' has no tensor 'critic1.0.weight'; it has ", message);
        Assert.Contains("'actor.0.weight'", message);
    }

    [Theory]
    [InlineData(new long[] { 4, 1 }, new long[] { -1 }, ": reshape it with .reshape(4)")]
    [InlineData(new long[] { 4, 1 }, new long[] { 4 }, ": reshape it with .reshape(4)")]
    [InlineData(new long[] { 1, 4 }, new long[] { -1 }, ": reshape it with .reshape(4)")]
    [InlineData(new long[] { 4 }, new long[] { -1, -1 }, ": reshape it with .reshape(4, 1)")]
    [InlineData(new long[] { 4 }, new long[] { -1, 1 }, ": reshape it with .reshape(4, 1)")]
    [InlineData(new long[] { 2, 1, 2 }, new long[] { -1, 2 }, ": reshape it with .reshape(2, 2)")]
    [InlineData(new long[] { 4 }, new long[] { 5 }, "")]
    [InlineData(new long[] { 2, 2 }, new long[] { -1 }, "")]
    public void AShapeThatIsOffByExtentsOfOneSaysHowToReshape(long[] shape, long[] expected, string end)
    {
        SafetensorsWriter writer = new();
        writer.Add<float>("x", new float[4], shape);
        using SafetensorsFile file = SafetensorsFile.Open("f", SafetensorsBytes.Of(writer));
        string message = Assert.Throws<InvalidDataException>(
            () => file.Require("x", TensorType.Float32, expected)).Message;
        Assert.EndsWith($"]{end}.", message);
    }

    [Fact]
    public void ReadingAsAnotherTypeIsRefused()
    {
        using SafetensorsFile file = SafetensorsFile.Open(
            "a.safetensors", SafetensorsBytes.Of(SafetensorsBytes.Sample()));
        Expect(
            "Tensor 'actor.0.weight' of 'a.safetensors' is F32; expected I32: cast it with .astype(numpy.int32) or "
            + ".to(torch.int32).",
            () => file.Read<int>("actor.0.weight", new int[6]));
        Expect(
            "Tensor 'relabeled' of 'a.safetensors' is U8; expected BOOL: cast it with .astype(numpy.bool) or "
            + ".to(torch.bool).",
            () => file.Read<bool>("relabeled", new bool[3]));
        Assert.Throws<NotSupportedException>(() => file.Read<bool>("terminated", new bool[2]));
        Assert.Throws<NotSupportedException>(() => file.Read<decimal>("terminated", new decimal[2]));
    }

    [Fact]
    public void AMissingFileIsNamed()
    {
        string path = _directory["missing.safetensors"];
        var error = Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(path));
        Assert.Equal($"'{path}' does not exist; expected a safetensors file.", error.Message);
        Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(Path.Combine(path, "below", "it")));
    }

    [Fact]
    public void ADirectoryIsNoFile()
    {
        var error = Assert.Throws<IOException>(() => SafetensorsFile.Open(_directory.Root));
        Assert.Equal($"'{_directory.Root}' is a directory; expected a safetensors file.", error.Message);
    }

    [Fact]
    public void ALinkIsFollowed()
    {
        string path = _directory["target.safetensors"], link = _directory["link.safetensors"];
        SafetensorsBytes.Sample().Save(path);
        File.CreateSymbolicLink(link, path);
        using SafetensorsFile file = SafetensorsFile.Open(link);
        Assert.Equal(8, file.Tensors.Count);
    }

    [Fact]
    public void AFileThatShrinksWhileOpenIsNoticed()
    {
        string path = _directory["shrinks.safetensors"];
        var writer = new SafetensorsWriter();
        writer.Add<float>("x", new float[1000], 1000);
        writer.Save(path);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        using (var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            stream.SetLength(200);
        }

        Assert.Contains("shorter", Assert.Throws<InvalidDataException>(() => ReadAll<float>(file, "x")).Message);
    }

    [Fact]
    public void FilesAboveTwoGigabytesAreReadAtTheirEnd()
    {
        // Sparse: five gigabytes of zeros that take no room on the disk, then four bytes.
        const long Elements = 1_250_000_000;
        string path = _directory["large.safetensors"];
        byte[] start = SafetensorsBytes.Join(
            $$$"""{"x":{"dtype":"F32","shape":[{{{Elements}}}],"data_offsets":[0,{{{4 * Elements}}}]}}""", 0);
        using (FileStream stream = File.Create(path))
        {
            stream.Write(start);
            stream.SetLength(start.Length + (4 * Elements));
            stream.Seek(-4, SeekOrigin.End);
            stream.Write([0, 0, 0x80, 0x3F]);
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        float[] last = new float[2];
        file.Read<float>("x", last, Elements - 2);
        Assert.Equal([0f, 1f], last);
    }

    private static T[] ReadAll<T>(SafetensorsFile file, string name)
        where T : unmanaged
    {
        var values = new T[file.Tensors[name].ElementCount];
        file.Read<T>(name, values);
        return values;
    }

    private static void Expect(string message, Action action) =>
        Assert.Equal(message, Assert.Throws<InvalidDataException>(action).Message);
}
