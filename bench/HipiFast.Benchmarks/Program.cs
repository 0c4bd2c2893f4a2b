using System.Globalization;
using BenchmarkDotNet.Running;

namespace HipiFast.Benchmarks;

internal static class Program
{
    /// <summary><c>pendulum [SEED]</c> trains once and prints its speed; anything else goes to BenchmarkDotNet.</summary>
    private static void Main(string[] args)
    {
        if (args is ["pendulum", ..])
        {
            PendulumTraining.Run(args.Length > 1 ? ulong.Parse(args[1], CultureInfo.InvariantCulture) : 0);
            return;
        }

        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
    }
}
