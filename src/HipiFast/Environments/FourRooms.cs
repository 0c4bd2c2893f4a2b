namespace HipiFast.Environments;

/// <summary>
/// The FourRooms map (Sutton, Precup and Singh, "Between MDPs and semi-MDPs", 1999) of 11 x 11 cells, each enlarged to
/// 3 x 3, as the paper's C.7 has it. A point (x, y) lies in [0, 33]^2, x to the right and y upwards, so (0, 0) is the
/// lower left corner.
/// </summary>
internal static class FourRooms
{
    /// <summary>Cells along a side of the classic map.</summary>
    public const int CoarseSide = 11;

    /// <summary>How much each cell is enlarged.</summary>
    public const int Dilation = 3;

    /// <summary>Cells, and units of length, along a side of the enlarged map.</summary>
    public const int Side = CoarseSide * Dilation;

    // As seen: the first line is the top. '#' is a wall.
    private static readonly string[] s_layout =
    [
        "......#....",
        "......#....",
        "...........",
        "......#....",
        "......#....",
        "##.######.#",
        ".....#.....",
        ".....#.....",
        ".....#.....",
        "...........",
        ".....#.....",
    ];

    private static readonly bool[] s_free = Enlarge();

    /// <summary>Numbers of the free cells of the enlarged map, <c>x * Side + y</c>.</summary>
    public static int[] FreeCells { get; } = [.. Enumerable.Range(0, Side * Side).Where(cell => s_free[cell])];

    /// <summary>
    /// Whether a point may be occupied: inside the map and not in a wall. The far edges belong to the last cells.
    /// </summary>
    public static bool IsFree(float x, float y)
    {
        // Written so that NaN is not free.
        if (!(x >= 0f && x <= Side && y >= 0f && y <= Side))
        {
            return false;
        }

        return s_free[(Math.Min((int)x, Side - 1) * Side) + Math.Min((int)y, Side - 1)];
    }

    private static bool[] Enlarge()
    {
        bool[] free = new bool[Side * Side];
        for (int x = 0; x < Side; x++)
        {
            for (int y = 0; y < Side; y++)
            {
                free[(x * Side) + y] = s_layout[CoarseSide - 1 - (y / Dilation)][x / Dilation] == '.';
            }
        }

        return free;
    }
}
