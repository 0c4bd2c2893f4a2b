using System.Buffers.Binary;
using System.Globalization;

namespace HipiFast.Storage;

/// <summary>Writes scalars to a TensorBoard event file, <c>events.out.tfevents.SECONDS.hipifast.PID.N</c>.</summary>
/// <remarks>
/// The file is a sequence of TFRecords (length, masked CRC-32C of the length, data, masked CRC-32C of the data), each
/// an <c>Event</c> message of TensorFlow's <c>event.proto</c>. It only ever grows: a process killed while writing
/// leaves at most one incomplete record at the end, which TensorBoard ignores. A run that resumes writes a further file
/// in the same directory. Not thread-safe.
/// </remarks>
public sealed class TensorBoardWriter : IDisposable
{
    private const string FileVersion = "brain.Event:2";

    // Field numbers of Event, Summary, Summary.Value and SessionLog.
    private const int WallTimeField = 1;
    private const int StepField = 2;
    private const int FileVersionField = 3;
    private const int SummaryField = 5;
    private const int SessionLogField = 7;
    private const int SummaryValueField = 1;
    private const int TagField = 1;
    private const int SimpleValueField = 2;
    private const int SessionStatusField = 1;
    private const int SessionStart = 1;

    private readonly FileStream _stream;
    private readonly TimeProvider _clock;
    private readonly ProtobufWriter _event = new();
    private readonly ProtobufWriter _summary = new();
    private readonly ProtobufWriter _value = new();

    /// <summary>Makes a new event file.</summary>
    /// <param name="directory">Directory of the run; it must exist.</param>
    /// <param name="resumeStep">
    /// When a run resumes: the first step that will be written again. TensorBoard then forgets what earlier files of
    /// the directory say from this step on.
    /// </param>
    /// <param name="clock">Where wall times come from; the system's clock when null.</param>
    /// <exception cref="IOException">
    /// The directory cannot be written; one sentence with the path and the reason.
    /// </exception>
    public TensorBoardWriter(string directory, long? resumeStep = null, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(directory);
        _clock = clock ?? TimeProvider.System;
        _stream = Create(directory, _clock.GetUtcNow().ToUnixTimeSeconds());
        Begin(step: 0);
        _event.Text(FileVersionField, FileVersion);
        WriteRecord();
        if (resumeStep is long step)
        {
            _value.Clear();
            _value.Integer(SessionStatusField, SessionStart);
            Begin(step);
            _event.Bytes(SessionLogField, _value.Written);
            WriteRecord();
        }

        Flush();
    }

    /// <summary>Path of the event file.</summary>
    public string Path => _stream.Name;

    /// <summary>Writes one point of one curve.</summary>
    /// <param name="tag">
    /// Name of the curve, for example <c>eval/success_rate</c>; curves with the same part before the slash share a
    /// section.
    /// </param>
    /// <param name="value">Height.</param>
    /// <param name="step">Step, for example environment steps.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Scalar(string tag, float value, long step)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        _value.Clear();
        _value.Text(TagField, tag);
        _value.Float(SimpleValueField, value);
        _summary.Clear();
        _summary.Bytes(SummaryValueField, _value.Written);
        Begin(step);
        _event.Bytes(SummaryField, _summary.Written);
        WriteRecord();
    }

    /// <summary>Hands everything written so far to the operating system, where TensorBoard sees it.</summary>
    public void Flush() => _stream.Flush();

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static FileStream Create(string directory, long seconds)
    {
        for (int number = 0; ; number++)
        {
            string name = string.Create(
                CultureInfo.InvariantCulture,
                $"events.out.tfevents.{seconds}.hipifast.{Environment.ProcessId}.{number}");
            string path = System.IO.Path.Combine(directory, name);
            try
            {
                return new FileStream(
                    path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another writer began in the same second: take the next number.
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new IOException($"'{path}' cannot be written: {FileMessages.Reason(error)}.", error);
            }
        }
    }

    private void Begin(long step)
    {
        _event.Clear();
        _event.Double(WallTimeField, (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds);
        _event.Integer(StepField, step);
    }

    private void WriteRecord()
    {
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)_event.Written.Length);
        _stream.Write(length);
        WriteChecksum(length);
        _stream.Write(_event.Written);
        WriteChecksum(_event.Written);
    }

    private void WriteChecksum(ReadOnlySpan<byte> bytes)
    {
        Span<byte> checksum = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, Crc32C.ComputeMasked(bytes));
        _stream.Write(checksum);
    }
}
