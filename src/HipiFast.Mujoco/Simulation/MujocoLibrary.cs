using System.Runtime.InteropServices;
using HipiFast.Mujoco.Native;

namespace HipiFast.Mujoco.Simulation;

/// <summary>Whether MuJoCo is to be had.</summary>
public static unsafe class MujocoLibrary
{
    /// <summary>How to get it, as the end of a sentence.</summary>
    private const string Install =
        "install it with 'apt-get install libmujoco-dev cmake g++' (or set MUJOCO_ROOT to a MuJoCo release) "
        + "and build again with 'dotnet build src/HipiFast.Cli -c Release', whose log of it is "
        + "artifacts/native/Release/mujoco/build.log";

    private static readonly Lazy<string?> s_whyNot = new(() => Probe(MujocoMethods.Library));

    /// <summary>
    /// Why the physics environments cannot run here, in one sentence that says what to do; null when they can.
    /// </summary>
    public static string? WhyNot => s_whyNot.Value;

    /// <summary>MuJoCo's version number, such as 222 for 2.2.2.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static int Version
    {
        get
        {
            Require();
            return MujocoMethods.GetMujocoVersion();
        }
    }

    /// <summary>Throws when MuJoCo is not to be had.</summary>
    /// <exception cref="NotSupportedException">The message is <see cref="WhyNot"/>.</exception>
    public static void Require()
    {
        if (WhyNot is { } reason)
        {
            throw new NotSupportedException(reason);
        }
    }

    /// <summary>What went wrong in a call of this thread.</summary>
    /// <param name="status">What the call returned.</param>
    /// <returns>MuJoCo's own words, or the status's, without a full stop.</returns>
    internal static string Describe(MujocoStatus status)
    {
        // What was said last may be of an earlier call: only these have something of their own to say.
        bool hasWords = status is MujocoStatus.BadModel or MujocoStatus.Unstable or MujocoStatus.Error;
        string said = !hasWords
            ? string.Empty
            : Marshal.PtrToStringUTF8((nint)MujocoMethods.GetLastError())!.Trim().ReplaceLineEndings("; ").TrimEnd('.');
        return said.Length > 0 ? said : Marshal.PtrToStringUTF8((nint)MujocoMethods.GetStatusMessage(status))!;
    }

    /// <summary>Throws when a call failed.</summary>
    /// <param name="status">What it returned.</param>
    /// <param name="call">The call, in words that complete "... failed". A constant.</param>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    internal static void Check(MujocoStatus status, string call)
    {
        if (status != MujocoStatus.Ok)
        {
            throw new InvalidOperationException($"MuJoCo's {call} failed: {Describe(status)}.");
        }
    }

    /// <summary>Why a library cannot serve.</summary>
    /// <param name="name">Its name, without the system's prefix and suffix.</param>
    /// <returns>One sentence, or null when it can.</returns>
    internal static string? Probe(string name)
    {
        if (!NativeLibrary.TryLoad(name, typeof(MujocoMethods).Assembly, null, out nint library))
        {
            return Directory.EnumerateFiles(AppContext.BaseDirectory, $"*{name}.*").Any()
                ? "The physics environments were built with a MuJoCo that cannot be loaded now: remove "
                    + "artifacts/native, and then "
                    + $"{Install}."
                : $"This environment needs MuJoCo, which was not found when this program was built: {Install}.";
        }

        // The handle is kept: calls resolve to the same library.
        if (!NativeLibrary.TryGetExport(library, "hf_mj_abi_version", out _))
        {
            return $"A library named '{MujocoMethods.Library}' was found that is not HipiFast's.";
        }

        int version = MujocoMethods.GetAbiVersion();
        if (version != MujocoMethods.AbiVersion)
        {
            return $"The library '{MujocoMethods.Library}' has ABI version {version}, not {MujocoMethods.AbiVersion}: "
                + "build again.";
        }

        // The shim reads MuJoCo's structures as its headers laid them out.
        int headers = MujocoMethods.GetHeaderVersion(), loaded = MujocoMethods.GetMujocoVersion();
        return headers == loaded
            ? null
            : $"The physics environments were compiled with the headers of MuJoCo {headers}, but MuJoCo {loaded} was "
                + "loaded; expected one version "
                + "(set MUJOCO_ROOT to a release with both include and lib, and build again).";
    }
}
