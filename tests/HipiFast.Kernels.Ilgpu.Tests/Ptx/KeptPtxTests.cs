using System.Text.RegularExpressions;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>The kept PTX is what the compiler makes of the kernels today.</summary>
public sealed partial class KeptPtxTests
{
    /// <summary>When set, the files are written anew instead of compared.</summary>
    private const string WriteVariable = "HIPIFAST_WRITE_PTX";

    [Fact]
    public void KeptFilesAreWhatTheCompilerMakes()
    {
        SortedDictionary<string, string> files = KeptPtx.Compile();
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(WriteVariable)))
        {
            Directory.CreateDirectory(KeptPtx.Folder);
            foreach (string old in Directory.GetFiles(KeptPtx.Folder, "*.ptx"))
            {
                File.Delete(old);
            }

            foreach ((string name, string text) in files)
            {
                File.WriteAllText(Path.Combine(KeptPtx.Folder, name), text);
            }
        }

        string how = $"Set {WriteVariable}=1 and run this test to write the files of {KeptPtx.Folder} anew.";
        foreach ((string name, string text) in files)
        {
            string path = Path.Combine(KeptPtx.Folder, name);
            Assert.True(File.Exists(path), $"{name} is missing. {how}");
            string kept = File.ReadAllText(path).ReplaceLineEndings("\n");
            Assert.True(Instructions(text).SequenceEqual(Instructions(kept)), $"{name} differs from what the kernel compiles to. {how}");
        }

        Assert.Equal(files.Count - 1, Directory.GetFiles(KeptPtx.Folder, "*.ptx").Length);
    }

    [Fact]
    public void CompilingAgainGivesTheSameText()
    {
        // Numbers that ILGPU draws from a counter of the process must not show.
        SortedDictionary<string, string> first = KeptPtx.Compile(), second = KeptPtx.Compile();
        Assert.Equal(first.Keys, second.Keys);
        Assert.All(first, file => Assert.Equal(Instructions(file.Value), Instructions(second[file.Key])));
    }

    // ILGPU takes the fields of a struct that goes around a loop in one order or the other, differently from process to process: registers and
    // labels are numbered otherwise then, and moves change places. So the lines are compared without numbers, and sorted.
    private static string[] Instructions(string text) =>
        [.. text.Split('\n').Select(line => NumberPattern().Replace(line, "$1")).Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"(%[a-z]+|_)\d+")]
    private static partial Regex NumberPattern();
}
