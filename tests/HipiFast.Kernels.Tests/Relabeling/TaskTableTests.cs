using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;

namespace HipiFast.Kernels.Tests.Relabeling;

/// <summary>The table that finds a task among the candidates.</summary>
public sealed class TaskTableTests
{
    [Fact]
    public unsafe void AllEqualTasksAreFound()
    {
        const int Count = 500;
        float[] tasks = new float[Count * 2];
        for (int i = 0; i < Count; i++)
        {
            PhiloxBlock block = Philox.Next((uint)i, 0, 0, (uint)RandomPurpose.SyntheticData, 1);
            (tasks[i * 2], tasks[(i * 2) + 1]) = (block.X % 11 == 0 ? -0f : block.X % 11, block.Y % 7);
        }

        using TaskTable table = new();
        fixed (float* pointer = tasks)
        {
            table.Build(pointer, Count, 2);
            for (int i = 0; i < Count; i++)
            {
                float[] wanted = [tasks[i * 2] == 0 ? 0f : tasks[i * 2], tasks[(i * 2) + 1]];
                List<int> found = [];
                fixed (float* task = wanted)
                {
                    for (int k = table.Find(task); k >= 0; k = table.NextEqual(k))
                    {
                        found.Add(k);
                    }
                }

                Assert.Equal(Enumerable.Range(0, Count).Where(
                    k => tasks[k * 2] == wanted[0] && tasks[(k * 2) + 1] == wanted[1]), found.Order());
            }

            float[] missing = [11.5f, 0];
            fixed (float* task = missing)
            {
                Assert.Equal(-1, table.Find(task));
            }
        }
    }
}
