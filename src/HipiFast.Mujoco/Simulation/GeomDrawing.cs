using System.Globalization;
using System.Text;
using HipiFast.Mujoco.Native;

namespace HipiFast.Mujoco.Simulation;

/// <summary>The plane that a drawing shows.</summary>
internal enum DrawingPlane
{
    /// <summary>Seen from the side: x to the right, z up.</summary>
    Side,

    /// <summary>Seen from above: x to the right, y up.</summary>
    Top,
}

/// <summary>What a drawing shows.</summary>
/// <param name="Plane">Plane.</param>
/// <param name="Left">Smallest coordinate to the right, m; of a following view relative to the first body.</param>
/// <param name="Bottom">Smallest coordinate upwards, m.</param>
/// <param name="Width">m.</param>
/// <param name="Height">m; a picture of another shape shows more, on both sides.</param>
/// <param name="Follows">Whether the view moves along with the first body.</param>
internal readonly record struct DrawingView(
    DrawingPlane Plane, double Left, double Bottom, double Width, double Height, bool Follows = false);

/// <summary>Draws geoms as flat shapes: their outlines in parallel projection, far ones first.</summary>
internal static unsafe class GeomDrawing
{
    private const int Plane = 0, Sphere = 2, Capsule = 3, Ellipsoid = 4, Cylinder = 5, Box = 6;

    // Points on each rim of a cylinder, of which the outline is the convex hull.
    private const int RimPoints = 16;

    /// <summary>Draws geoms.</summary>
    /// <param name="geoms">The geoms; body 0 is the world.</param>
    /// <param name="view">What to show.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="goal">x, y, z and radius of a goal, m; empty for none.</param>
    /// <returns>An SVG element.</returns>
    public static string Svg(
        ReadOnlySpan<MujocoGeom> geoms, DrawingView view, int width, int height, ReadOnlySpan<double> goal = default)
    {
        int up = view.Plane == DrawingPlane.Side ? 2 : 1, depth = view.Plane == DrawingPlane.Side ? 1 : 2;

        // Seen from the side the eye is at negative y, seen from above at positive z.
        double nearer = view.Plane == DrawingPlane.Side ? -1 : 1;
        Canvas canvas = new(view, up, width, height, FollowedX(geoms, view));
        canvas.Open();
        List<(double Depth, int Index)> order = [];
        for (int i = 0; i < geoms.Length; i++)
        {
            if (geoms[i].Type == Plane)
            {
                canvas.Ground(view.Plane == DrawingPlane.Side ? geoms[i].Position[2] : double.NaN);
            }
            else
            {
                // What belongs to the world is furniture and lies behind.
                order.Add((geoms[i].Body == 0 ? double.NegativeInfinity : nearer * geoms[i].Position[depth], i));
            }
        }

        order.Sort();
        foreach ((_, int index) in order)
        {
            MujocoGeom geom = geoms[index];
            Draw(canvas, geom, up);
        }

        if (!goal.IsEmpty)
        {
            canvas.Ring(goal[0], goal[up], goal[3]);
        }

        return canvas.Close();
    }

    private static double FollowedX(ReadOnlySpan<MujocoGeom> geoms, DrawingView view)
    {
        foreach (MujocoGeom geom in geoms)
        {
            if (view.Follows && geom.Body > 0)
            {
                return geom.Position[0];
            }
        }

        return 0;
    }

    private static void Draw(Canvas canvas, MujocoGeom geom, int up)
    {
        double x = geom.Position[0], y = geom.Position[up];
        string fill = Color(geom);
        switch (geom.Type)
        {
            case Sphere:
                canvas.Circle(x, y, geom.Size[0], fill);
                break;
            case Capsule:
            {
                double ax = geom.Size[1] * geom.Rotation[2], ay = geom.Size[1] * geom.Rotation[(3 * up) + 2];
                canvas.Line(x - ax, y - ay, x + ax, y + ay, 2 * geom.Size[0], fill);
                break;
            }

            case Ellipsoid:
            {
                // The outline of the ellipsoid |D^-1 R^T p| = 1 is the ellipse of the projected matrix R D^2 R^T.
                double xx = 0, xy = 0, yy = 0;
                for (int axis = 0; axis < 3; axis++)
                {
                    double px = geom.Size[axis] * geom.Rotation[axis],
                        py = geom.Size[axis] * geom.Rotation[(3 * up) + axis];
                    (xx, xy, yy) = (xx + (px * px), xy + (px * py), yy + (py * py));
                }

                double middle = (xx + yy) / 2, spread = Math.Sqrt(Math.Max(0, ((xx - yy) * (xx - yy) / 4) + (xy * xy)));
                double angle = Math.Atan2(2 * xy, xx - yy) / 2;
                canvas.Ellipse(x, y, Math.Sqrt(middle + spread), Math.Sqrt(Math.Max(0, middle - spread)), angle, fill);
                break;
            }

            case Cylinder or Box:
                canvas.Polygon(Hull(Corners(geom, up)), fill);
                break;
        }
    }

    private static List<(double X, double Y)> Corners(MujocoGeom geom, int up)
    {
        List<(double X, double Y)> points = [];
        int count = geom.Type == Box ? 8 : 2 * RimPoints;
        for (int i = 0; i < count; i++)
        {
            double a, b, c;
            if (geom.Type == Box)
            {
                a = (i & 1) == 0 ? -geom.Size[0] : geom.Size[0];
                b = (i & 2) == 0 ? -geom.Size[1] : geom.Size[1];
                c = (i & 4) == 0 ? -geom.Size[2] : geom.Size[2];
            }
            else
            {
                (double sine, double cosine) = Math.SinCos(2 * Math.PI * i / RimPoints);
                (a, b, c) = (geom.Size[0] * cosine, geom.Size[0] * sine, i < RimPoints ? -geom.Size[1] : geom.Size[1]);
            }

            int row = 3 * up;
            points.Add((
                geom.Position[0] + (geom.Rotation[0] * a) + (geom.Rotation[1] * b) + (geom.Rotation[2] * c),
                geom.Position[up] + (geom.Rotation[row] * a) + (geom.Rotation[row + 1] * b)
                    + (geom.Rotation[row + 2] * c)));
        }

        return points;
    }

    /// <summary>Convex hull by Andrew's monotone chain.</summary>
    private static List<(double X, double Y)> Hull(List<(double X, double Y)> points)
    {
        points.Sort();
        List<(double X, double Y)> hull = [];
        for (int pass = 0; pass < 2; pass++)
        {
            int start = hull.Count;
            foreach ((double X, double Y) point in points)
            {
                while (hull.Count >= start + 2 && Turn(hull[^2], hull[^1], point) <= 0)
                {
                    hull.RemoveAt(hull.Count - 1);
                }

                hull.Add(point);
            }

            hull.RemoveAt(hull.Count - 1);
            points.Reverse();
        }

        return hull;

        static double Turn((double X, double Y) a, (double X, double Y) b, (double X, double Y) c) =>
            ((b.X - a.X) * (c.Y - a.Y)) - ((b.Y - a.Y) * (c.X - a.X));
    }

    private static string Color(MujocoGeom geom)
    {
        string opacity = geom.Rgba[3].ToString("0.##", CultureInfo.InvariantCulture);
        return $"rgba({Byte(geom.Rgba[0])},{Byte(geom.Rgba[1])},{Byte(geom.Rgba[2])},{opacity})";

        static int Byte(float value) => (int)MathF.Round(255 * Math.Clamp(value, 0f, 1f));
    }

    /// <summary>Writes SVG in metres, turned to pixels.</summary>
    private sealed class Canvas(DrawingView view, int up, int width, int height, double followed)
    {
        private readonly StringBuilder _text = new();
        private readonly double _scale = Math.Min(width / view.Width, height / view.Height);
        private readonly bool _isSide = up == 2;

        // What is shown, of which the view is the middle.
        private double Shown => width / _scale;

        private double Left => view.Left + followed - ((Shown - view.Width) / 2);

        private double Bottom => view.Bottom - (((height / _scale) - view.Height) / 2);

        public void Open() => _text.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} "
            + $"{height}\">")
            .Append("<rect width=\"100%\" height=\"100%\" fill=\"#f7f9fb\"/>");

        public string Close() => _text.Append("</svg>").ToString();

        public void Ground(double z)
        {
            if (_isSide)
            {
                Append($"<rect x=\"0\" y=\"{Y(z):0.##}\" width=\"{width}\" height=\"{height}\" fill=\"#d9d9cf\"/>");

                // A mark on every metre shows that a view follows.
                for (double mark = Math.Ceiling(Left); mark < Left + Shown; mark++)
                {
                    Append($"<rect x=\"{X(mark):0.##}\" y=\"{Y(z):0.##}\" width=\"1\" height=\"6\" fill=\"#888\"/>");
                }
            }
        }

        public void Circle(double x, double y, double radius, string fill) =>
            Append($"<circle cx=\"{X(x):0.##}\" cy=\"{Y(y):0.##}\" r=\"{_scale * radius:0.##}\" fill=\"{fill}\"/>");

        public void Ring(double x, double y, double radius)
        {
            Append($"<circle cx=\"{X(x):0.##}\" cy=\"{Y(y):0.##}\" r=\"{_scale * radius:0.##}\" fill=\"none\" ");
            Append($"stroke=\"#2a9d4a\" stroke-width=\"2\"/>");
        }

        public void Line(double x1, double y1, double x2, double y2, double thickness, string stroke)
        {
            Append($"<path d=\"M{X(x1):0.##} {Y(y1):0.##}L{X(x2):0.##} {Y(y2):0.##}\" stroke=\"{stroke}\" ");
            Append($"stroke-width=\"{_scale * thickness:0.##}\" stroke-linecap=\"round\"/>");
        }

        public void Ellipse(double x, double y, double major, double minor, double angle, string fill)
        {
            double turn = -angle * 180 / Math.PI;
            Append($"<ellipse rx=\"{_scale * major:0.##}\" ry=\"{_scale * minor:0.##}\" ");
            Append($"transform=\"translate({X(x):0.##} {Y(y):0.##}) rotate({turn:0.##})\" fill=\"{fill}\"/>");
        }

        public void Polygon(List<(double X, double Y)> points, string fill)
        {
            _text.Append("<polygon points=\"");
            foreach ((double x, double y) in points)
            {
                Append($"{X(x):0.##},{Y(y):0.##} ");
            }

            _text.Append("\" fill=\"").Append(fill).Append("\"/>");
        }

        private double X(double x) => _scale * (x - Left);

        private double Y(double y) => height - (_scale * (y - Bottom));

        private void Append(FormattableString text) => _text.Append(text.ToString(CultureInfo.InvariantCulture));
    }
}
