namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>A kernel as PTX text.</summary>
/// <param name="Text">The module.</param>
/// <param name="EntryPoint">Name of the kernel in it.</param>
public sealed record PtxKernel(string Text, string EntryPoint);
