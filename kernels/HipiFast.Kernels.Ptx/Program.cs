using HipiFast.Kernels.Ptx;

// A process of its own for every set of files: ILGPU numbers values through the whole process and orders some by their
// numbers, so that what was compiled before would show in the text.
if (args.Length != 1)
{
    Console.Error.WriteLine("Usage: HipiFast.Kernels.Ptx FOLDER: writes the PTX of all kernels, and its list.");
    return 2;
}

try
{
    PtxFiles.Write(args[0]);
    return 0;
}
catch (Exception error) when (error is not OutOfMemoryException)
{
    Console.Error.WriteLine(error.Message.Split('\n')[0].Trim());
    return 1;
}
