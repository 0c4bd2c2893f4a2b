using System.Reflection;
using System.Runtime.Loader;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Kernels.Ilgpu.Tests.Replay;

/// <summary>
/// A transition of more columns than it has today: whoever lists columns by hand instead of walking the schema loses
/// them. The schema belongs to the process, so its longer version lives in assemblies of its own, loaded once more.
/// </summary>
public sealed class FurtherColumnTests : IDisposable
{
    private static readonly WithFurtherColumns s_context = new();

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(nameof(FurtherColumns.AreReplayed))]
    [InlineData(nameof(FurtherColumns.AreSavedAndLoaded))]
    [InlineData(nameof(FurtherColumns.AreRelabeledAlong))]
    public void WhateverWalksTheSchemaCarriesThem(string what) => Call(what);

    [Fact]
    public void FilesThatLackThemGiveTheirDefaults()
    {
        using TransitionBatch batch = FurtherColumns.Batch(1, FurtherColumns.Rows);
        TransitionFile.Save(_directory[FurtherColumns.FileName], batch);
        using (ReplayBuffer replay = new(FurtherColumns.Shape, FurtherColumns.Rows))
        {
            replay.AppendEpisode(batch);
            SafetensorsWriter writer = new();
            replay.SaveState(writer, "replay.");
            batch.SaveState(writer, "batch.");
            writer.Save(_directory[FurtherColumns.CheckpointName]);
        }

        Call(nameof(FurtherColumns.HaveDefaults));
    }

    private void Call(string what)
    {
        MethodInfo method = s_context.Load(typeof(FurtherColumns)).GetMethod(what)!;
        method.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [_directory[string.Empty]], null);
    }

    /// <summary>The program's assemblies and these tests once more, and a schema that is longer there.</summary>
    private sealed class WithFurtherColumns() : AssemblyLoadContext(nameof(WithFurtherColumns))
    {
        public Type Load(Type type) =>
            LoadFromAssemblyPath(type.Assembly.Location).GetType(type.FullName!, throwOnError: true)!;

        protected override Assembly? Load(AssemblyName name)
        {
            string path = Path.Combine(AppContext.BaseDirectory, $"{name.Name}.dll");
            bool isOwn = name.Name!.StartsWith("HipiFast", StringComparison.Ordinal)
                || name.Name.StartsWith("ILGPU", StringComparison.Ordinal);
            return isOwn && File.Exists(path) ? LoadFromAssemblyPath(path) : null;
        }
    }
}
