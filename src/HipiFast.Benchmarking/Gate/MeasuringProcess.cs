using System.ComponentModel;
using System.Diagnostics;
using System.Numerics;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// A built <c>hipifast</c> in its measuring mode (<c>bench measure</c>), as a process of its own: it prepares its
/// benchmarks once, lists them, and then measures what it is told to, line by line. Between two commands it sleeps.
/// </summary>
internal sealed class MeasuringProcess : IMeasuredProgram
{
    /// <summary>File name of the program in its folder.</summary>
    public const string ProgramFile = "HipiFast.Cli.dll";

    private readonly string _folder;
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly List<string> _benchmarks = [];
    private readonly List<double> _firstCalls = [];

    /// <summary>Starts the program and does not wait for its preparations; <see cref="AwaitReady"/> does.</summary>
    /// <param name="folder">Folder of a built program.</param>
    /// <param name="options">Options of the measuring mode.</param>
    /// <exception cref="IOException">There is no such folder, or no program in it.</exception>
    public MeasuringProcess(string folder, IEnumerable<string> options)
    {
        _folder = folder;
        CheckFolder(folder);
        ProcessStartInfo start = new(ExecutablePath.Dotnet())
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (
            string argument
                in (string[])[Path.GetFullPath(Path.Combine(folder, ProgramFile)), "bench", "measure", .. options])
        {
            start.ArgumentList.Add(argument);
        }

        // Methods are compiled for good after 30 calls, without the pause that waits for a program's start to be over:
        // the warm-up can be short.
        start.Environment["DOTNET_TC_CallCountingDelayMs"] = "0";
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Benchmarks => _benchmarks;

    /// <summary>Throws unless a folder holds a built program.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IOException">There is no such folder, or no program in it.</exception>
    public static void CheckFolder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException(
                $"There is no folder {folder}; expected one that holds a built program ({ProgramFile}).");
        }

        if (!File.Exists(Path.Combine(folder, ProgramFile)))
        {
            throw new FileNotFoundException(
                $"The folder {folder} holds no {ProgramFile}; expected a built program (dotnet build src/HipiFast.Cli "
                + "-o DIR).");
        }
    }

    /// <summary>Waits until the benchmarks are prepared.</summary>
    /// <exception cref="InvalidDataException">
    /// The program has no such mode, or a benchmark is wrong or cannot run; the message says which.
    /// </exception>
    public void AwaitReady()
    {
        if (_process.StandardOutput.ReadLine() is string greeting
            && greeting is not (MeasuringProtocol.Greeting or MeasuringProtocol.MediansGreeting))
        {
            throw Failure($"answers '{greeting}' instead of '{MeasuringProtocol.Greeting}'");
        }

        while (_process.StandardOutput.ReadLine() is string line)
        {
            if (line == MeasuringProtocol.Ready)
            {
                return;
            }

            (string name, double firstCall) = MeasuringProtocol.ParseEntry(line);
            _benchmarks.Add(name);
            _firstCalls.Add(firstCall);
        }

        throw Failure("ends before it is ready");
    }

    /// <inheritdoc/>
    public double FirstCall(int benchmark) => _firstCalls[benchmark];

    /// <inheritdoc/>
    public void Pin(int core)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
        {
            return;
        }

        try
        {
            // On Linux this moves the main thread alone, which is the one that measures.
            ulong allowed = (ulong)_process.ProcessorAffinity;
            for (int skip = core % Math.Max(1, BitOperations.PopCount(allowed)); skip > 0; skip--)
            {
                allowed &= allowed - 1;
            }

            _process.ProcessorAffinity = (nint)(allowed & (~allowed + 1));
        }
        catch (Exception error) when (error is InvalidOperationException or Win32Exception)
        {
            // Not allowed here, and measured as it is; or the program is gone, which its first turn will say.
        }
    }

    /// <inheritdoc/>
    public MeasuredTurn Measure(int benchmark, double seconds)
    {
        try
        {
            _process.StandardInput.WriteLine(MeasuringProtocol.Turn(benchmark, seconds));
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It is gone, and so the answer is missing as well.
        }

        return MeasuringProtocol.TryParseAnswer(_process.StandardOutput.ReadLine(), out MeasuredTurn turn)
            ? turn
            : throw Failure($"stops while it measures '{_benchmarks[benchmark]}'");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Its input ends, and so does it.
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private InvalidDataException Failure(string what)
    {
        _process.StandardInput.Close();
        string said = _process.WaitForExit(TimeSpan.FromSeconds(5))
            ? _errors.GetAwaiter().GetResult().Trim()
            : string.Empty;
        string why = said.Length > 0
            ? $"it says: {said.Split('\n')[0].Trim()}"
            : "is it a build without measuring mode?";
        return new InvalidDataException($"The program in {_folder} {what}; {why}");
    }
}
