namespace HipiFast.Kernels.Dense;

/// <summary>A row-major matrix of floats in native memory.</summary>
/// <param name="Pointer">First entry.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
/// <param name="Stride">Floats between rows, <paramref name="Columns"/> or more.</param>
public readonly unsafe record struct MatrixView(nint Pointer, int Rows, int Columns, int Stride)
{
    /// <summary>First entry of a row.</summary>
    /// <param name="row">Row; not checked.</param>
    /// <returns>Its address.</returns>
    public float* Row(int row) => (float*)Pointer + ((long)row * Stride);

    /// <summary>The first rows of this matrix.</summary>
    /// <param name="rows">How many, in [0, <see cref="Rows"/>].</param>
    /// <returns>A view of the same memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are not that many rows.</exception>
    public MatrixView First(int rows) => Slice(0, rows);

    /// <summary>Rows [<paramref name="first"/>, first + <paramref name="rows"/>) of this matrix.</summary>
    /// <param name="first">First row.</param>
    /// <param name="rows">How many.</param>
    /// <returns>A view of the same memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The rows are not all in this matrix.</exception>
    public MatrixView Slice(int first, int rows)
    {
        if (first < 0 || rows < 0 || first > Rows - rows)
        {
            throw new ArgumentOutOfRangeException(
                nameof(rows), $"Rows {first} to {first + rows} are outside a matrix of {Rows} rows.");
        }

        return this with { Pointer = (nint)Row(first), Rows = rows };
    }
}
