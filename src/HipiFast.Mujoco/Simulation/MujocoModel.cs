using System.Text;
using HipiFast.Mujoco.Native;

namespace HipiFast.Mujoco.Simulation;

/// <summary>
/// A model that MuJoCo has read: sizes, and where named things lie. Read-only; may be shared by simulators of several
/// threads, which it must outlive.
/// </summary>
internal sealed unsafe class MujocoModel : IDisposable
{
    private nint _handle;

    /// <summary>Reads MJCF.</summary>
    /// <param name="name">What to call the model in messages.</param>
    /// <param name="xml">The text.</param>
    /// <exception cref="NotSupportedException">MuJoCo is not to be had.</exception>
    /// <exception cref="InvalidDataException">MuJoCo does not accept the model.</exception>
    public MujocoModel(string name, string xml)
    {
        MujocoLibrary.Require();
        Name = name;
        byte[] text = Encoding.UTF8.GetBytes(xml);
        nint handle;
        fixed (byte* bytes = text)
        {
            MujocoStatus status = MujocoMethods.Load(bytes, (nuint)text.Length, &handle);
            if (status != MujocoStatus.Ok)
            {
                throw new InvalidDataException(
                    $"MuJoCo does not accept the model '{name}': {MujocoLibrary.Describe(status)}.");
            }
        }

        _handle = handle;
        MujocoSizes sizes;
        MujocoLibrary.Check(MujocoMethods.GetSizes(_handle, &sizes), "size query");
        Sizes = sizes;
    }

    /// <summary>Frees the model when the owner forgot to.</summary>
    ~MujocoModel() => Free();

    /// <summary>What the model is called.</summary>
    public string Name { get; }

    /// <summary>Sizes.</summary>
    public MujocoSizes Sizes { get; }

    /// <summary>The native model.</summary>
    public nint Handle => _handle;

    /// <summary>The text of one of the library's own models.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>MJCF.</returns>
    public static string Text(string name)
    {
        using Stream stream = typeof(MujocoModel).Assembly.GetManifestResourceStream(name + ".xml")
            ?? throw new ArgumentException($"There is no model '{name}'.", nameof(name));
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>Finds a named thing.</summary>
    /// <param name="kind">Of what kind.</param>
    /// <param name="name">Its name in the model.</param>
    /// <returns>Where it lies.</returns>
    /// <exception cref="ArgumentException">There is none.</exception>
    public MujocoPlace Find(MujocoKind kind, string name)
    {
        MujocoPlace place;
        return MujocoMethods.Find(_handle, kind, name, &place) == MujocoStatus.Ok
            ? place
            : throw new ArgumentException(
                $"The model '{Name}' has no {kind.ToString().ToLowerInvariant()} named '{name}'.", nameof(name));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_handle != 0)
        {
            MujocoMethods.FreeModel(_handle);
            _handle = 0;
        }
    }
}
