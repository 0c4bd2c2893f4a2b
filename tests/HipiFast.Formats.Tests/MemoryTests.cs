using System.Diagnostics;
using System.Globalization;
using HipiFast.Cli;
using HipiFast.Data;
using HipiFast.Testing;

namespace HipiFast.Formats.Tests;

/// <summary>Files larger than memory: what a run holds does not go with the file.</summary>
public sealed class MemoryTests : IDisposable
{
    private const int Width = 512;

    private readonly TemporaryDirectory _directory = new();

    public MemoryTests() => Registration.Register();

    public void Dispose() => _directory.Dispose();

    [UnixTheory]
    [InlineData("x.npz")]
    [InlineData("x.hdf5")]
    [InlineData("x.parquet")]
    public void ThirtyTimesTheFileTakesNoMoreMemory(string name)
    {
        File.WriteAllText(_directory["family.json"], """{"kind": "goal", "achieved": [0, 1], "margin": 0.5}""");
        long small = PeakOf(name, 2000), large = PeakOf(name, 60000);

        // The larger file has 120 MB of states.
        Assert.InRange(large - small, -(64L << 20), 90 << 20);
    }

    private long PeakOf(string name, int rows)
    {
        string path = _directory[name], output = _directory["Y" + name];
        DataTable table = new() { Rows = rows };
        table.Columns.Add(new DataSource(
            new DataColumn("observations", ElementType.Float32, [rows, Width]), (_, destination) => destination.Clear()));
        table.Columns.Add(DataArrays.Of("actions", new float[rows], rows, 1));
        table.Columns.Add(DataArrays.Of("timeouts", [.. Enumerable.Range(0, rows).Select(row => row % 50 == 49)]));
        DataFormats.OfName(path)!.Write(path, table);
        using Process process = Process.Start(new ProcessStartInfo(
            ChildProgram.Dotnet,
            [
                typeof(CommandLineProgram).Assembly.Location, "relabel", "--transitions", path, "--strategy", "future",
                "--family", _directory["family.json"], "--batch", "512", "--threads", "1", "--out", output,
            ])
        {
            RedirectStandardOutput = true,

            // 150 MB, in hexadecimal: what is kept of the file on the managed heap ends the process.
            Environment = { ["DOTNET_GCHeapHardLimit"] = "9600000" },
        })!;
        long peak = 0;
        while (!process.WaitForExit(5))
        {
            peak = Math.Max(peak, PeakOf(process.Id));
        }

        Assert.Equal(0, process.ExitCode);
        Assert.True(peak > 0);
        return peak;
    }

    private static long PeakOf(int process)
    {
        string status = $"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status";
        try
        {
            string? line = File.ReadLines(status).FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null
                ? 0
                : 1024 * long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
