using System.Globalization;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>
/// Every file of the folder Opcodes on the PTX machine: inputs, and the bits that the PTX manual says come out.
/// run_opcodes.c there runs the same files on a GPU.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed class OpcodeTests
{
    private const int Lanes = 32;

    private static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Opcodes");

    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Folder, "*.ptx").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static HashSet<string> Tried =>
        [.. Directory.GetFiles(Folder, "*.ptx").SelectMany(path => Instructions(File.ReadAllText(path)))];

    [FakeDriverTheory]
    [MemberData(nameof(Files))]
    public void AnOperationDoesWhatTheManualSays(string file)
    {
        string text = File.ReadAllText(Path.Combine(Folder, file));
        int inputs = Columns(text, "// in: ").Length;
        int[] bits = Columns(text, "// out: ");
        (ulong[] Inputs, ulong[] Outputs)[] cases =
            [.. text.Split('\n').Where(line => line.Contains(" -> ", StringComparison.Ordinal)).Select(Case)];
        Assert.InRange(cases.Length, 1, Lanes);
        ulong[] given = new ulong[Lanes * inputs], found = new ulong[Lanes * bits.Length];
        for (int lane = 0; lane < Lanes; lane++)
        {
            cases[lane < cases.Length ? lane : 0].Inputs.CopyTo(given, lane * inputs);
        }

        FakeDriver fake = new() { Executes = true };
        using CudaRuntime runtime = fake.Open(new PtxCatalog(
            name => name == "manifest.txt" ? $"opcode\t-\t80\t{file}\topcode\n" : text));
        using DeviceBuffer from = runtime.Allocate(8 * given.Length), to = runtime.Allocate(8 * found.Length);
        runtime.Upload<ulong>(given, from.View<ulong>());
        using LaunchArguments arguments = new();
        runtime.Launch(
            runtime.Load("opcode"), new LaunchShape(new DeviceExtent(1), new DeviceExtent(Lanes)),
            arguments.Add(from.Address).Add(to.Address));
        runtime.Download(to.View<ulong>(), found.AsSpan());
        for (int lane = 0; lane < Lanes; lane++)
        {
            ulong[] expected = cases[lane < cases.Length ? lane : 0].Outputs;
            for (int i = 0; i < bits.Length; i++)
            {
                ulong value = found[(lane * bits.Length) + i] & (ulong.MaxValue >> (64 - bits[i]));
                Assert.True(
                    Agrees(expected[i], value, text), $"Lane {lane}, output {i}: {expected[i]:X}, found {value:X}.");
            }
        }
    }

    [FakeDriverFact]
    public void EveryOperationOfTheKeptKernelsHasAFile()
    {
        HashSet<string> tried = Tried;
        foreach ((string kernel, string family) in PtxCatalog.Embedded.Keys)
        {
            string text = PtxCatalog.Embedded.Find(kernel, family, int.MaxValue)!.Text;
            Assert.Empty(Instructions(text).Except(tried));
        }
    }

    // The operations of a text; a kind of memory and a type of the same bits make no difference to moves.
    private static IEnumerable<string> Instructions(string text) =>
        from line in text.Split('\n')
        let words = line.Trim().Split([' ', '\t', ';'], StringSplitOptions.RemoveEmptyEntries)
        let word = words.Length > 1 && words[0][0] == '@' ? words[1] : words.FirstOrDefault(string.Empty)
        where word.Length > 1 && char.IsAsciiLetterLower(word[0]) && line.Contains(';', StringComparison.Ordinal)
        select Kind(word);

    private static string Kind(string operation) => operation.Split('.')[0] switch
    {
        "mov" or "selp" => operation.Replace("f32", "b32", StringComparison.Ordinal)
            .Replace("u32", "b32", StringComparison.Ordinal),
        "ld" when operation.Contains(".param", StringComparison.Ordinal) => "ld.param",
        "ld" or "st" => string.Join('.', operation.Split('.').Select(
            word => word is "global" ? "shared" : word is "f32" or "u32" or "s32" ? "b32" : word)),
        "bra" => "bra",
        _ => operation,
    };

    private static int[] Columns(string text, string heading)
    {
        int start = text.IndexOf(heading, StringComparison.Ordinal) + heading.Length;
        return [.. text[start..text.IndexOf('\n', start)].Split(' ').Select(
            word => int.Parse(word, CultureInfo.InvariantCulture))];
    }

    private static (ulong[] Inputs, ulong[] Outputs) Case(string line)
    {
        string[] sides = line["// ".Length..].Split(" -> ");
        return (Numbers(sides[0]), Numbers(sides[1]));

        static ulong[] Numbers(string side) => [.. side.Split(' ').Select(
            word => ulong.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
    }

    // Bit for bit, but for operations that the manual gives a bound for: "4 ulp", "absolute 4e-7 relative 4e-7".
    private static bool Agrees(ulong expected, ulong found, string text)
    {
        const string Heading = "// error: ";
        int start = text.IndexOf(Heading, StringComparison.Ordinal);
        if (start < 0 || expected == found)
        {
            return expected == found;
        }

        string[] words = text[(start + Heading.Length)..text.IndexOf('\n', start)].Split(' ');
        double right = BitConverter.UInt32BitsToSingle((uint)expected);
        double value = BitConverter.UInt32BitsToSingle((uint)found);
        double bound = Bound("absolute") + (Bound("relative") * Math.Abs(right));
        return words[^1] == "ulp"
            ? Math.Abs((long)expected - (long)found) <= int.Parse(words[0], CultureInfo.InvariantCulture)
            : Math.Abs(right - value) <= bound;

        double Bound(string name)
        {
            int at = Array.IndexOf(words, name);
            return at < 0 ? 0 : double.Parse(words[at + 1], CultureInfo.InvariantCulture);
        }
    }
}
