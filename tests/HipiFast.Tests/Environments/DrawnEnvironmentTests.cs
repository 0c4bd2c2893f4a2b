using System.Xml.Linq;
using HipiFast.Environments;

namespace HipiFast.Tests.Environments;

public sealed class DrawnEnvironmentTests
{
    public static TheoryData<string> Names => [.. EnvironmentRegistry.Names.Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void DrawSvgShowsWhereTheCopyIs(string name)
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

    [Theory]
    [InlineData("nav2d")]
    [InlineData("nav2d-discrete")]
    [InlineData("nav2d-margin")]
    [InlineData("gridworld")]
    public void DrawSvgKeepsTheCopyInsideTheFrame(string name)
    {
        using VectorEnvironment world = EnvironmentRegistry.Create(name, 1);
        IDrawnEnvironment drawn = Assert.IsAssignableFrom<IDrawnEnvironment>(world);
        foreach (float direction in (float[])[-1, 1])
        {
            world.Reset(3);
            for (int step = 0; step < 60; step++)
            {
                // The frame is the second rectangle, the copy the last circle; numbers have two decimals.
                XElement[] parts = [.. XElement.Parse(drawn.DrawSvg(0, 200, 150)).Elements()];
                XElement frame = parts.Where(part => part.Name.LocalName == "rect").ElementAt(1), copy = parts[^1];
                double x = Number(copy, "cx") - Number(frame, "x"), y = Number(copy, "cy") - Number(frame, "y"),
                    radius = Number(copy, "r");
                Assert.InRange(x, radius - 0.02, Number(frame, "width") - radius + 0.02);
                Assert.InRange(y, radius - 0.02, Number(frame, "height") - radius + 0.02);
                world.Step([.. Enumerable.Repeat(direction, world.Shape.ActionDimension)], out _);
            }
        }

        static double Number(XElement element, string name) => (double)element.Attribute(name)!;
    }
}
