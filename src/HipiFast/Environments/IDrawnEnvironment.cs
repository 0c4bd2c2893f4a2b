namespace HipiFast.Environments;

/// <summary>An environment that can draw its copies.</summary>
public interface IDrawnEnvironment
{
    /// <summary>Draws a copy as it is now, and its goal where the task is a place.</summary>
    /// <param name="copy">Which copy, in [0, N).</param>
    /// <param name="width">Pixels, 16 or more.</param>
    /// <param name="height">Pixels, 16 or more.</param>
    /// <returns>An SVG element that can stand in an HTML page or in a file of its own.</returns>
    string DrawSvg(int copy, int width, int height);
}
