using System.Text.RegularExpressions;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>What is undefined in a PTX text, by the PTX manual, although every assembler takes it.</summary>
internal static partial class PtxText
{
    /// <summary>What an address register holds, as far as the text says.</summary>
    private enum Space
    {
        /// <summary>A number, or anything that cannot be told.</summary>
        Unknown,

        /// <summary>A kernel's parameter: a generic address, which for device memory is the global one.</summary>
        Generic,

        /// <summary>An address of device memory.</summary>
        Global,

        /// <summary>An address within the group's shared memory, which begins at 0 whatever the window.</summary>
        Shared,
    }

    /// <summary>
    /// Lines that convert or use an address of one space as one of another: <c>cvta.to</c> takes generic addresses
    /// only.
    /// </summary>
    /// <param name="text">PTX of one kernel, whose registers each hold addresses of one space.</param>
    /// <returns>The lines.</returns>
    public static List<string> WrongSpaces(string text)
    {
        Dictionary<string, Space> spaces = [];
        List<string> wrong = [];
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (ConversionPattern().Match(line) is { Success: true } conversion)
            {
                if (Of(conversion.Groups[3].Value) != Space.Generic)
                {
                    wrong.Add(line);
                }

                spaces[conversion.Groups[2].Value] = Named(conversion.Groups[1].Value);
            }
            else if (AccessPattern().Matches(line) is { Count: > 0 } accesses)
            {
                // In a copy the target comes first, then the source.
                foreach ((Match access, int i) in accesses.Select((access, i) => (access, i)))
                {
                    MatchCollection names = SpacePattern().Matches(line[..line.IndexOf('[', StringComparison.Ordinal)]);
                    Space found = Of(access.Groups[1].Value);
                    Space expected = names.Count > i ? Named(names[i].Groups[1].Value) : Space.Generic;
                    bool isParameter = found == Space.Generic && expected == Space.Global;
                    if (found != Space.Unknown && found != expected && !isParameter)
                    {
                        wrong.Add(line);
                    }
                }

                if (LoadedPattern().Match(line) is { Success: true } loaded)
                {
                    spaces[loaded.Groups[1].Value] = Space.Unknown;
                }
            }
            else if (ResultPattern().Match(line) is { Success: true } result)
            {
                string operation = result.Groups[1].Value, sources = result.Groups[3].Value;

                // A parameter may be a number as well, which is added to an address.
                bool isParameter = operation.StartsWith("ld.param", StringComparison.Ordinal);
                spaces[result.Groups[2].Value] = isParameter ? Space.Generic
                    : SharedSymbolPattern().IsMatch(sources) ? Space.Shared
                    : RegisterPattern().Matches(sources).Select(register => Of(register.Value)).Append(
                        Space.Unknown).Max();
            }
        }

        return wrong;

        Space Of(string register) => spaces.GetValueOrDefault(register);
    }

    /// <summary>Conditional branches said to be uniform: undefined where a warp's threads do not agree.</summary>
    /// <param name="text">PTX.</param>
    /// <returns>The lines.</returns>
    public static List<string> UniformConditions(string text) =>
        [.. text.Split('\n', StringSplitOptions.TrimEntries).Where(line => UniformPattern().IsMatch(line))];

    /// <summary>Maxima and minima that drop a NaN, which the processor keeps.</summary>
    /// <param name="text">PTX.</param>
    /// <returns>The lines.</returns>
    public static List<string> LostNaN(string text)
    {
        string[] lines = text.Split('\n', StringSplitOptions.TrimEntries);
        return
        [
            .. lines.Where((line, i) => ExtremumPattern().Match(line) is { Success: true } found
                && (found.Groups[1].Value == "f32" || !lines[i - 1].StartsWith("setp.nan.f64", StringComparison.Ordinal)
                    || !lines[i + 1].StartsWith("selp.f64", StringComparison.Ordinal))),
        ];
    }

    private static Space Named(string space) => space == "shared" ? Space.Shared : Space.Global;

    [GeneratedRegex(@"^cvta\.to\.(global|shared)\.u64\s+(\S+), (%rd\d+);")]
    private static partial Regex ConversionPattern();

    // A load, store, atomic operation or copy, with each address that it takes.
    [GeneratedRegex(@"(?<=^(?:@!?%p\d+ )?(?:ld|st|atom|red|cp)\.(?!param)[^;]*)\[([%\w]+)(?:\+-?\w+)?\]")]
    private static partial Regex AccessPattern();

    [GeneratedRegex(@"\.(global|shared)(?=[.\s])")]
    private static partial Regex SpacePattern();

    [GeneratedRegex(@"^ld\.\S+\s+(%rd\d+),")]
    private static partial Regex LoadedPattern();

    [GeneratedRegex(@"^(?:@!?%p\d+ )?([\w.]+)\s+(%rd\d+), (.*);")]
    private static partial Regex ResultPattern();

    [GeneratedRegex(@"%rd\d+")]
    private static partial Regex RegisterPattern();

    [GeneratedRegex(@"(?<![\w%])__\w+")]
    private static partial Regex SharedSymbolPattern();

    [GeneratedRegex(@"^@!?%p\d+\s+bra\.uni\b")]
    private static partial Regex UniformPattern();

    [GeneratedRegex(@"^(?:max|min)\.(f32|f64)\b")]
    private static partial Regex ExtremumPattern();
}
