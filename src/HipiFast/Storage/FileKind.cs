namespace HipiFast.Storage;

/// <summary>What stands at a path, after following links.</summary>
internal enum FileKind
{
    /// <summary>Nothing, or a link that leads nowhere.</summary>
    Missing,

    /// <summary>A file with a size of its own.</summary>
    Regular,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A device that takes bytes at once, such as <c>/dev/null</c>.</summary>
    Device,

    /// <summary>A pipe, a socket, a terminal, or one of this process's own streams (<c>/dev/stdout</c>).</summary>
    Stream,
}
