namespace HipiFast.Data.Linting;

/// <summary>One kind of fault in a file.</summary>
/// <param name="Fault">What is wrong.</param>
/// <param name="Count">How many rows (of <see cref="LintFault.ShortEpisode"/>: episodes) have it, 1 or more.</param>
/// <param name="FirstRow">The first row that has it, counted from 0.</param>
/// <param name="Detail">What was found there, in words.</param>
public sealed record LintFinding(LintFault Fault, long Count, long FirstRow, string Detail);

/// <summary>What was found in a file.</summary>
/// <param name="Rows">Rows of the file.</param>
/// <param name="Transitions">Those that are transitions.</param>
/// <param name="Episodes">Episodes; 0 where the file does not say.</param>
/// <param name="Findings">One entry for each kind of fault that was found, in the order of <see
/// cref="LintFault"/>.</param>
public sealed record LintReport(long Rows, long Transitions, long Episodes, IReadOnlyList<LintFinding> Findings);
