using System.Globalization;
using System.Xml.Linq;
using HipiFast.Kernels.Random;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

public sealed class LearningCurveSvgTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void MeanAndDeviationAreThoseOfTheSeeds()
    {
        IReadOnlyList<CurvePoint> points = LearningCurve.Summarize(
            [new([0, 10, 20], [1, 2, 6]), new([0, 10, 20], [3, 2, 0]), new([0, 10, 20], [2, 2, 3])]);
        Assert.Equal([new CurvePoint(0, 2, 1), new CurvePoint(10, 2, 0), new CurvePoint(20, 3, 3)], points);
    }

    [Fact]
    public void SeedsMeasuredElsewhereAreInterpolatedWhereAllReach()
    {
        IReadOnlyList<CurvePoint> points = LearningCurve.Summarize(
            [
                new([0, 10, 20, 30], [0, 1, 2, 3]), new([5, 15, 25], [10, 20, 30]),
                new([0, 40], [double.NaN, double.NaN]), new([], [])
            ]);
        Assert.Equal([5.0, 10, 15, 20, 25], points.Select(point => point.Step));
        Assert.Equal([5.25, 8, 10.75, 13.5, 16.25], points.Select(point => point.Mean));
    }

    [Fact]
    public void MeasurementsThatAreMissingAreSkipped()
    {
        IReadOnlyList<CurvePoint> points = LearningCurve.Summarize(
            [new([0, 10, 20], [0, double.NaN, 4]), new([0, 10, 20], [0, 6, 4])]);
        Assert.Equal([0.0, 4, 4], points.Select(point => point.Mean));
        Assert.Empty(LearningCurve.Summarize([]));
        Assert.Equal(new CurvePoint(1, 5, 0), LearningCurve.Summarize([new([1], [5])]).Single());
    }

    [Fact]
    public void CurvesAreChecked()
    {
        Assert.Throws<ArgumentException>(() => LearningCurve.Summarize([new([0, 1], [0])]));
        Assert.Throws<ArgumentException>(() => LearningCurve.Summarize([new([0, 0], [0, 0])]));
        Assert.Throws<ArgumentException>(() => LearningCurve.Summarize([new([0, double.NaN], [0, 0])]));
        Assert.Throws<ArgumentException>(() => new LearningCurveSvg("") { ValueRange = (1, 1) }.ToSvg());
    }

    [Theory]
    [InlineData(0, 1, 6, "0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0, 100_000, 6, "0 20k 40k 60k 80k 100k")]
    [InlineData(0, 30_000, 8, "0 5k 10k 15k 20k 25k 30k")]
    [InlineData(0, 2_500_000, 6, "0 0.5M 1.0M 1.5M 2.0M 2.5M")]
    [InlineData(0, 4000, 6, "0 1000 2000 3000 4000")]
    [InlineData(-103.7, -2, 6, "-100 -80 -60 -40 -20")]
    [InlineData(-0.03, 0.021, 6, "-0.03 -0.02 -0.01 0 0.01 0.02")]
    [InlineData(0, 1e10, 3, "0 5G 10G")]
    public void TicksAreRoundNumbers(double low, double high, int most, string expected)
    {
        var ticks = new AxisTicks(low, high, most);
        string[] labels = [.. ticks.Values.Select(ticks.Format)];
        Assert.Equal(expected.Split(' '), labels);
        Assert.All(ticks.Values, value => Assert.InRange(value, low - 1e-9, high + 1e-9));
    }

    [Fact]
    public void ThePictureHasALineAndABandForEverySeries()
    {
        XElement svg = XElement.Parse(Figure(seeds: 3).ToSvg());
        Assert.Equal(3, Bands(svg).Count());
        Assert.Equal(3, Means(svg).Count());
        string[] texts = [.. svg.Elements(s_svg + "text").Select(text => text.Value)];
        Assert.Contains("nav2d", texts);
        Assert.Contains("inverse-rl", texts);
        Assert.Contains("environment steps", texts);
        Assert.Contains("success rate", texts);
        Assert.Contains("mean and standard deviation over 3 seeds", texts);
        Assert.Contains("30k", texts);
    }

    [Fact]
    public void OneSeedHasNoBand()
    {
        XElement svg = XElement.Parse(Figure(seeds: 1).ToSvg());
        Assert.Empty(Bands(svg));
        Assert.Equal(3, Means(svg).Count());
        Assert.Contains("one seed", svg.Elements(s_svg + "text").Select(text => text.Value));
    }

    [Fact]
    public void CurvesLieWhereTheirNumbersSay()
    {
        var figure = new LearningCurveSvg("t") { ValueRange = (0, 1) };
        figure.Add("a", [new LearningCurve([0, 50, 100], [0, 0.5, 1])]);
        XElement svg = XElement.Parse(figure.ToSvg());
        (double X, double Y)[] line = Points(Means(svg).Single());
        Dictionary<string, XElement> labels =
            svg.Elements(s_svg + "text").DistinctBy(text => text.Value).ToDictionary(text => text.Value);
        Assert.Equal(3, line.Length);

        // Labels of the vertical axis sit four pixels below their grid line; those of the horizontal axis at their grid
        // line.
        Assert.Equal((double)labels["1.0"].Attribute("y")! - 4, line[2].Y, 0.02);
        Assert.Equal((double)labels["100"].Attribute("x")!, line[2].X, 0.02);
        Assert.Equal(((line[0].X + line[2].X) / 2, (line[0].Y + line[2].Y) / 2), line[1]);
    }

    [Fact]
    public void BandsStayInsideTheRange()
    {
        var figure = new LearningCurveSvg("t") { ValueRange = (0, 1) };
        figure.Add("a", [new LearningCurve([0, 1], [0, 0]), new LearningCurve([0, 1], [1, 1])]);
        XElement svg = XElement.Parse(figure.ToSvg());
        (double X, double Y)[] band = Points(Bands(svg).Single());
        XElement[] labels = [.. svg.Elements(s_svg + "text")];
        double top = (double)labels.First(text => text.Value == "1.0").Attribute("y")! - 4;
        Assert.Equal(top, band.Min(point => point.Y), 0.02);
    }

    [Fact]
    public void MarkupInNamesIsText()
    {
        const string Name = "a<b> & \"c\" \u0001 é 🙂";
        var figure = new LearningCurveSvg(Name);
        figure.Add(Name, []);
        XElement svg = XElement.Parse(figure.ToSvg());
        Assert.Equal(2, svg.Elements(s_svg + "text").Count(text => text.Value == Name.Replace('\u0001', ' ')));
    }

    [Fact]
    public void EmptySinglePointAndFlatFiguresAreDrawn()
    {
        Assert.Contains("no data", XElement.Parse(new LearningCurveSvg("empty").ToSvg()).Value);
        foreach (
            double[] values
                in (double[][])[[5], [0], [3, 3, 3], [0, 0], [double.NaN], [1e-300, 1e99], [-1e99, 1e99], [0, 1e300]])
        {
            var figure = new LearningCurveSvg("flat");
            figure.Add(
                "a", [new LearningCurve([.. Enumerable.Range(0, values.Length).Select(i => (double)i)], values)]);
            string svg = figure.ToSvg();
            Assert.DoesNotContain("NaN", svg);
            Assert.DoesNotContain("∞", svg);
            Assert.DoesNotContain("Infinity", svg);
            XElement.Parse(svg);
        }
    }

    [Fact]
    public void BytesAreTheSameInEveryCultureAndEveryTime()
    {
        LearningCurveSvg figure = Figure(seeds: 3);
        string svg = figure.ToSvg();
        Assert.Equal(svg, figure.ToSvg());
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            comma.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = comma;
            Assert.Equal(svg, Figure(seeds: 3).ToSvg());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void ThePictureIsSaved()
    {
        using var directory = new TemporaryDirectory();
        LearningCurveSvg figure = Figure(seeds: 2);
        figure.Save(directory["curve.svg"]);
        Assert.Equal(figure.ToSvg(), File.ReadAllText(directory["curve.svg"]));
    }

    private static IEnumerable<XElement> Bands(XElement svg) =>
        svg.Elements(s_svg + "path").Where(path => path.Attribute("d")!.Value.EndsWith('Z'));

    private static IEnumerable<XElement> Means(XElement svg) =>
        svg.Elements(s_svg + "path").Where(path => path.Attribute("stroke-linejoin") is not null);

    private static (double X, double Y)[] Points(XElement path) =>
    [
        .. path.Attribute("d")!.Value.TrimEnd('Z').Split('M', 'L').Where(point => point.Length > 0).Select(point =>
        {
            double[] xy = [.. point.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
            return (xy[0], xy[1]);
        }),
    ];

    /// <summary>Three series that learn at different speeds.</summary>
    private static LearningCurveSvg Figure(int seeds)
    {
        var figure = new LearningCurveSvg("nav2d") { ValueRange = (0, 1) };
        (string Name, double Speed)[] series = [("inverse-rl", 6000), ("future", 9000), ("none", 40_000)];
        for (int s = 0; s < series.Length; s++)
        {
            var curves = new List<LearningCurve>();
            for (uint seed = 0; seed < seeds; seed++)
            {
                double[] steps = [.. Enumerable.Range(0, 31).Select(i => i * 1000.0)];
                double[] values =
                [
                    .. steps.Select((step, i) =>
                    {
                        PhiloxBlock block = Philox.Next((uint)i, seed, (uint)s, (uint)RandomPurpose.SyntheticData, 3);
                        float noise = Philox.ToNormals(block.X, block.Y).Cosine;
                        return Math.Clamp((1 - Math.Exp(-step / series[s].Speed)) + (0.06 * noise), 0, 1);
                    }),
                ];
                curves.Add(new LearningCurve(steps, values));
            }

            figure.Add(series[s].Name, curves);
        }

        return figure;
    }
}
