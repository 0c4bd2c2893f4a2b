using System.Globalization;
using System.Reflection;
using HipiFast.Environments;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;

namespace HipiFast.Tests.Options;

/// <summary>
/// A record's own check and the command line ask for the same ranges: those that its attributes state.
/// </summary>
public sealed class RangeTests
{
    // A program may pass these, though a user may not type them.
    private static readonly (string Key, double Value)[] s_programsOnly =
        [("margin", 0), ("fixed_alpha", 0), ("row_pool", (1 << 20) + 1)];

    [Fact]
    public void SacOptionsAreCheckedAlike() => AssertAlike<SacOptions>(options => options.Validate());

    [Fact]
    public void RelabelOptionsAreCheckedAlike() => AssertAlike<RelabelOptions>(
        options => options.Validate(), new RelabelOptions { GroupRows = 1 });

    [Fact]
    public void EnvironmentSettingsAreCheckedAlike() =>
        AssertAlike<EnvironmentSettings>(settings => settings.Validate());

    [Fact]
    public void BoundsThatAreExcludedAreRefused()
    {
        Assert.Equal(
            "The behavior cloning option ValidationShare is 1; expected a number above 0, below 1.",
            Refused(new BehaviorCloningOptions { ValidationShare = 1 }));
        Assert.Contains("ValidationShare is 0;", Refused(new BehaviorCloningOptions { ValidationShare = 0 }));
        Assert.Contains("LearningRate is NaN;", Refused(new BehaviorCloningOptions { LearningRate = float.NaN }));
        new BehaviorCloningOptions { ValidationShare = 0.999f }.Validate();

        static string Refused(BehaviorCloningOptions options) =>
            Assert.Throws<ArgumentException>(options.Validate).Message;
    }

    // Basis: what takes every value of every key that may be typed.
    private static void AssertAlike<TRecord>(Action<TRecord> validate, TRecord? basis = null)
        where TRecord : class, new()
    {
        basis ??= new TRecord();
        int refused = 0;
        foreach (OptionKey<TRecord> key in OptionKeys<TRecord>.All)
        {
            PropertyInfo property = key.Path[^1];
            Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            foreach (double number in Numbers(
                OptionProperty.Of(property.DeclaringType!).First(option => option.Name == key.Name)))
            {
                if (Value(type, number) is not object value)
                {
                    continue;
                }

                bool passed = Takes(() => validate(key.With(basis, value)));
                bool typed = Takes(() => key.Parse(OptionRule.Format(value)));
                bool checkedToo = Takes(() => key.Check(key.With(basis, value)));
                Assert.True(typed == checkedToo, $"{key.Name} = {value}");
                Assert.True(passed == (typed || s_programsOnly.Contains((key.Name, number))), $"{key.Name} = {value}");
                refused += typed ? 0 : 1;
            }
        }

        Assert.True(refused > 3);
    }

    // At, below and above every bound, and what no range holds.
    private static IEnumerable<double> Numbers(OptionProperty option)
    {
        OptionAttribute statement = option.Statement!;
        double[] bounds = [statement.Minimum, statement.Maximum, statement.TypedMaximum];
        return bounds.Where(double.IsFinite)
            .SelectMany(bound => (double[])[bound, bound - 1, bound + 1, bound - 1e-3, bound + 1e-3])
            .Concat([double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            .Distinct();
    }

    private static object? Value(Type type, double number)
    {
        if (type == typeof(float) || type == typeof(double))
        {
            return Convert.ChangeType(number, type, CultureInfo.InvariantCulture);
        }

        bool whole = double.IsInteger(number) && number >= long.MinValue && number < long.MaxValue;
        return type == typeof(int) && whole && (int)number == number ? (int)number
            : type == typeof(long) && whole ? (long)number
            : null;
    }

    private static bool Takes(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
