using System.CommandLine;

namespace HipiFast.BenchCompare;

/// <summary>The gate as a program of its own, for those who have no <c>hipifast</c> at hand.</summary>
internal static class Program
{
    private const int BadInput = 2;

    /// <summary>Compares.</summary>
    /// <param name="args">See <c>--help</c>.</param>
    /// <returns>0; 1 on a regression; 2 when arguments or files are bad.</returns>
    internal static int Main(string[] args)
    {
        Option<bool> json = new("--json") { Description = "Write the comparison as JSON." };
        RootCommand root = new("Compares two sets of benchmark results, or two builds; exit code 1 on a regression.") { json };
        ParseResult parsed = CompareBenchmarksCommand.Configure(root, json).Parse(args);
        if (parsed.Errors.Count > 0)
        {
            Console.Error.WriteLine($"HipiFast.BenchCompare: {parsed.Errors[0].Message}");
            return BadInput;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception error) when (error is IOException or InvalidDataException or ArgumentException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"HipiFast.BenchCompare: {error.Message}");
            return BadInput;
        }
    }
}
