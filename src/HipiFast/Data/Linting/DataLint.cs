using System.Globalization;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Data.Linting;

/// <summary>Looks through a file of transitions for faults that reading it does not show.</summary>
/// <remarks>
/// The file is gone through twice, a block of rows at a time: once to learn what is usual in it (how far states go in a
/// step), once to find what is not. What cannot be known for certain is only called a fault where it is far from what
/// is
/// usual: a step is a jump where an entry of the state goes <see cref="JumpFactor"/> times as far as in all but one in
/// a
/// hundred steps, or near the end of an episode <see cref="EdgeFactor"/> times as far as in any other. Entries that
/// take
/// few values are not asked.
/// </remarks>
public sealed class DataLint
{
    /// <summary>How many times as far as in 99 of 100 steps an entry goes in a jump.</summary>
    public const double JumpFactor = 8;

    /// <summary>How many times as far as in any other step an entry goes in a jump near an end.</summary>
    public const double EdgeFactor = 3;

    // The rows at both ends of an episode where a flag off by one shows.
    private const int EdgeRows = 2;

    private const int SampledRows = 4096;
    private const double SameShare = 0.9;
    private const double RepeatShare = 3;
    private const float RewardTolerance = 1e-4f;

    private readonly TransitionReader _reader;
    private readonly TaskFamily? _family;
    private readonly StepStatistics _steps;
    private readonly SortedDictionary<LintFault, LintFinding> _findings = [];
    private readonly float[] _reward = new float[SampledRows];
    private readonly byte[] _terminated = new byte[SampledRows];
    private readonly float[] _otherReward = new float[SampledRows];
    private readonly byte[] _otherTerminated = new byte[SampledRows];
    private long _same, _compared, _last, _lastSame, _limits, _otherAgrees;
    private long _judgedBlock = -1;
    private bool _confusesStates;

    private DataLint(TransitionReader reader, TaskFamily? family)
    {
        _reader = reader;
        _family = family;
        _steps = new StepStatistics(reader.ObservationDimension);
    }

    private bool JudgesRewards => _family is not null && _reader.TaskDimension > 0;

    /// <summary>Looks through a file.</summary>
    /// <param name="path">File of any format.</param>
    /// <param name="columns">Which columns are what; null for the usual names.</param>
    /// <param name="family">
    /// What rewards and terminations should be, where the file has tasks; null where nobody knows.
    /// </param>
    /// <param name="progress">Receives the share of the work that is done, or null.</param>
    /// <param name="stop">Asks to leave off.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">The family is of other widths than the file.</exception>
    /// <exception cref="InvalidDataException">The file cannot be read as transitions.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was asked to leave off.</exception>
    public static LintReport Check(
        string path, ColumnMap? columns = null, TaskFamily? family = null, IProgress<double>? progress = null,
        CancellationToken stop = default)
    {
        using TransitionReader reader = TransitionReader.Open(path, columns, checksValues: false);
        return Run(reader, family, null, progress, stop);
    }

    /// <summary>
    /// Looks through a file and writes the rows without fault to another of the same format: states, actions, next
    /// states
    /// and, where there are any, tasks, rewards, terminations and the numbers of episodes under this project's names,
    /// all
    /// else as it was. Rewards and terminations that disagree with the family are replaced by the family's; an episode
    /// that a time limit cut midway is joined; whatever else is wrong has its row dropped, and an episode that loses a
    /// row
    /// in its midst becomes two.
    /// </summary>
    /// <param name="path">As for <see cref="Check"/>.</param>
    /// <param name="output">File to make or replace.</param>
    /// <param name="columns">As for <see cref="Check"/>.</param>
    /// <param name="family">As for <see cref="Check"/>.</param>
    /// <param name="progress">As for <see cref="Check"/>.</param>
    /// <param name="stop">As for <see cref="Check"/>; nothing is written then.</param>
    /// <returns>What was found, and how many rows were kept.</returns>
    /// <exception cref="ArgumentException">As for <see cref="Check"/>.</exception>
    /// <exception cref="InvalidDataException">As for <see cref="Check"/>, or no row is left.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    /// <exception cref="OperationCanceledException">As for <see cref="Check"/>.</exception>
    public static (LintReport Report, long Kept) Repair(
        string path, string output, ColumnMap? columns = null, TaskFamily? family = null,
        IProgress<double>? progress = null, CancellationToken stop = default)
    {
        using TransitionReader reader = TransitionReader.Open(path, columns, checksValues: false);
        using LintedFile kept = new(reader, output);
        LintReport report = Run(reader, family, kept, progress, stop);
        kept.Save();
        return (report, kept.Count);
    }

    internal static LintReport Run(
        TransitionReader reader, TaskFamily? family, LintedFile? kept, IProgress<double>? progress, CancellationToken stop)
    {
        family?.CheckObservationDimension(reader.ObservationDimension);
        if (family is not null && reader.TaskDimension > 0 && family.TaskDimension != reader.TaskDimension)
        {
            throw new ArgumentException(
                $"The task family is of tasks of {family.TaskDimension} entries; '{reader.Path}' has "
                + $"{reader.TaskDimension}.");
        }

        DataLint lint = new(reader, family);
        lint.Learn(share => progress?.Report(share / 2), stop);
        long transitions = lint.Find(kept, share => progress?.Report((1 + share) / 2), stop);
        return new LintReport(
            reader.Rows, transitions, reader.HasEpisodes ? reader.Episodes.Count : 0, [.. lint._findings.Values]);
    }

    // What is usual.
    private void Learn(Action<double> report, CancellationToken stop)
    {
        using (LintRows sample = new(_reader, SampledRows))
        {
            while (sample.MoveNext())
            {
                _steps.Sample(sample.State);
            }
        }

        using LintRows rows = new(_reader);
        while (rows.MoveNext())
        {
            Pause(rows, report, stop);
            if (!rows.HasNext || !rows.IsTransition)
            {
                continue;
            }

            if (!IsEdge(rows))
            {
                _steps.Add(rows.State, rows.Next);
            }

            bool isSame = rows.State.SequenceEqual(rows.Next), isLast = rows.HasEpisodes && rows.ToEnd == 0;
            (_last, _lastSame) = isLast ? (_last + 1, _lastSame + (isSame ? 1 : 0)) : (_last, _lastSame);
            (_compared, _same) = isLast ? (_compared, _same) : (_compared + 1, _same + (isSame ? 1 : 0));
        }

        _steps.Settle();
        _confusesStates = !_reader.DerivesNextStates && _compared > 1 && _same > SameShare * _compared;
    }

    // What is not.
    private long Find(LintedFile? kept, Action<double> report, CancellationToken stop)
    {
        long transitions = 0;
        using LintRows rows = new(_reader);
        while (rows.MoveNext())
        {
            Pause(rows, report, stop);
            bool joins = FindMidwayLimit(rows);
            FindShortEpisode(rows, out bool isShort);
            if (!rows.IsTransition)
            {
                kept?.Skip();
                continue;
            }

            transitions++;
            bool isFinite = FindWrongValues(rows, out bool isBad);
            isBad |= isShort;
            if (isFinite)
            {
                isBad |= FindSteps(rows);
                FindJudgements(rows);
            }

            if (kept is not null && isBad)
            {
                kept.Skip();
            }
            else
            {
                kept?.Take(rows, joins, isFinite && JudgesRewards ? _reward[rows.At] : rows.Reward,
                    isFinite && JudgesRewards ? _terminated[rows.At] : rows.Terminated);
            }
        }

        Complete();
        return transitions;
    }

    private static void Pause(LintRows rows, Action<double> report, CancellationToken stop)
    {
        if (rows.BeginsBlock)
        {
            stop.ThrowIfCancellationRequested();
            report((double)rows.Row / Math.Max(1, rows.Row + rows.ToEnd));
        }
    }

    private static bool IsEdge(LintRows rows) =>
        rows.HasEpisodes && (rows.FromStart < EdgeRows || rows.ToEnd < EdgeRows);

    private bool FindMidwayLimit(LintRows rows)
    {
        if (!rows.HasEpisodes || rows.FromStart > 0 || rows.Row == 0 || rows.TerminatedBefore
            || !_steps.HasContinuousStates)
        {
            return false;
        }

        _limits++;
        if (!_reader.LacksFinalStates)
        {
            if (!rows.NextBefore.SequenceEqual(rows.State) || _confusesStates)
            {
                return false;
            }

            Add(LintFault.TimeLimitMidway, rows.Row - 1, "the next episode begins with the state where this one ends");
            return true;
        }

        // Without the last states: the next episode begins where this one was going.
        if (_steps.GoesOn(rows.BeforeThat, rows.Before, rows.State))
        {
            Add(LintFault.TimeLimitMidway, rows.Row - 1, "the next episode begins where this one was going");
        }

        return false;
    }

    private void FindShortEpisode(LintRows rows, out bool isShort)
    {
        long steps = rows.FromStart + rows.ToEnd + (_reader.LacksFinalStates ? 0 : 1);
        isShort = rows.HasEpisodes && steps <= 1 && rows.Terminated != 1;
        if (isShort && rows.FromStart == 0)
        {
            Add(LintFault.ShortEpisode, rows.Row, Text($"episode {rows.Episode} has {steps} step{(steps == 1 ? "" : "s")}"));
        }
    }

    // Whether all numbers are finite; those that are not, flags that are none and actions outside make the row bad.
    private bool FindWrongValues(LintRows rows, out bool isBad)
    {
        isBad = false;
        string? wrong = NotFinite("observation", rows.State) ?? NotFinite("action", rows.Action)
            ?? NotFinite("next_observation", rows.Next) ?? NotFinite("task", rows.Task)
            ?? (float.IsFinite(rows.Reward) ? null : "reward");
        if (wrong is not null)
        {
            Add(LintFault.NonFinite, rows.Row, wrong);
            isBad = true;
        }

        bool isFinite = !isBad;
        if (rows.Terminated > 1 || rows.Truncated > 1)
        {
            Add(LintFault.WrongFlag, rows.Row, rows.Terminated > 1 ? "terminated" : "truncated");
            isBad = true;
        }

        int outside = rows.Action.IndexOfAnyExceptInRange(-1f, 1f);
        if (outside >= 0 && float.IsFinite(rows.Action[outside]))
        {
            Add(LintFault.OutsideAction, rows.Row, Text($"{rows.Action[outside]} in column {outside}"));
            isBad = true;
        }

        return isFinite;

        static string? NotFinite(string name, ReadOnlySpan<float> values)
        {
            int place = Kernels.Numerics.FiniteCheck.IndexOfNonFinite(values);
            return place < 0 ? null : Text($"{name}, column {place}");
        }
    }

    private bool FindSteps(LintRows rows)
    {
        bool isBad = false;
        (int entry, double factor) = _steps.OfUsual(rows.State, rows.Next);
        bool isJump = factor > JumpFactor;
        if (!isJump && IsEdge(rows) && _steps.OfLongest(rows.State, rows.Next) is { Factor: > EdgeFactor } longest)
        {
            (isJump, entry) = (true, longest.Entry);
        }

        if (isJump)
        {
            string where = !rows.HasEpisodes || !IsEdge(rows) ? "in the midst of an episode"
                : rows.ToEnd < EdgeRows ? Text($"{rows.ToEnd} rows before the end of an episode")
                : Text($"{rows.FromStart} rows after the start of an episode");
            Add(
                LintFault.Jump, rows.Row,
                Text($"entry {entry} goes from {rows.State[entry]} to {rows.Next[entry]}, {factor:0.#} times a long step, ")
                    + where);
            isBad = true;
        }

        if (_confusesStates)
        {
            if (rows.State.SequenceEqual(rows.Next))
            {
                Add(
                    LintFault.NextIsSame, rows.Row,
                    _reader.HasEpisodes
                        ? "without that column next states come from the rows after: --columns next_observation="
                        : "the next states are lost");
            }

            return isBad;
        }

        if (!_reader.DerivesNextStates && rows.HasEpisodes && rows.FromStart > 0 && !Follows(rows.NextBefore, rows.State))
        {
            Add(
                LintFault.Discontinuity, rows.Row - 1,
                Follows(rows.NextBefore, rows.Before)
                    ? "the next state is the state itself"
                    : "the row after begins with another state");
        }

        // An agent that often rests rests at the end as well.
        double share = _compared == 0 ? 0 : (double)_same / _compared;
        if (rows.HasEpisodes && rows.ToEnd == 0 && _lastSame > RepeatShare * share * _last
            && rows.State.SequenceEqual(rows.Next))
        {
            Add(
                LintFault.RepeatedLast, rows.Row,
                Text($"of {_last} ends of episodes; elsewhere {100 * share:0.###}% of the rows stay where they are"));
            isBad = true;
        }

        return isBad;
    }

    private void FindJudgements(LintRows rows)
    {
        if (!JudgesRewards)
        {
            return;
        }

        int at = rows.At;
        if (_judgedBlock != rows.Row - at)
        {
            _judgedBlock = rows.Row - at;
            rows.Judge(_family!, swapsStates: false, _reward, _terminated);
            rows.Judge(_family!, swapsStates: true, _otherReward, _otherTerminated);
        }

        float expected = _reward[at], tolerance = RewardTolerance * (1 + Math.Abs(expected));
        if (_reader.HasReward && Math.Abs(rows.Reward - expected) > tolerance)
        {
            Add(LintFault.Reward, rows.Row, Text($"{rows.Reward}, and the family gives {expected}"));
            _otherAgrees += Math.Abs(rows.Reward - _otherReward[at]) <= tolerance ? 1 : 0;
        }

        if (_reader.HasTerminated && rows.Terminated <= 1 && rows.Terminated != _terminated[at])
        {
            Add(LintFault.Termination, rows.Row, Text($"{rows.Terminated}, and the family gives {_terminated[at]}"));
        }
    }

    private static bool Follows(ReadOnlySpan<float> next, ReadOnlySpan<float> state)
    {
        const float Tolerance = 1e-4f;
        for (int i = 0; i < next.Length; i++)
        {
            if (!(Math.Abs(next[i] - state[i]) <= Tolerance * (1 + Math.Abs(state[i]))))
            {
                return !float.IsFinite(next[i]) || !float.IsFinite(state[i]);
            }
        }

        return true;
    }

    // What only the whole file tells.
    private void Complete()
    {
        if (_reader.IsGrouped && _reader.LacksFinalStates)
        {
            string remark = string.Join(
                "; ", _reader.Role("observation")!.Parts.Select(part => _reader.File.Remarks.GetValueOrDefault(part.Name)));
            _findings[LintFault.MissingFinalState] = new LintFinding(
                LintFault.MissingFinalState, _reader.Episodes.Count, 0,
                remark.Length > 0 ? remark : "as many states as steps in every episode; expected one more");
        }

        if (_findings.TryGetValue(LintFault.Reward, out LintFinding? reward) && 10 * _otherAgrees >= 9 * reward.Count)
        {
            _findings[LintFault.Reward] = reward with
            {
                Detail = reward.Detail + "; most agree where the other state of the step is judged (the family's \"judge\")",
            };
        }

        // One of many that comes near by chance is no fault.
        if (_reader.LacksFinalStates && _findings.TryGetValue(LintFault.TimeLimitMidway, out LintFinding? midway)
            && midway.Count < 0.02 * _limits)
        {
            _findings.Remove(LintFault.TimeLimitMidway);
        }
    }

    private void Add(LintFault fault, long row, string detail) =>
        _findings[fault] = _findings.TryGetValue(fault, out LintFinding? known)
            ? known with { Count = known.Count + 1 }
            : new LintFinding(fault, 1, row, detail);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
