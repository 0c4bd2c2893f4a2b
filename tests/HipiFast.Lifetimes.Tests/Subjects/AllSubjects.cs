namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Every public disposable type.</summary>
internal static class AllSubjects
{
    /// <summary>Reasons for which members stay usable.</summary>
    public const string Fact = "a fact of the object that lies outside its memory";

    public static IReadOnlyList<Subject> All { get; } =
    [
        .. KernelSubjects.All, .. DeviceSubjects.All, .. ReplaySubjects.All, .. LearningSubjects.All,
        .. EnvironmentSubjects.All, .. StorageSubjects.All, .. DataSubjects.All, .. TrainingSubjects.All,
        .. TorchSubjects.All,
    ];

    /// <summary>Those of which one can be made here.</summary>
    public static IEnumerable<Subject> Usable => All.Where(subject => subject.WhyNot is null);

    public static Subject Named(string name) => All.Single(subject => subject.ToString() == name);
}
