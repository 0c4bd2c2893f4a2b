using System.Xml.Linq;
using HipiFast.Environments;

namespace HipiFast.Tests.Environments;

public sealed class DrawnEnvironmentTests
{
    public static TheoryData<string> Names => [.. EnvironmentRegistry.Names.Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void DrawSvg_ShowsWhereTheCopyIs(string name)
    {
        using VectorEnvironment world = EnvironmentRegistry.Create(name, 2);
        IDrawnEnvironment drawn = Assert.IsAssignableFrom<IDrawnEnvironment>(world);
        world.Reset(3);
        string before = drawn.DrawSvg(0, 200, 150), other = drawn.DrawSvg(1, 200, 150);
        float[] action = [.. Enumerable.Repeat(1f, 2 * world.Shape.ActionDimension)];
        for (int step = 0; step < 5; step++)
        {
            world.Step(action, out _);
        }

        Assert.NotEqual(before, drawn.DrawSvg(0, 200, 150));
        Assert.NotEqual(before, other);
        XElement picture = XElement.Parse(before);
        Assert.Equal("200", (string?)picture.Attribute("width"));
        Assert.Throws<ArgumentOutOfRangeException>(() => drawn.DrawSvg(2, 200, 150));
        Assert.Throws<ArgumentOutOfRangeException>(() => drawn.DrawSvg(0, 4, 150));
    }
}
