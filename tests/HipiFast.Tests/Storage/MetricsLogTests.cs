using System.Globalization;
using System.Text;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

public sealed class MetricsLogTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string FilePath => _directory["metrics.csv"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void TheTextIsPlainCsv()
    {
        var log = new MetricsLog("env_steps", "success_rate", "loss");
        log.Add(1000, 0.25, 1f / 3);
        log.Add(2000, 1, double.NaN);
        log.Add(1e300, double.PositiveInfinity, double.NegativeInfinity);
        log.Save(FilePath);
        Assert.Equal(
            "env_steps,success_rate,loss\n1000,0.25,0.3333333432674408\n2000,1,nan\n1E+300,inf,-inf\n",
            File.ReadAllText(FilePath));
    }

    [Fact]
    public void EveryNumberReadsBackToTheSameBits()
    {
        double[] values =
        [
            0.1, -0.0, 1e-323, double.Epsilon, double.MaxValue, double.MinValue, Math.PI, 1.0 / 3, 123456789012345678,
            double.NaN
        ];
        var log = new MetricsLog("a", "b");
        foreach (double value in values)
        {
            log.Add(value, -value);
        }

        log.Save(FilePath);
        MetricsLog read = MetricsLog.Load(FilePath, "a", "b");
        Assert.Equal(
            values.Select(BitConverter.DoubleToInt64Bits), read.Column("a").Select(BitConverter.DoubleToInt64Bits));
        Assert.Equal(log.ToCsv(), read.ToCsv());
    }

    [Fact]
    public void TheCultureDoesNotMatter()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            comma.NumberFormat.NumberDecimalSeparator = ",";
            comma.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = comma;
            var log = new MetricsLog("a");
            log.Add(-1.5);
            Assert.Equal("a\n-1.5\n", log.ToCsv());
            log.Save(FilePath);
            Assert.Equal(-1.5, MetricsLog.Load(FilePath).Row(0)[0]);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void RowsAreCopied()
    {
        var log = new MetricsLog("a");
        double[] row = [1];
        log.Add(row);
        row[0] = 2;
        Assert.Equal(1, log.Row(0)[0]);
        Assert.Equal(1, log.Count);
    }

    [Theory]
    [InlineData("a,b\n1\n", "Line 2 of '{0}' has 1 fields; expected 2.")]
    [InlineData("a,b\n1,2\n1,2,3\n", "Line 3 of '{0}' has 3 fields; expected 2.")]
    [InlineData("a,b\n1,x\n", "Line 2 of '{0}' has 'x' in column 'b'; expected a number.")]
    [InlineData("a,b\n1,\n", "Line 2 of '{0}' has '' in column 'b'; expected a number.")]
    [InlineData("a,b\n\n", "Line 2 of '{0}' has '' in column 'a'; expected a number.")]
    [InlineData("a,a\n", "Line 1 of '{0}' does not name the columns of a CSV file of metrics: 'a,a'.")]
    [InlineData("\n", "Line 1 of '{0}' does not name the columns of a CSV file of metrics: ''.")]
    [InlineData(
        "a,b\n1,2\n3,4", "'{0}' ends in the middle of line 3: it was cut; expected a line end after the last number.")]
    [InlineData("a,b\n1,1e999\n", "Line 2 of '{0}' has '1e999' in column 'b'; expected a number.")]
    [InlineData("a,b\n1,Infinity\n", "Line 2 of '{0}' has 'Infinity' in column 'b'; expected a number.")]
    [InlineData("a,b\n1,NaN\n", "Line 2 of '{0}' has 'NaN' in column 'b'; expected a number.")]
    [InlineData("a,c\n", "'{0}' has the columns 'a,c'; expected a,b.")]
    [InlineData("", "'{0}' is empty or not a regular file; expected a CSV file of metrics.")]
    public void ABrokenFileIsOneSentence(string text, string sentence)
    {
        File.WriteAllText(FilePath, text);
        Assert.Equal(sentence.Replace("{0}", FilePath), Assert.Throws<InvalidDataException>(
            () => MetricsLog.Load(FilePath, "a", "b")).Message);
    }

    [Fact]
    public void ALineLongerThanAnyTableHasIsRefused()
    {
        File.WriteAllText(FilePath, new string('a', 1 << 20) + "\n");
        Assert.Equal(
            $"Line 1 of '{FilePath}' is longer than 65536 bytes.",
            Assert.Throws<InvalidDataException>(() => MetricsLog.Load(FilePath)).Message);
    }

    [Fact]
    public void LinesMayEndAsOnWindowsAndBeManyBuffersLong()
    {
        StringBuilder text = new("\ufeffa,b\r\n");
        for (int row = 0; row < 20_000; row++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row},{row * 0.5}\r\n");
        }

        File.WriteAllText(FilePath, text.ToString());
        MetricsLog log = MetricsLog.Load(FilePath, "a", "b");
        Assert.Equal(20_000, log.Count);
        Assert.Equal([19_999.0, 9999.5], log.Row(19_999).ToArray());
        Assert.Equal(Enumerable.Range(0, 20_000).Select(row => row * 0.5), log.Column("b"));
    }

    [Fact]
    public void ColumnsAndRowsAreChecked()
    {
        Assert.Throws<ArgumentException>(() => new MetricsLog());
        Assert.Throws<ArgumentException>(() => new MetricsLog("a", "a"));
        Assert.Throws<ArgumentException>(() => new MetricsLog("a,b"));
        Assert.Throws<ArgumentException>(() => new MetricsLog(" "));
        var log = new MetricsLog("a", "b");
        Assert.Throws<ArgumentException>(() => log.Add(1));
        Assert.Throws<ArgumentException>(() => log.Column("c"));
        Assert.Throws<FileNotFoundException>(() => MetricsLog.Load(FilePath));
        Assert.Throws<IOException>(() => log.Save(_directory.Root));
    }
}
