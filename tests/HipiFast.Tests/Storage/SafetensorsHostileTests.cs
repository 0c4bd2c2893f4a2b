using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

/// <summary>
/// Files that break the format: each is one sentence that names the file, the tensor, what was found and what was
/// expected.
/// </summary>
public sealed class SafetensorsHostileTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void TruncatedBeforeTheHeaderLength(int length) => Expect(
        $"'x' is {length} bytes long; a safetensors file begins with the 8 bytes of its header's length.",
        new byte[length]);

    [Fact]
    public void TruncatedAnywhereIsRefused()
    {
        byte[] file = SafetensorsBytes.Of(SafetensorsBytes.Sample());
        for (int length = 0; length < file.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open("x", file[..length]));
        }
    }

    [Fact]
    public void TruncatedData() => Expect(
        "Tensor 'a' of 'x' ends at data byte 8, but the file has 7 bytes of data: it is truncated or wrong.",
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7);

    [Theory]
    [InlineData(3UL)]
    [InlineData(1UL << 31)]
    [InlineData(long.MaxValue)]
    [InlineData(ulong.MaxValue)]
    public void HeaderLongerThanTheFile(ulong claimed)
    {
        byte[] file = SafetensorsBytes.Join("{}", 0);
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimed);
        Expect(
            $"'x' claims a header of {claimed} bytes, but only 2 follow: it is truncated or not a safetensors file.",
            file);
    }

    [Fact]
    public void HeaderAboveTheFormatsLimit()
    {
        // Sparse: the file takes no room on the disk, and the reader must refuse it before it allocates the header.
        using var directory = new TemporaryDirectory();
        string path = directory["oversized.safetensors"];
        using (FileStream stream = File.Create(path))
        {
            byte[] prefix = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(prefix, 100_000_001);
            stream.Write(prefix);
            stream.SetLength(100_000_100);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.Equal($"'{path}' claims a header of 100000001 bytes; the format allows 100000000.", error.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void NoHeader() => Expect("The safetensors header of 'x' does not begin with '{'.", "", 0);

    [Theory]
    [InlineData("[]")]
    [InlineData(" {}")]
    [InlineData("\uFEFF{}")]
    [InlineData("PK\u0003\u0004")]
    [InlineData("null")]
    public void HeaderThatIsNoObject(string header) =>
        Expect("The safetensors header of 'x' does not begin with '{'.", header, 0);

    [Theory]
    [InlineData("{", 9)]
    [InlineData("{}}", 10)]
    [InlineData("{} x", 11)]
    [InlineData("{}\0", 10)]
    [InlineData("{,}", 9)]
    [InlineData("{'a':1}", 9)]
    [InlineData("""{"a":NaN}""", 13)]
    [InlineData("""{"a":{"shape":[1,]}}""", 25)]
    [InlineData("""{"a":{"shape":[01]}}""", 23)]
    [InlineData("""{"a":{"shape":[Infinity]}}""", 23)]
    [InlineData("""{/* comment */}""", 9)]
    public void HeaderThatIsNoJson(string header, int position) =>
        Expect($"The safetensors header of 'x' is not valid JSON near byte {position}.", header, 0);

    [Fact]
    public void HeaderThatIsNoUtf8() => Expect(
        "The safetensors header of 'x' is not valid UTF-8.",
        SafetensorsBytes.Join([.. "{\""u8, 0xC3, 0x28, .. "\":1}"u8], 0));

    [Theory]
    [InlineData("""{"\ud800":1}""", 9)]
    [InlineData("""{"a":{"dtype":"\udc00"}}""", 22)]
    [InlineData("""{"__metadata__":{"a":"\ud800x"}}""", 29)]
    public void HalfASurrogatePair(string header, int position) =>
        Expect(
            $"The safetensors header of 'x' holds a string that is not valid Unicode near byte {position}.", header, 0);

    [Fact]
    public void DeepNesting()
    {
        string brackets = new('[', 1_000_000);
        Expect(
            "Tensor 'a' of 'x' is described by an array; expected an object with dtype, shape and data_offsets.",
            $$"""{"a":{{brackets}}""", 0);
        Expect(
            "Tensor 'a' of 'x' has an array in shape; expected integers from 0 to 2^63 - 1.",
            $$$"""{"a":{"shape":{{{brackets}}}""", 0);
        Expect("Metadata 'k' of 'x' is an array; expected a string.", $$$"""{"__metadata__":{"k":{{{brackets}}}""", 0);
    }

    [Fact]
    public void TensorTwice() => Expect(
        "Tensor 'a' is twice in 'x'.",
        """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"""
        + ""","\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""",
        2);

    [Theory]
    [InlineData("1", "a number")]
    [InlineData("null", "null")]
    [InlineData("\"F32\"", "a string")]
    [InlineData("[]", "an array")]
    [InlineData("true", "true or false")]
    public void TensorThatIsNoObject(string value, string found) => Expect(
        $"Tensor 'a' of 'x' is described by {found}; expected an object with dtype, shape and data_offsets.",
        $$"""{"a":{{value}}}""", 0);

    [Theory]
    [InlineData("\"shape\":[1],\"data_offsets\":[0,1]", "dtype")]
    [InlineData("\"dtype\":\"U8\",\"data_offsets\":[0,1]", "shape")]
    [InlineData("\"dtype\":\"U8\",\"shape\":[1]", "data_offsets")]
    [InlineData("", "dtype")]
    public void MissingEntry(string entries, string missing) =>
        Expect($"Tensor 'a' of 'x' has no {missing}.", $$$"""{"a":{{{{entries}}}}}""", 1);

    [Theory]
    [InlineData("\"dtype\":\"U8\"")]
    [InlineData("\"shape\":[1]")]
    [InlineData("\"data_offsets\":[0,1]")]
    public void EntryTwice(string again) => Expect(
        "Tensor 'a' of 'x' has an entry twice; expected dtype, shape and data_offsets once each.",
        $$$"""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],{{{again}}}}}""", 1);

    [Fact]
    public void UnknownEntry() => Expect(
        "Tensor 'a' of 'x' has an unknown entry 'strides'; expected dtype, shape and data_offsets.",
        """{"a":{"dtype":"U8","shape":[1],"strides":[1],"data_offsets":[0,1]}}""", 1);

    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    [InlineData("f32")]
    [InlineData("")]
    public void ATensorOfAnotherTypeIsLeftAlone(string type)
    {
        byte[] bytes = SafetensorsBytes.Join(
            $$$"""{"a":{"dtype":"{{{type}}}","shape":[1],"data_offsets":[0,2]}"""
            + $$$""","b":{"dtype":"I32","shape":[1],"data_offsets":[2,6]}}""",
            6);
        using SafetensorsFile file = SafetensorsFile.Open("x", bytes);
        Assert.Equal((TensorType.Other, type), (file.Tensors["a"].Type, file.Tensors["a"].TypeName));
        int[] value = new int[1];
        file.Read<int>("b", value);
        Assert.Equal(0x05040302, value[0]);
        string wanted =
            $"Tensor 'a' of 'x' is {type}; expected F32: cast it with .astype(numpy.float32) or .to(torch.float32).";
        Assert.Equal(
            wanted, Assert.Throws<InvalidDataException>(() => file.Require("a", TensorType.Float32, 1)).Message);
        Assert.Equal(wanted, Assert.Throws<InvalidDataException>(() => file.Read<float>("a", new float[1])).Message);
        Expect(
            "'x' has 1 bytes of data after its last tensor that belong to none.",
            $$$"""{"a":{"dtype":"{{{type}}}","shape":[1],"data_offsets":[0,2]}}""", 3);
    }

    [Fact]
    public void TypeThatIsNoString() => Expect(
        "Tensor 'a' of 'x' has a number as dtype; expected a string.",
        """{"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}}""", 4);

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1e2")]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("1e999")]
    public void ExtentThatIsNoExtent(string extent) => Expect(
        $"Tensor 'a' of 'x' has '{extent}' in shape; expected integers from 0 to 2^63 - 1.",
        $$$"""{"a":{"dtype":"U8","shape":[{{{extent}}}],"data_offsets":[0,1]}}""", 1);

    [Theory]
    [InlineData("[4294967296,4294967296]", "U8")]
    [InlineData("[9223372036854775807,2]", "U8")]
    [InlineData("[9223372036854775807]", "F64")]
    [InlineData("[3037000500,3037000500]", "U8")]
    public void ShapeThatOverflows(string shape, string type) => Expect(
        $"Tensor 'a' of 'x' has shape {shape.Replace(",", ", ")}, more elements than a file can hold.",
        $$$"""{"a":{"dtype":"{{{type}}}","shape":{{{shape}}},"data_offsets":[0,0]}}""", 0);

    [Fact]
    public void TooManyExtents()
    {
        string extents = string.Join(",", Enumerable.Repeat("1", 65));
        Expect(
            "Tensor 'a' of 'x' has more than 64 numbers in shape.",
            $$$"""{"a":{"dtype":"U8","shape":[{{{extents}}}],"data_offsets":[0,1]}}""", 1);
    }

    [Theory]
    [InlineData("\"6\"", "a string")]
    [InlineData("{}", "an object")]
    [InlineData("6", "a number")]
    public void ShapeThatIsNoArray(string shape, string found) => Expect(
        $"Tensor 'a' of 'x' has {found} as shape; expected an array of integers.",
        $$$"""{"a":{"dtype":"U8","shape":{{{shape}}},"data_offsets":[0,6]}}""", 6);

    [Theory]
    [InlineData("[-1,3]", "has '-1' in data_offsets; expected integers from 0 to 2^63 - 1")]
    [InlineData(
        "[0,18446744073709551615]", "has '18446744073709551615' in data_offsets; expected integers from 0 to 2^63 - 1")]
    [InlineData("[0,4.0]", "has '4.0' in data_offsets; expected integers from 0 to 2^63 - 1")]
    [InlineData("[4,0]", "begins at data byte 4 and ends before it, at 0")]
    [InlineData(
        "[0,9223372036854775807]",
        "ends at data byte 9223372036854775807, but the file has 4 bytes of data: it is truncated or wrong")]
    [InlineData("[4,8]", "ends at data byte 8, but the file has 4 bytes of data: it is truncated or wrong")]
    [InlineData("[0,3]", "has 3 bytes; shape [4] of U8 takes 4")]
    [InlineData("[0]", "has fewer than two data_offsets; expected begin and end")]
    [InlineData("[]", "has fewer than two data_offsets; expected begin and end")]
    [InlineData("[0,4,4]", "has more than 2 numbers in data_offsets")]
    [InlineData("null", "has null as data_offsets; expected an array of integers")]
    public void OffsetsOutOfRange(string offsets, string what) => Expect(
        $"Tensor 'a' of 'x' {what}.", $$$"""{"a":{"dtype":"U8","shape":[4],"data_offsets":{{{offsets}}}}}""", 4);

    [Fact]
    public void OverlappingTensors()
    {
        Expect(
            "Tensor 'b' of 'x' overlaps tensor 'a', which ends at data byte 4.",
            """{"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}"""
            + ""","a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""",
            6);
        Expect(
            "Tensor 'b' of 'x' overlaps tensor 'a', which ends at data byte 4.",
            """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"""
            + ""","b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
            4);
        Expect(
            "Tensor 'empty' of 'x' overlaps tensor 'a', which ends at data byte 4.",
            """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"""
            + ""","empty":{"dtype":"F32","shape":[0],"data_offsets":[2,2]}}""",
            4);
    }

    [Fact]
    public void Holes()
    {
        Expect(
            "Tensor 'a' of 'x' begins at data byte 2, after a hole of 2 bytes.",
            """{"a":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6);
        Expect(
            "Tensor 'b' of 'x' begins at data byte 5, after a hole of 1 bytes.",
            """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"""
            + ""","b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}}""",
            6);
    }

    [Fact]
    public void BytesThatBelongToNoTensor()
    {
        Expect(
            "'x' has 3 bytes of data after its last tensor that belong to none.",
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 4);
        Expect("'x' has 9 bytes of data after its last tensor that belong to none.", "{}", 9);
    }

    [Theory]
    [InlineData("""{"__metadata__":[]}""", "Entry __metadata__ of 'x' is an array; expected an object of strings.")]
    [InlineData("""{"__metadata__":{"a":1}}""", "Metadata 'a' of 'x' is a number; expected a string.")]
    [InlineData("""{"__metadata__":{"a":{}}}""", "Metadata 'a' of 'x' is an object; expected a string.")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", "Metadata 'a' is twice in 'x'.")]
    [InlineData(
        """{"__metadata__":{},"__metadata__":{}}""", "The safetensors header of 'x' has two entries __metadata__.")]
    public void Metadata(string header, string sentence) => Expect(sentence, header, 0);

    [Fact]
    public void TooMuchMetadata()
    {
        var header = new StringBuilder("{\"__metadata__\":{");
        for (int i = 0; i <= 65_536; i++)
        {
            header.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}\"{i}\":\"\"");
        }

        Expect("'x' has more than 65536 metadata entries.", header.Append("}}").ToString(), 0);
    }

    [Fact]
    public void NamesInErrorsAreShortAndPrintable()
    {
        string name = new('n', 100_000);
        Expect($"Tensor '{name[..80]}...' of 'x' has no dtype.", $$$"""{"{{{name}}}":{}}""", 0);
        Expect("Tensor 'a\\n\\u001bb' of 'x' has no dtype.", """{"a\n\u001bb":{}}""", 0);
    }

    [Fact]
    public void ManyTensorsAreQuickAndSmall()
    {
        // The worst case for sorting and for objects per byte: as many empty tensors as a megabyte of header holds.
        var header = new StringBuilder("{");
        for (int i = 0; header.Length < 1_000_000; i++)
        {
            header.Append(
                CultureInfo.InvariantCulture,
                $"{(i == 0 ? "" : ",")}\"{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        }

        byte[] bytes = SafetensorsBytes.Join(header.Append('}').ToString(), 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using SafetensorsFile file = SafetensorsFile.Open("x", bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * bytes.Length);
        Assert.InRange(file.Tensors.Count, 10_000, 30_000);
    }

    [Fact]
    public void TooManyTensors()
    {
        var header = new StringBuilder("{");
        for (int i = 0; i <= SafetensorsHeader.MaxTensors; i++)
        {
            header.Append(
                CultureInfo.InvariantCulture,
                $"{(i == 0 ? "" : ",")}\"{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        }

        Expect("'x' has more than 65536 tensors.", header.Append('}').ToString(), 0);
    }

    [Fact]
    public void DataThatIsNotAlignedIsRead()
    {
        // The format has no rule on alignment: other programs write such files.
        byte[] bytes = SafetensorsBytes.Join(
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"""
            + ""","b":{"dtype":"I32","shape":[1],"data_offsets":[1,5]}}   """,
            5);
        using SafetensorsFile file = SafetensorsFile.Open("x", bytes);
        int[] value = new int[1];
        file.Read<int>("b", value);
        Assert.Equal(0x04030201, value[0]);
    }

    [Fact]
    public void AFileWithoutTensorsIsValid()
    {
        using SafetensorsFile file = SafetensorsFile.Open("x", SafetensorsBytes.Join("{}      ", 0));
        Assert.Empty(file.Tensors);
        Assert.Equal(
            "'x' has no tensor 'a'; it has no tensors.",
            Assert.Throws<InvalidDataException>(() => file.Require("a", TensorType.Float32)).Message);
    }

    [UnixFact]
    public void APipeOrDeviceDoesNotHang()
    {
        using var directory = new TemporaryDirectory();
        string pipe = NamedPipe.Create(directory["pipe"]);
        foreach (string path in (string[])[pipe, "/dev/zero", "/dev/null"])
        {
            var error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
            Assert.Equal($"'{path}' is empty or not a regular file; expected a safetensors file.", error.Message);
        }
    }

    private static void Expect(string sentence, string header, int dataLength) =>
        Expect(sentence, SafetensorsBytes.Join(header, dataLength));

    private static void Expect(string sentence, byte[] file) =>
        Assert.Equal(sentence, Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open("x", file)).Message);
}
