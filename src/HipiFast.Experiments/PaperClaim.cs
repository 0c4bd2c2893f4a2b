namespace HipiFast.Experiments;

/// <summary>What the paper says of one thing beside another.</summary>
public enum PaperClaim
{
    /// <summary>Nothing; it is there for comparison.</summary>
    None,

    /// <summary>It is clearly better.</summary>
    Better,

    /// <summary>Among several, it is never worse.</summary>
    NeverWorse,

    /// <summary>It makes no difference.</summary>
    Level,

    /// <summary>It is no better.</summary>
    NoBetter,
}

/// <summary>Holds what was measured against what the paper claims.</summary>
public static class PaperClaims
{
    /// <summary>The verdict on a panel.</summary>
    /// <param name="findings">
    /// A claim and what was found: 1 where it is ahead, -1 behind, 0 level
    /// (<see cref="HipiFast.Training.PairedDifference.Sign"/>).
    /// </param>
    /// <returns>
    /// <see cref="Verdict.NotBornOut"/> where something claimed to be better or never worse is behind;
    /// <see cref="Verdict.Undecided"/> where something claimed to be better is level, or nothing is ahead of anything;
    /// <see cref="Verdict.InPart"/> where these claims hold and another does not; else <see cref="Verdict.BornOut"/>.
    /// </returns>
    public static Verdict Judge(IReadOnlyList<(PaperClaim Claim, int Sign)> findings)
    {
        ArgumentNullException.ThrowIfNull(findings);
        (PaperClaim Claim, int Sign)[] leads = [.. findings.Where(
            finding => finding.Claim is PaperClaim.Better or PaperClaim.NeverWorse)];
        if (leads.Any(lead => lead.Sign < 0))
        {
            return Verdict.NotBornOut;
        }

        if (leads.All(lead => lead.Sign == 0) || leads.Contains((PaperClaim.Better, 0)))
        {
            return Verdict.Undecided;
        }

        return findings.Any(finding => finding is (PaperClaim.Level, not 0) or (PaperClaim.NoBetter, > 0))
            ? Verdict.InPart
            : Verdict.BornOut;
    }
}
