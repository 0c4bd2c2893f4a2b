using HipiFast.Environments;
using HipiFast.Kernels.Random;

namespace HipiFast.Mujoco.Simulation;

/// <summary>Uniform numbers of one copy and episode, one after the other.</summary>
/// <param name="random">The episode's random numbers.</param>
/// <param name="copy">Which copy.</param>
internal ref struct UniformDraws(EnvironmentRandom random, int copy)
{
    private PhiloxBlock _words;
    private uint _drawn;

    /// <summary>The next number.</summary>
    /// <param name="low">Lower end.</param>
    /// <param name="high">Upper end.</param>
    /// <returns>A number between them.</returns>
    public double Next(double low, double high)
    {
        if (_drawn % 4 == 0)
        {
            _words = random.Block(copy, _drawn / 4);
        }

        return low + ((high - low) * Philox.ToUniform(_words[(int)(_drawn++ % 4)]));
    }
}
