// Makes lerobot.parquet of twin.safetensors with the library of Apache Arrow, which pyarrow is made of, too:
//
//     dotnet run make-parquet.cs
#:package ParquetSharp@25.0.1.2
#:property ManagePackageVersionsCentrally=false
#:property RestorePackagesWithLockFile=false
#:property PublishAot=false
#:property TreatWarningsAsErrors=false
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using ParquetSharp;

byte[] file = File.ReadAllBytes("twin.safetensors");
int header = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
JsonElement tensors = JsonDocument.Parse(file.AsMemory(8, header)).RootElement;
T[] Read<T>(string name) where T : unmanaged
{
    JsonElement range = tensors.GetProperty(name).GetProperty("data_offsets");
    return MemoryMarshal.Cast<byte, T>(file.AsSpan(8 + header)[range[0].GetInt32()..range[1].GetInt32()]).ToArray();
}

float[] observation = Read<float>("observation"), action = Read<float>("action"), next = Read<float>("next_observation");
float[] task = Read<float>("task"), reward = Read<float>("reward");
long[] episode = Read<long>("episode");
List<(float[] State, float[] Action, float[] Goal, float Reward, long Episode, long Frame, bool Done)> rows = [];
for (int i = 0, frame = 0; i < episode.Length; i++, frame++)
{
    bool isLast = i + 1 == episode.Length || episode[i + 1] != episode[i];
    rows.Add((observation[(4 * i)..(4 * i + 4)], action[(2 * i)..(2 * i + 2)], task[(2 * i)..(2 * i + 2)], reward[i], episode[i], frame, false));
    if (isLast)
    {
        // A frame for the last state, whose action means nothing.
        rows.Add((next[(4 * i)..(4 * i + 4)], [0, 0], task[(2 * i)..(2 * i + 2)], 0, episode[i], frame + 1, true));
        frame = -1;
    }
}

Column[] columns =
[
    new Column<float[]>("observation.state"), new Column<float[]>("action"), new Column<float[]>("goal"),
    new Column<float>("next.reward"), new Column<bool>("next.done"), new Column<long>("episode_index"),
    new Column<long>("frame_index"), new Column<long>("index"), new Column<double>("timestamp"),
    new Column<long>("task_index"), new Column<string>("note"),
];
Dictionary<string, string> metadata = new() { ["huggingface"] = "{}", ["origin"] = "fixture" };
using ParquetFileWriter writer = new("lerobot.parquet", columns, Compression.Snappy, metadata);
foreach (var group in rows.Chunk(20))
{
    using RowGroupWriter target = writer.AppendRowGroup();
    void Write<T>(IEnumerable<T> values)
    {
        using LogicalColumnWriter<T> column = target.NextColumn().LogicalWriter<T>();
        column.WriteBatch(values.ToArray());
    }

    Write(group.Select(row => row.State));
    Write(group.Select(row => row.Action));
    Write(group.Select(row => row.Goal));
    Write(group.Select(row => row.Reward));
    Write(group.Select(row => row.Done));
    Write(group.Select(row => row.Episode));
    Write(group.Select(row => row.Frame));
    Write(group.Select(row => row.Frame));
    Write(group.Select(row => row.Frame / 50.0));
    Write(group.Select(_ => 0L));
    Write(group.Select(_ => "text"));
}

writer.Close();
