using System.Runtime.InteropServices;

namespace HipiFast.Mujoco.Native;

/// <summary>Status of a native call, <c>hf_mj_status</c>.</summary>
internal enum MujocoStatus
{
    /// <summary>Success.</summary>
    Ok = 0,

    /// <summary>MuJoCo does not accept the model.</summary>
    BadModel = 3,

    /// <summary>The model has nothing of that kind and name.</summary>
    NotFound = 4,

    /// <summary>The simulation diverged, or ran out of room for contacts.</summary>
    Unstable = 5,

    /// <summary>MuJoCo called its error handler.</summary>
    Error = 7,
}

/// <summary>What a name may stand for, <c>hf_mj_kind</c>.</summary>
internal enum MujocoKind
{
    /// <summary>A body.</summary>
    Body = 0,

    /// <summary>A joint.</summary>
    Joint = 1,

    /// <summary>A geom.</summary>
    Geom = 2,

    /// <summary>A site.</summary>
    Site = 3,

    /// <summary>An actuator.</summary>
    Actuator = 4,

    /// <summary>A sensor.</summary>
    Sensor = 5,
}

/// <summary>Sizes of a model, <c>hf_mj_sizes</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct MujocoSizes
{
    public readonly int State;
    public readonly int Positions;
    public readonly int Velocities;
    public readonly int Activations;
    public readonly int Mocaps;
    public readonly int Controls;
    public readonly int Sensors;
    public readonly int Bodies;
    public readonly int Geoms;
    public readonly double TimeStep;
}

/// <summary>Where a named thing lies, <c>hf_mj_place</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct MujocoPlace
{
    public readonly int Id;
    public readonly int Address;
    public readonly int Velocity;
    public readonly int Limited;
    public readonly double Low;
    public readonly double High;
}

/// <summary>One geom where a state puts it, <c>hf_mj_geom</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MujocoGeom
{
    public int Type;
    public int Body;
    public fixed double Size[3];
    public fixed double Position[3];
    public fixed double Rotation[9];
    public fixed float Rgba[4];
}

/// <summary>One contact, <c>hf_mj_contact</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MujocoContact
{
    public int Geom1;
    public int Geom2;
    public double Distance;
    public double NormalForce;
}

/// <summary>
/// The C ABI of native/include/hipifast/mujoco.h, function by function; that header says what each does and needs.
/// </summary>
internal static unsafe partial class MujocoMethods
{
    /// <summary>Name of the library, without the system's prefix and suffix.</summary>
    public const string Library = "hipifast_mujoco";

    /// <summary><c>HF_MJ_ABI_VERSION</c> of the header that this file mirrors.</summary>
    public const int AbiVersion = 1;

    [LibraryImport(Library, EntryPoint = "hf_mj_abi_version")]
    public static partial int GetAbiVersion();

    [LibraryImport(Library, EntryPoint = "hf_mj_header_version")]
    public static partial int GetHeaderVersion();

    [LibraryImport(Library, EntryPoint = "hf_mj_mujoco_version")]
    public static partial int GetMujocoVersion();

    [LibraryImport(Library, EntryPoint = "hf_mj_status_message")]
    public static partial byte* GetStatusMessage(MujocoStatus status);

    [LibraryImport(Library, EntryPoint = "hf_mj_last_error")]
    public static partial byte* GetLastError();

    [LibraryImport(Library, EntryPoint = "hf_mj_load")]
    public static partial MujocoStatus Load(byte* xml, nuint length, nint* model);

    [LibraryImport(Library, EntryPoint = "hf_mj_free_model")]
    public static partial void FreeModel(nint model);

    [LibraryImport(Library, EntryPoint = "hf_mj_get_sizes")]
    public static partial MujocoStatus GetSizes(nint model, MujocoSizes* sizes);

    [LibraryImport(Library, EntryPoint = "hf_mj_find", StringMarshalling = StringMarshalling.Utf8)]
    public static partial MujocoStatus Find(nint model, MujocoKind kind, string name, MujocoPlace* place);

    [LibraryImport(Library, EntryPoint = "hf_mj_make_simulator")]
    public static partial MujocoStatus MakeSimulator(nint model, nint* simulator);

    [LibraryImport(Library, EntryPoint = "hf_mj_free_simulator")]
    public static partial void FreeSimulator(nint simulator);

    [LibraryImport(Library, EntryPoint = "hf_mj_initial_state")]
    public static partial MujocoStatus GetInitialState(nint simulator, double* state, int stateSize);

    [LibraryImport(Library, EntryPoint = "hf_mj_step")]
    public static partial MujocoStatus Step(
        nint simulator, double* control, int controlCount, int substeps, double* state, int stateSize, double* readings,
        int readingCount);

    [LibraryImport(Library, EntryPoint = "hf_mj_read")]
    public static partial MujocoStatus Read(
        nint simulator, double* state, int stateSize, double* readings, int readingCount, int* contactCount);

    [LibraryImport(Library, EntryPoint = "hf_mj_energy")]
    public static partial MujocoStatus GetEnergy(
        nint simulator, double* state, int stateSize, double* potential, double* kinetic);

    [LibraryImport(Library, EntryPoint = "hf_mj_contacts")]
    public static partial MujocoStatus GetContacts(
        nint simulator, double* state, int stateSize, MujocoContact* contacts, int capacity, int* count);

    [LibraryImport(Library, EntryPoint = "hf_mj_geoms")]
    public static partial MujocoStatus GetGeoms(
        nint simulator, double* state, int stateSize, MujocoGeom* geoms, int capacity);
}
