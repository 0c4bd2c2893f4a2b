using System.Globalization;
using System.Text;

namespace HipiFast.Environments;

/// <summary>A picture of a part of the plane as an SVG element; coordinates are the plane's, y upwards.</summary>
internal sealed class PlanePicture
{
    private const string Background = "#f6f8fa";
    private const string GoalColor = "#009e73";
    private const int Margin = 8;

    private readonly StringBuilder _svg = new();
    private readonly double _left;
    private readonly double _top;
    private readonly double _scale;

    /// <summary>Begins a picture.</summary>
    /// <param name="left">Left edge of what is shown.</param>
    /// <param name="bottom">Its lower edge.</param>
    /// <param name="side">Its width and height.</param>
    /// <param name="width">Pixels, 16 or more.</param>
    /// <param name="height">Pixels, 16 or more.</param>
    public PlanePicture(double left, double bottom, double side, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 2 * Margin);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 2 * Margin);
        _scale = (Math.Min(width, height) - Margin) / side;
        _left = left - (((width / _scale) - side) / 2);
        _top = bottom + side + (((height / _scale) - side) / 2);
        Append(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">");
        Append($"<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Rectangle(left, bottom, side, side, Background);
    }

    public void Rectangle(double left, double bottom, double width, double height, string fill)
    {
        Append($"<rect x=\"{X(left):0.##}\" y=\"{Y(bottom + height):0.##}\" ");
        Append($"width=\"{width * _scale:0.##}\" height=\"{height * _scale:0.##}\" fill=\"{fill}\"/>");
    }

    public void Line(double fromX, double fromY, double toX, double toY, double width, string stroke)
    {
        Append(
            $"<line x1=\"{X(fromX):0.##}\" y1=\"{Y(fromY):0.##}\" x2=\"{X(toX):0.##}\" y2=\"{Y(toY):0.##}\" stroke=\"{stroke}\" ");
        Append($"stroke-width=\"{width * _scale:0.##}\" stroke-linecap=\"round\"/>");
    }

    public void Disc(double x, double y, double radius, string fill) =>
        Append($"<circle cx=\"{X(x):0.##}\" cy=\"{Y(y):0.##}\" r=\"{radius * _scale:0.##}\" fill=\"{fill}\"/>");

    /// <summary>A goal and the distance that counts as reached; never smaller than can be seen.</summary>
    public void Goal(double x, double y, double radius)
    {
        double pixels = Math.Max(radius * _scale, 3);
        Append($"<circle cx=\"{X(x):0.##}\" cy=\"{Y(y):0.##}\" r=\"{pixels:0.##}\" ");
        Append($"fill=\"{GoalColor}\" fill-opacity=\"0.3\" stroke=\"{GoalColor}\"/>");
    }

    /// <summary>The whole element.</summary>
    public string Close() => _svg.Append("</svg>").ToString();

    private double X(double x) => (x - _left) * _scale;

    private double Y(double y) => (_top - y) * _scale;

    private void Append(FormattableString text) => _svg.Append(text.ToString(CultureInfo.InvariantCulture));
}
