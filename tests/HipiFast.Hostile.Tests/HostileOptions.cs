namespace HipiFast.Hostile.Tests;

/// <summary>How long the hostile suite tries.</summary>
internal static class HostileOptions
{
    /// <summary>Environment variable: how many times as much is tried as in the short pass; 1 when not set.</summary>
    public const string FactorVariable = "HIPIFAST_HOSTILE";

    /// <summary>The factor.</summary>
    public static int Factor =>
        int.TryParse(Environment.GetEnvironmentVariable(FactorVariable), out int factor) && factor > 0 ? factor : 1;
}
