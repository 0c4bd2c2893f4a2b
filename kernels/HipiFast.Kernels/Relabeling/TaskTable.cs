using System.Numerics;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// Finds a task among the candidates: an open-addressing hash table over task vectors, with equal candidates chained.
/// </summary>
internal sealed unsafe class TaskTable : IDisposable
{
    private const int Empty = 0;

    private readonly NativeBuffer<int> _buckets = new(0);
    private readonly NativeBuffer<int> _next = new(0);
    private float* _tasks;
    private int _dimension;
    private uint _mask;

    /// <summary>Enters the candidates.</summary>
    /// <param name="tasks"><c>[count, dimension]</c>; must stay valid while the table is used.</param>
    /// <param name="count">K.</param>
    /// <param name="dimension">P.</param>
    public void Build(float* tasks, int count, int dimension)
    {
        _tasks = tasks;
        _dimension = dimension;
        long size = (long)BitOperations.RoundUpToPowerOf2((uint)count) * 2;
        _mask = (uint)(size - 1);
        _buckets.EnsureLength(size);
        _next.EnsureLength(count);
        new Span<int>(_buckets.Pointer, (int)size).Clear();
        for (int i = 0; i < count; i++)
        {
            int* bucket = Probe(Task(i));

            // Buckets hold the candidate's number plus one; an equal candidate goes in front of the chain.
            _next[i] = *bucket == Empty ? -1 : *bucket - 1;
            *bucket = i + 1;
        }
    }

    /// <summary>One candidate that equals a task (0 and -0 are equal), or -1.</summary>
    public int Find(float* task) => *Probe(task) - 1;

    /// <summary>
    /// Another candidate that equals candidate <paramref name="index"/>, or -1 at the end of the chain.
    /// </summary>
    public int NextEqual(int index) => _next[index];

    public void Dispose()
    {
        _buckets.Dispose();
        _next.Dispose();
    }

    /// <summary>Whether two tasks have equal entries.</summary>
    public static bool AreEqual(float* a, float* b, int dimension)
    {
        for (int i = 0; i < dimension; i++)
        {
            if (a[i] != b[i])
            {
                return false;
            }
        }

        return true;
    }

    private float* Task(int index) => _tasks + ((long)index * _dimension);

    private int* Probe(float* task)
    {
        for (uint position = Hash(task) & _mask; ; position = (position + 1) & _mask)
        {
            int* bucket = _buckets.Pointer + position;
            if (*bucket == Empty || AreEqual(Task(*bucket - 1), task, _dimension))
            {
                return bucket;
            }
        }
    }

    private uint Hash(float* task)
    {
        // Adding 0 turns -0 into 0. The multiplication spreads the bits upwards, so the high half is what is used
        // (Knuth's multiplicative hash).
        ulong hash = 0;
        for (int i = 0; i < _dimension; i++)
        {
            hash = (
                BitOperations.RotateLeft(hash, 23)
                    ^ BitConverter.SingleToUInt32Bits(task[i] + 0f)) * 0x9E3779B97F4A7C15;
        }

        return (uint)(hash >> 32);
    }
}
