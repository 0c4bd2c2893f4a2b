using System.Reflection;
using HipiFast.Lifetimes.Tests.Subjects;

namespace HipiFast.Lifetimes.Tests;

/// <summary>
/// What every public disposable type promises; a new type, or a new member, fails until it is listed.
/// </summary>
public sealed class DisposalTests
{
    private const string StateField = "_state";
    private const int InUse = -1;

    public static TheoryData<string> Subjects => [.. AllSubjects.Usable.Select(subject => subject.ToString())];

    public static TheoryData<string> Guarded =>
        [.. AllSubjects.Usable.Where(subject => subject.Exclusive.Count > 0).Select(subject => subject.ToString())];

    [Fact]
    public void EveryPublicDisposableTypeIsListed()
    {
        Assert.All(PublicTypes.Disposable, type => Assert.True(
            type.IsInterface || type.IsAbstract
                ? AllSubjects.All.Any(subject => type.IsAssignableFrom(subject.Type)) || HasNoMembers(type)
                : AllSubjects.All.Any(subject => subject.Type == type),
            $"{type.FullName} can be disposed of, and no test says what its members do then."));

        static bool HasNoMembers(Type type) => !PublicTypes.MembersOf(type).Any();
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void EveryMemberIsListed(string name)
    {
        Subject subject = AllSubjects.Named(name);
        string[] listed = [.. subject.Throwing.Concat(subject.Allowed.Keys).Order(StringComparer.Ordinal)];
        string[] found = [.. PublicTypes.MembersOf(subject.Type).Order(StringComparer.Ordinal)];
        Assert.Equal(string.Join('\n', found), string.Join('\n', listed));
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void EveryMemberThrowsAfterDisposal(string name)
    {
        Subject subject = AllSubjects.Named(name);
        foreach (string member in subject.Throwing)
        {
            using Needs needs = new();
            IDisposable target = subject.Make(needs);
            target.Dispose();
            Exception? error = Record.Exception(() => subject.Use(target, member));
            Assert.True(
                error is ObjectDisposedException, $"{name}.{member} after disposal: {error?.ToString() ?? "nothing"}.");
            target.Dispose();
        }
    }

    /// <summary>As a second thread finds it in the middle of the first one's call.</summary>
    [Theory]
    [MemberData(nameof(Guarded))]
    public void EveryCallRefusesCompany(string name)
    {
        Subject subject = AllSubjects.Named(name);
        foreach (string member in subject.Exclusive)
        {
            using Needs needs = new();
            IDisposable target = subject.Make(needs);
            SetState(target, InUse);
            InvalidOperationException error = Assert.Throws<InvalidOperationException>(
                () => subject.Use(target, member));
            Assert.Equal(
                $"This {target.GetType().Name.Split('`')[0]} is in the middle of another call; an instance serves one "
                + "thread at a time.",
                error.Message);

            // Nobody takes the memory away below a call.
            Assert.Throws<InvalidOperationException>(target.Dispose);
            SetState(target, 0);
            target.Dispose();
        }
    }

    // The guard is a struct in a private field of the type or one of its bases.
    private static void SetState(IDisposable target, int state)
    {
        for (Type? type = target.GetType(); type is not null; type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(
                BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            {
                if (field.FieldType.Name == "UseGuard")
                {
                    object guard = field.GetValue(target)!;
                    guard.GetType().GetField(StateField, BindingFlags.NonPublic | BindingFlags.Instance)!
                        .SetValue(guard, state);
                    field.SetValue(target, guard);
                    return;
                }
            }
        }

        Assert.Fail($"{target.GetType().Name} has no guard.");
    }
}
