namespace HipiFast.Native;

/// <summary>How a call ended, <c>hipifast_status</c>.</summary>
public enum Status
{
    /// <summary>As it should.</summary>
    Ok = 0,

    /// <summary>A pointer that is null, a size, an option or a combination of them that cannot be.</summary>
    InvalidArgument = 1,

    /// <summary>A handle of nothing, of something destroyed or of another kind.</summary>
    InvalidHandle = 2,

    /// <summary>A number that is not finite, or a file or tensor that breaks its format.</summary>
    InvalidData = 3,

    /// <summary>Another thread's call on the same handle is under way.</summary>
    Busy = 4,

    /// <summary>This machine cannot do it.</summary>
    NotSupported = 5,

    /// <summary>The memory is not to be had.</summary>
    OutOfMemory = 6,

    /// <summary>A file is not there or cannot be read.</summary>
    Io = 7,

    /// <summary>A function of the caller's has returned an error.</summary>
    FunctionFailed = 8,

    /// <summary>A fault of the library's own.</summary>
    Internal = 9,

    /// <summary>No library for this processor lies beside the loader.</summary>
    NotLoaded = 10,
}
