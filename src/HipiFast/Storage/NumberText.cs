using System.Globalization;
using System.Text.Json;

namespace HipiFast.Storage;

/// <summary>Numbers as people and machines read them, the same in every culture.</summary>
public static class NumberText
{
    /// <summary>A count with thousands separators.</summary>
    /// <param name="value">Any number; rounded.</param>
    /// <returns>For example <c>12,345</c>; <c>-</c> where it is not finite.</returns>
    public static string Count(double value) =>
        double.IsFinite(value) ? value.ToString("#,0", CultureInfo.InvariantCulture) : "-";

    /// <summary>A number with a fixed number of decimals.</summary>
    /// <param name="value">Any number.</param>
    /// <param name="decimals">0 or more.</param>
    /// <returns>For example <c>1.50</c>; <c>-</c> where it is not finite.</returns>
    public static string Fixed(double value, int decimals) => double.IsFinite(value)
        ? value.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
        : "-";

    /// <summary>
    /// A mean with its deviation, both to the digits that the deviation leaves a meaning: two of its own, at most three
    /// decimals.
    /// </summary>
    /// <param name="mean">Any number.</param>
    /// <param name="deviation">0 or more; where it is 0, the mean has three digits.</param>
    /// <returns>For example <c>0.664 ± 0.078</c> or <c>-120 ± 75</c>.</returns>
    public static string MeanAndDeviation(double mean, double deviation)
    {
        const int Most = 3;
        (double size, int digits) = deviation > 0 ? (deviation, 2) : (Math.Abs(mean), Most);
        int decimals = size > 0 && double.IsFinite(size)
            ? (int)Math.Clamp(digits - 1 - Math.Floor(Math.Log10(size)), 0, Most)
            : Most;
        return $"{Fixed(mean, decimals)} ± {Fixed(deviation, decimals)}";
    }

    /// <summary>A rate with an SI suffix, to be followed by its unit.</summary>
    /// <param name="value">0 or more, per second.</param>
    /// <returns>For example <c>1.25 M</c>; ends with a space where there is no suffix.</returns>
    public static string Rate(double value) => value switch
    {
        >= 1e9 => Fixed(value / 1e9, 2) + " G",
        >= 1e6 => Fixed(value / 1e6, 2) + " M",
        >= 1e4 => Fixed(value / 1e3, 1) + " k",
        _ => Fixed(value, 0) + " ",
    };

    /// <summary>Writes a number as JSON; null where it is not finite.</summary>
    /// <param name="writer">Receives the property; inside an object.</param>
    /// <param name="name">The property's name.</param>
    /// <param name="value">Any number.</param>
    public static void Write(Utf8JsonWriter writer, string name, double value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (double.IsFinite(value))
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
