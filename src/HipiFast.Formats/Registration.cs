using HipiFast.Data;

namespace HipiFast.Formats;

/// <summary>Adds the formats of this assembly; the program calls it when a file asks for one.</summary>
public static class Registration
{
    /// <summary>Adds HDF5 and Parquet to <see cref="DataFormats"/>.</summary>
    public static void Register()
    {
        DataFormats.Register(new Hdf5Format());
        DataFormats.Register(new ParquetFormat());
    }
}
