using HipiFast.Kernels.Relabeling;
using HipiFast.Relabeling;

namespace HipiFast.Tests.Relabeling;

/// <summary>Keeps what a relabeler shows.</summary>
internal sealed class Recorder : IRelabelObserver
{
    private readonly List<float> _softQ = [];
    private readonly List<float> _posterior = [];
    private int _candidates;

    public bool WantsPosterior => true;

    public int Blocks { get; private set; }

    public float[] LogPartition { get; private set; } = [];

    public void OnBlock(in RelabelBlock block)
    {
        _candidates = block.Candidates;
        Assert.Equal(_softQ.Count, block.FirstRow * _candidates);
        Assert.Equal(block.Rows * _candidates, block.SoftQ.Length);
        Assert.Equal(block.Rows * _candidates, block.Posterior.Length);
        _softQ.AddRange(block.SoftQ);
        _posterior.AddRange(block.Posterior);
        LogPartition = block.LogPartition.ToArray();
        Blocks++;
    }

    public float[,] SoftQ(int rows)
    {
        Assert.Equal(rows * _candidates, _softQ.Count);
        float[,] matrix = new float[rows, _candidates];
        for (int j = 0; j < rows; j++)
        {
            for (int i = 0; i < _candidates; i++)
            {
                matrix[j, i] = _softQ[(j * _candidates) + i];
            }
        }

        return matrix;
    }

    public float Posterior(int row, int candidate) => _posterior[(row * _candidates) + candidate];
}
