// Microseconds of a call in C# and of the same call through the C library of one level, in turns: bench/hosts.py.
//   dotnet HipiFast.Hosts.dll LIBRARY [ROUNDS]
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using HipiFast.Hosts;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Numerics;

string path = args[0];
int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 30;
using HostWork work = new(path);
Console.WriteLine($"engine {ManagedBackend.Best.Name}, library {work.VectorBits} bits");
foreach ((string name, Action engine, Action library) in work.Pairs())
{
    for (int warm = 0; warm < 200; warm++)
    {
        engine();
        library();
    }

    List<double> ours = [], theirs = [], ratios = [];
    for (int round = 0; round < rounds; round++)
    {
        // Whoever is first changes, and with it what a wandering clock does.
        double first = Time(round % 2 == 0 ? engine : library), second = Time(round % 2 == 0 ? library : engine);
        (double a, double b) = round % 2 == 0 ? (first, second) : (second, first);
        ours.Add(a);
        theirs.Add(b);
        ratios.Add(b / a);
    }

    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name}: C# {Median(ours):0.00} us, C {Median(theirs):0.00} us, ratio {Median(ratios):0.000} "
        + $"({ratios.Min():0.000} to {ratios.Max():0.000})"));
}

// A turn of about 20 ms.
static double Time(Action call)
{
    long start = Stopwatch.GetTimestamp();
    int calls = 0;
    do
    {
        call();
        calls++;
    }
    while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < 20);
    return Stopwatch.GetElapsedTime(start).TotalMicroseconds / calls;
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
