using HipiFast.Environments;
using HipiFast.Testing;

namespace HipiFast.Tests.Environments;

/// <summary>Holds the built-in environments to the contract.</summary>
public sealed class EnvironmentContractTests
{
    public static TheoryData<string> Names => [.. EnvironmentRegistry.Names.Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void SameSeedGivesTheSameRun(string name) => EnvironmentContract.SameSeedGivesTheSameRun(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void ACopyBehavesTheSameWhateverTheNumberOfCopies(string name) =>
        EnvironmentContract.ACopyBehavesTheSameWhateverTheNumberOfCopies(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void ResetStartsOver(string name) => EnvironmentContract.ResetStartsOver(name);

    /// <summary>Scaled to about [-1, 1]; joint velocities may exceed it a little.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void ThousandRandomEpisodesStayFiniteAndInRange(string name) =>
        EnvironmentContract.RandomEpisodesStayFiniteAndInRange(name, 1000, 60, 1.5f);

    [Theory]
    [MemberData(nameof(Names))]
    public void RewardAndTerminationAreTheFamilysVerdictOnTheStateBeforeTheStep(string name) =>
        EnvironmentContract.RewardAndTerminationAreTheFamilysVerdictOnTheStateBeforeTheStep(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void TheTimeLimitTruncatesAndIsNotATermination(string name) =>
        EnvironmentContract.TheTimeLimitTruncatesAndIsNotATermination(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void AStepAllocatesNothing(string name) => EnvironmentContract.AStepAllocatesNothing(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void BadActionsAndUseBeforeResetAreRefused(string name) =>
        EnvironmentContract.BadActionsAndUseBeforeResetAreRefused(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void FixedTasksAreExactlyWhatADiscreteEnvironmentCommands(string name) =>
        EnvironmentContract.FixedTasksAreExactlyWhatADiscreteEnvironmentCommands(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void ARunGoesOnFromTheMiddleOfAnEpisode(string name) =>
        EnvironmentContract.ARunGoesOnFromTheMiddleOfAnEpisode(name);

    [Theory]
    [MemberData(nameof(Names))]
    public void ARestingCopyStaysAndTheOthersGoOn(string name) =>
        EnvironmentContract.ARestingCopyStaysAndTheOthersGoOn(name);
}
