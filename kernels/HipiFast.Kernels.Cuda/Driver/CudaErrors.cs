namespace HipiFast.Kernels.Cuda.Driver;

/// <summary>One sentence for every error that the driver may report.</summary>
internal static class CudaErrors
{
    /// <summary>The whole sentence.</summary>
    /// <param name="result">The error.</param>
    /// <param name="operation">What was tried, in words that complete "could not ...".</param>
    /// <returns>It ends in a full stop.</returns>
    public static string Sentence(CudaResult result, string operation) =>
        $"CUDA could not {operation}: {Explain(result, operation)}";

    /// <summary>The reason alone.</summary>
    /// <param name="result">The error.</param>
    /// <param name="operation">What was tried, for errors that are not known.</param>
    /// <returns>It begins in lower case and ends in a full stop.</returns>
    public static string Explain(CudaResult result, string operation) => result switch
    {
        CudaResult.InvalidValue => "the driver refused an argument (error 1).",
        CudaResult.OutOfMemory => "the device or the host is out of memory (error 2).",
        CudaResult.NotInitialized => "the driver has not been started (error 3).",
        CudaResult.Deinitialized => "the driver is shutting down (error 4).",
        CudaResult.StubLibrary =>
            "the library found is CUDA's stub for linking, not the NVIDIA driver's: install the driver (error 34).",
        CudaResult.DeviceUnavailable => "another process holds the device for itself alone (error 46).",
        CudaResult.NoDevice => "no NVIDIA GPU was found (error 100).",
        CudaResult.InvalidDevice => "there is no such device (error 101).",
        CudaResult.DeviceNotLicensed => "the device has no licence (error 102).",
        CudaResult.InvalidImage => "the kernel's code is damaged (error 200).",
        CudaResult.InvalidContext => "the device's context is not valid (error 201).",
        CudaResult.NoBinaryForGpu => "the kernel's code is for another kind of device (error 209).",
        CudaResult.EccUncorrectable => "the device's memory has an error that cannot be corrected (error 214).",
        CudaResult.InvalidPtx => "the kernel's PTX does not compile (error 218).",
        CudaResult.NvlinkUncorrectable => "NVLink has an error that cannot be corrected (error 220).",
        CudaResult.JitCompilerNotFound =>
            "the driver's PTX compiler was not found: install the whole driver (error 221).",
        CudaResult.UnsupportedPtxVersion =>
            "the kernel's PTX is newer than the driver: install a newer driver (error 222).",
        CudaResult.JitCompilationDisabled =>
            "compiling PTX is switched off, by CUDA_DISABLE_PTX_JIT perhaps (error 223).",
        CudaResult.OperatingSystem => "the operating system refused a call of the driver (error 304).",
        CudaResult.InvalidHandle => "a stream, event, graph or kernel is not valid here (error 400).",
        CudaResult.NotFound => "the driver did not find what was named (error 500).",
        CudaResult.NotReady => "work is still going on (error 600).",
        CudaResult.IllegalAddress => "a kernel read or wrote outside its memory (error 700).",
        CudaResult.LaunchOutOfResources =>
            "the kernel takes more registers or threads than the device has (error 701).",
        CudaResult.LaunchTimeout => "a kernel ran longer than the system allows (error 702).",
        CudaResult.ContextIsDestroyed => "the device's context has been destroyed (error 709).",
        CudaResult.Assert => "an assertion in a kernel failed (error 710).",
        CudaResult.IllegalInstruction => "a kernel came upon an instruction that the device does not know (error 715).",
        CudaResult.MisalignedAddress => "a kernel used an address that is not aligned (error 716).",
        CudaResult.InvalidAddressSpace => "a kernel used an address of the wrong kind of memory (error 717).",
        CudaResult.InvalidProgramCounter => "a kernel jumped to nowhere (error 718).",
        CudaResult.LaunchFailed => "a kernel failed (error 719).",
        CudaResult.NotPermitted => "the operation is not permitted (error 800).",
        CudaResult.NotSupported => "the device or the driver does not support it (error 801).",
        CudaResult.SystemNotReady =>
            "a service that the device needs is not running, such as NVIDIA's fabric manager (error 802).",
        CudaResult.SystemDriverMismatch =>
            "the driver's library and its kernel module are of different versions: restart the machine (error 803).",
        CudaResult.CompatibilityNotSupported =>
            "the compatibility package of CUDA does not support this device (error 804).",
        CudaResult.CaptureUnsupported => "the operation cannot be recorded in a graph (error 900).",
        CudaResult.CaptureInvalidated => "an operation in between broke the recording of a graph (error 901).",
        CudaResult.CaptureWrongThread => "a graph's recording was begun on another thread (error 908).",
        CudaResult.Unknown => "the driver reports an unknown error (error 999).",
        _ => $"the driver reports error {(int)result} (cuda.h says what it means) on trying to {operation}.",
    };
}
