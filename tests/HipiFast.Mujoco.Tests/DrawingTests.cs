using System.Globalization;
using System.Xml.Linq;
using HipiFast.Environments;
using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco.Tests;

public sealed class DrawingTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    public static TheoryData<string> Names => [.. Registration.Names];

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void EveryEnvironmentDrawsItselfInsideItsPicture(string name)
    {
        using MujocoEnvironment environment = Physics.Create(name, 2);
        environment.Reset(3);
        XElement picture = XElement.Parse(((IDrawnEnvironment)environment).DrawSvg(1, 240, 200));
        Assert.Equal(s_svg + "svg", picture.Name);
        Assert.Equal("0 0 240 200", (string?)picture.Attribute("viewBox"));
        Assert.True(picture.Elements().Count() > 4);
        Assert.DoesNotContain("NaN", picture.ToString(), StringComparison.Ordinal);
        int inside = 0, circles = 0;
        foreach (XElement circle in picture.Elements(s_svg + "circle"))
        {
            double x = double.Parse((string)circle.Attribute("cx")!, CultureInfo.InvariantCulture);
            double y = double.Parse((string)circle.Attribute("cy")!, CultureInfo.InvariantCulture);
            circles++;
            inside += x is >= 0 and <= 240 && y is >= 0 and <= 200 ? 1 : 0;
        }

        Assert.Equal(circles, inside);
        Assert.Throws<ArgumentOutOfRangeException>(() => environment.DrawSvg(2, 240, 200));
        Assert.Throws<ArgumentOutOfRangeException>(() => environment.DrawSvg(0, 8, 200));
    }

    [PhysicsFact]
    public void APictureMovesAsTheBodyDoes()
    {
        using MujocoEnvironment environment = Physics.Create("reacher");
        environment.Reset(1);
        environment.PartsOf(0).Positions[0] = 0;
        environment.PartsOf(0).Positions[1] = 0;
        XElement picture = XElement.Parse(environment.DrawSvg(0, 600, 600));

        // The fingertip is the one red ball, at (0.24, 0) m of a view from -0.3 to 0.3 m: 1000 pixels per metre.
        XElement ball = Assert.Single(
            picture.Elements(s_svg + "circle"), circle => (string?)circle.Attribute("fill") != "none");
        Assert.Equal(("540", "300", "10"), (
            (string?)ball.Attribute("cx"), (string?)ball.Attribute("cy"), (string?)ball.Attribute("r")));
        XElement goal = Assert.Single(
            picture.Elements(s_svg + "circle"), circle => (string?)circle.Attribute("fill") == "none");
        Assert.Equal(300 + (240 * environment.Task[0]), double.Parse(
            (string)goal.Attribute("cx")!, CultureInfo.InvariantCulture), 0.01);
    }
}
