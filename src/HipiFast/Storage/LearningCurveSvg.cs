using System.Globalization;
using System.Text;

namespace HipiFast.Storage;

/// <summary>
/// Draws learning curves as a self-contained SVG: for every series the mean over seeds and a band of one standard
/// deviation.
/// </summary>
/// <remarks>
/// The picture has its own white background, so that it reads on light and dark pages, and colours that colour-blind
/// readers tell apart (Okabe and Ito). The bytes depend on the data alone. Not thread-safe.
/// </remarks>
/// <example>
/// <code>
/// var figure = new LearningCurveSvg("nav2d") { ValueRange = (0, 1) };
/// figure.Add("inverse-rl", [new LearningCurve(steps, firstSeed), new LearningCurve(steps, secondSeed)]);
/// figure.Save("curve.svg");
/// </code>
/// </example>
public sealed class LearningCurveSvg
{
    private const double Width = 760;
    private const double PlotHeight = 300;
    private const double Left = 72;
    private const double Right = 28;
    private const double TitleBaseline = 36;
    private const double CaptionBaseline = 56;
    private const double LegendTop = 80;
    private const double LegendRowHeight = 20;
    private const double LegendSwatch = 22;
    private const double LegendGap = 24;
    private const double LegendFontSize = 13;
    private const double BelowLegend = 14;
    private const double BelowPlot = 62;
    private const int MostStepTicks = 8;
    private const int MostValueTicks = 6;

    // Part of the range left free above and below, so that a curve at the end of the range is not drawn on the frame.
    private const double Margin = 0.03;

    // Mean advance of a character of a sans-serif font, in ems; text cannot be measured here.
    private const double CharacterWidth = 0.56;

    // Okabe and Ito's palette without its yellow, which is too faint on white.
    private static readonly string[] s_colors =
        ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d"];
    private static readonly string[] s_dashes = ["none", "7 4", "2 3", "9 3 2 3"];

    private readonly List<Series> _series = [];
    private readonly StringBuilder _svg = new();

    /// <summary>Makes an empty figure.</summary>
    /// <param name="title">Title, for example the environment.</param>
    public LearningCurveSvg(string title)
    {
        ArgumentNullException.ThrowIfNull(title);
        Title = title;
    }

    /// <summary>Title.</summary>
    public string Title { get; }

    /// <summary>Label of the horizontal axis.</summary>
    public string StepLabel { get; init; } = "environment steps";

    /// <summary>Label of the vertical axis.</summary>
    public string ValueLabel { get; init; } = "success rate";

    /// <summary>Range of the vertical axis, bands cut to it; chosen from the data when null.</summary>
    public (double Low, double High)? ValueRange { get; init; }

    /// <summary>Adds a series.</summary>
    /// <param name="name">Name in the legend.</param>
    /// <param name="seeds">
    /// One curve per seed, summarised by <see cref="LearningCurve.Summarize"/>. Where nothing has been measured the
    /// legend stands alone.
    /// </param>
    /// <exception cref="ArgumentException">
    /// A curve has not one value per step, or steps that do not increase.
    /// </exception>
    public void Add(string name, IReadOnlyList<LearningCurve> seeds)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(seeds);
        _series.Add(new Series(name, seeds.Count, LearningCurve.Summarize(seeds)));
    }

    /// <summary>Writes the picture, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public void Save(string path) => AtomicFile.WriteAllText(path, ToSvg());

    /// <summary>The picture as SVG text.</summary>
    /// <exception cref="ArgumentException"><see cref="ValueRange"/> is not finite or empty.</exception>
    public string ToSvg()
    {
        List<(double X, double Y)> legend = LayOutLegend(out double legendBottom);
        double top = legendBottom + BelowLegend;
        double height = top + PlotHeight + BelowPlot;
        (double Low, double High) steps = StepRange();
        (double Low, double High) values = Range();
        double free = Margin * (values.High - values.Low);
        var plot = new Plot(steps.Low, steps.High, values.Low - free, values.High + free, top);

        _svg.Clear();
        string label = Escape($"{Title}: {ValueLabel} over {StepLabel}");
        Line(
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}"
             role="img" aria-label="{label}" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
            """);
        Line($"<title>{label}</title>");
        Line(
            $"""<rect x="0.5" y="0.5" width="{Width - 1}" height="{height - 1}" rx="10" fill="#ffffff" stroke="#d0d7de"/>""");
        Line(
            $"""<text x="{Left}" y="{TitleBaseline}" font-size="18" font-weight="600" fill="#1f2328">{Escape(Title)}</text>""");
        Line($"""<text x="{Left}" y="{CaptionBaseline}" font-size="12.5" fill="#59636e">{Escape(Caption())}</text>""");
        DrawLegend(legend);
        DrawAxes(plot, new AxisTicks(
            steps.Low, steps.High, MostStepTicks), new AxisTicks(values.Low, values.High, MostValueTicks));

        // The first series is drawn last, on top: it is the one that the figure is about.
        for (int i = _series.Count - 1; i >= 0; i--)
        {
            DrawBand(plot, _series[i], s_colors[i % s_colors.Length], values);
        }

        for (int i = _series.Count - 1; i >= 0; i--)
        {
            DrawMean(plot, _series[i], s_colors[i % s_colors.Length], Dash(i));
        }

        Line($"</svg>");
        return _svg.ToString();
    }

    private static string Dash(int series) => s_dashes[series / s_colors.Length % s_dashes.Length];

    private string Caption()
    {
        int fewest = _series.Count == 0 ? 0 : _series.Min(static series => series.Seeds);
        int most = _series.Count == 0 ? 0 : _series.Max(static series => series.Seeds);
        return most switch
        {
            0 => "no data",
            1 => "one seed",
            _ when fewest == most => $"mean and standard deviation over {most} seeds",
            _ => $"mean and standard deviation over {fewest} to {most} seeds",
        };
    }

    private (double Low, double High) StepRange()
    {
        double low = 0, high = 0;
        foreach (CurvePoint point in _series.SelectMany(static series => series.Points))
        {
            low = Math.Min(low, point.Step);
            high = Math.Max(high, point.Step);
        }

        return high > low ? (low, high) : (low, low + 1);
    }

    private (double Low, double High) Range()
    {
        if (ValueRange is (double wantedLow, double wantedHigh))
        {
            return double.IsFinite(wantedLow) && double.IsFinite(wantedHigh) && wantedLow < wantedHigh
                ? (wantedLow, wantedHigh)
                : throw new ArgumentException(
                    $"The range of values is {wantedLow} to {wantedHigh}; expected finite numbers, the lower first.");
        }

        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (CurvePoint point in _series.SelectMany(static series => series.Points))
        {
            low = Math.Min(low, point.Mean - point.Deviation);
            high = Math.Max(high, point.Mean + point.Deviation);
        }

        if (!(low <= high))
        {
            return (0, 1);
        }

        // A flat curve still needs a range: half its size around it.
        double spread = high - low;
        double least = 1e-6 * Math.Max(Math.Abs(low), Math.Abs(high));
        double around = spread > least ? 0 : Math.Max(0.5 * Math.Abs(low), 0.5);
        return (low - around, high + around);
    }

    private List<(double X, double Y)> LayOutLegend(out double bottom)
    {
        var places = new List<(double X, double Y)>();
        double x = Left, y = LegendTop;
        foreach (Series series in _series)
        {
            double width = LegendSwatch + 8 + (series.Name.Length * CharacterWidth * LegendFontSize);
            if (x > Left && x + width > Width - Right)
            {
                x = Left;
                y += LegendRowHeight;
            }

            places.Add((x, y));
            x += width + LegendGap;
        }

        bottom = y;
        return places;
    }

    private void DrawLegend(List<(double X, double Y)> places)
    {
        for (int i = 0; i < places.Count; i++)
        {
            (double x, double y) = places[i];
            string color = s_colors[i % s_colors.Length];
            if (_series[i].HasBand)
            {
                Line(
                    $"""<rect x="{x}" y="{y - 9}" width="{LegendSwatch}" height="10" rx="2" fill="{color}" fill-opacity="0.16"/>""");
            }

            Line(
                $"""<path d="M{x} {y - 4}h{LegendSwatch}" stroke="{color}" stroke-width="2.4" stroke-dasharray="{Dash(i)}"/>""");
            Line(
                $"""<text x="{x + LegendSwatch + 8}" y="{y}" font-size="{LegendFontSize}" fill="#1f2328">{Escape(_series[i].Name)}</text>""");
        }
    }

    private void DrawAxes(Plot plot, AxisTicks steps, AxisTicks values)
    {
        foreach (double value in values.Values)
        {
            double y = plot.Y(value);
            Line($"""<path d="M{Left} {y}H{Width - Right}" stroke="#e6e9ed"/>""");
            Line(
                $"""<text x="{Left - 9}" y="{y + 4}" font-size="12" text-anchor="end" fill="#59636e">{values.Format(value)}</text>""");
        }

        double bottom = plot.Top + PlotHeight;
        foreach (double step in steps.Values)
        {
            double x = plot.X(step);
            Line($"""<path d="M{x} {plot.Top}V{bottom}" stroke="#f0f2f4"/>""");
            Line($"""<path d="M{x} {bottom}v5" stroke="#8c959f"/>""");
            Line(
                $"""<text x="{x}" y="{bottom + 20}" font-size="12" text-anchor="middle" fill="#59636e">{steps.Format(step)}</text>""");
        }

        double middle = plot.Top + (PlotHeight / 2);
        Line($"""<path d="M{Left} {plot.Top}V{bottom}H{Width - Right}" fill="none" stroke="#8c959f"/>""");
        const string LabelStyle = "font-size=\"13\" text-anchor=\"middle\" fill=\"#1f2328\"";
        Line($"""<text x="{(Left + Width - Right) / 2}" y="{bottom + 45}" {LabelStyle}>{Escape(StepLabel)}</text>""");
        Line($"""<text transform="translate(22 {middle}) rotate(-90)" {LabelStyle}>{Escape(ValueLabel)}</text>""");
    }

    private void DrawBand(Plot plot, Series series, string color, (double Low, double High) range)
    {
        if (!series.HasBand)
        {
            return;
        }

        var path = new StringBuilder();
        foreach (CurvePoint point in series.Points)
        {
            Append(path, plot.X(point.Step), plot.Y(Math.Clamp(point.Mean + point.Deviation, range.Low, range.High)));
        }

        foreach (CurvePoint point in series.Points.Reverse())
        {
            Append(path, plot.X(point.Step), plot.Y(Math.Clamp(point.Mean - point.Deviation, range.Low, range.High)));
        }

        Line($"""<path d="{path}Z" fill="{color}" fill-opacity="0.16"/>""");
    }

    private void DrawMean(Plot plot, Series series, string color, string dash)
    {
        var path = new StringBuilder();
        foreach (CurvePoint point in series.Points)
        {
            Append(path, plot.X(point.Step), plot.Y(Math.Clamp(point.Mean, plot.Low, plot.High)));
        }

        if (series.Points.Count == 1)
        {
            // A line of no length with round caps is a dot.
            path.Append("h0");
        }

        if (series.Points.Count > 0)
        {
            string width = series.Points.Count == 1 ? "7" : "2.4";
            Line(
                $"""
                <path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round" stroke-linecap="round"
                 stroke-dasharray="{dash}"/>
                """);
        }
    }

    private static void Append(StringBuilder path, double x, double y) =>
        path.Append(path.Length == 0 ? 'M' : 'L').Append(CultureInfo.InvariantCulture, $"{x:0.##} {y:0.##}");

    /// <summary>Text as it may stand in XML: markup escaped, characters that XML forbids replaced.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            escaped = rune.Value switch
            {
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '&' => escaped.Append("&amp;"),
                '"' => escaped.Append("&quot;"),
                < ' ' or 0xFFFE or 0xFFFF => escaped.Append(' '),
                _ => escaped.Append(rune.ToString()),
            };
        }

        return escaped.ToString();
    }

    /// <summary>
    /// Appends a line. Lengths are cut to hundredths of a pixel: the last digits of the arithmetic do not reach the
    /// file.
    /// </summary>
    private void Line(FormattableString text)
    {
        object?[] arguments = [.. text.GetArguments().Select(
            static argument => argument is double pixels ? Math.Round(pixels, 2) : argument)];
        _svg.AppendFormat(CultureInfo.InvariantCulture, text.Format, arguments).Append('\n');
    }

    /// <summary>Where data lie in the picture.</summary>
    private readonly record struct Plot(double FirstStep, double LastStep, double Low, double High, double Top)
    {
        public double X(double step) => Left + ((Width - Left - Right) * ((step - FirstStep) / (LastStep - FirstStep)));

        public double Y(double value) => Top + (PlotHeight * ((High - value) / (High - Low)));
    }

    private sealed record Series(string Name, int Seeds, IReadOnlyList<CurvePoint> Points)
    {
        public bool HasBand => Seeds > 1 && Points.Count > 1;
    }
}
