using HipiFast.Options;

namespace HipiFast.Tests.Options;

/// <summary>Keys of records made for these tests.</summary>
public sealed class OptionKeysTests
{
    private enum Colour
    {
        Red,
        DarkBlue,
        Green,
    }

    [Fact]
    public void KeysFollowFromThePropertiesAndThoseOfParts()
    {
        Assert.Equal(["whole", "colour", "late", "renamed", "nothing"], OptionKeys<Whole>.All.Select(key => key.Name));
        Assert.Equal(
            ["colour", "renamed", "nothing", "unlisted", "whole", "inner"],
            OptionKeys<Part>.All.Select(key => key.Name));
        OptionKey<Whole> colour = OptionKeys<Whole>.Find("colour");
        Assert.Equal(("--colour", "Part", "A colour."), (colour.OptionName, colour.Group, colour.Help));
        Assert.Equal(("red|dark-blue", "red|dark-blue"), (colour.Expected, colour.Placeholder));
        OptionKey<Whole> nothing = OptionKeys<Whole>.Find("nothing");
        Assert.Equal("A number. Unset: none.", nothing.Help);
        Assert.Equal(("a number above 0, at most 2, or default", "F"), (nothing.Expected, nothing.Placeholder));
    }

    [Fact]
    public void SettingAKeyCopiesThePartsOnTheWay()
    {
        Whole before = new() { Late = 7 };
        OptionLayer<Whole> layer = new();
        layer.Set("colour", "dark-blue");
        layer.Set("renamed", "false");
        layer.Set("whole", "2");
        Whole after = layer.Apply(before);
        Assert.Equal(new Whole { Late = 7, Count = 2, Part = new() { Colour = Colour.DarkBlue, Flag = false } }, after);
        Assert.Equal(new Whole { Late = 7 }, before);
        Assert.NotSame(before.Part, after.Part);
    }

    [Fact]
    public void JsonGivesEveryKeyInOrder() => Assert.Equal(
        """
        {
          "whole": 1,
          "colour": "red",
          "late": 3,
          "renamed": true,
          "nothing": null
        }

        """.ReplaceLineEndings("\n"),
        OptionKeys<Whole>.ToJson(new Whole()));

    [Fact]
    public void AValueOutOfRangeIsNamedAsItIsGiven()
    {
        Refused(
            "--whole is '10'; expected a whole number from 1 to 9.", () => OptionKeys<Whole>.Find("whole").Parse("10"));
        Refused("--colour is 'green'; expected red, dark-blue.", () => OptionKeys<Whole>.Find("colour").Parse("green"));
        Refused(
            "whole is '10'; expected a whole number from 1 to 9.", () => OptionKeys<Whole>.Check(new() { Count = 10 }));
        Refused(
            "Unknown key 'color' in F (did you mean 'colour'?).", () => OptionKeys<Whole>.Find("color", " in F"));
        Refused(
            "Count is 12, expected a whole number from 1 to 11",
            () => OptionCheck.Ranges(
                new Whole { Count = 12 }, (name, value, expected) => $"{name} is {value}, expected {expected}"));
        Refused(
            "Colour: Red or DarkBlue",
            () => OptionCheck.Ranges(
                new Whole { Part = new() { Colour = Colour.Green } }, (name, _, expected) => $"{name}: {expected}"));

        static void Refused(string message, Action action) =>
            Assert.Equal(message, Assert.Throws<ArgumentException>(action).Message);
    }

    private sealed record Whole
    {
        [Option("Whole", "A count.", Key = "whole", Minimum = 1, Maximum = 11, TypedMaximum = 9)]
        public int Count { get; init; } = 1;

        [OptionPart]
        public Part Part { get; init; } = new();

        [Option("Whole", "Stands after the colour.", After = "colour")]
        public long Late { get; init; } = 3;
    }

    private sealed record Part
    {
        [Option("Part", "A colour.", Choices = "red|dark-blue")]
        public Colour Colour { get; init; }

        [Option("Part", "A flag.", Key = "renamed")]
        public bool Flag { get; init; } = true;

        [Option("Part", "A number.", Minimum = 0, AboveMinimum = true, Maximum = 2, DefaultMeans = "none")]
        public float? Nothing { get; init; }

        [Option(Minimum = 0)]
        public double Unlisted { get; init; }

        [SharedOption(typeof(Whole), nameof(Whole.Count))]
        public int Shared { get; init; } = 1;

        [OptionPart(Listed = false)]
        public Inner Inner { get; init; } = new();
    }

    private sealed record Inner
    {
        [Option("Inner", "A name.", Key = "inner")]
        public string Name { get; init; } = "name";
    }
}
