namespace HipiFast.Replay;

/// <summary>How many entries a column of transitions has in each row.</summary>
public enum ColumnExtent
{
    /// <summary>One: the column is a vector <c>[B]</c>.</summary>
    One,

    /// <summary>S: a matrix <c>[B, S]</c>.</summary>
    Observation,

    /// <summary>A: a matrix <c>[B, A]</c>.</summary>
    Action,

    /// <summary>P: a matrix <c>[B, P]</c>.</summary>
    Task,
}
